"""The daemon as a process, its log and its pages."""

import json
import os
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tests.commands.site import TIMEOUT_SECONDS, Site


class Daemon:
    """A running daemon and the log it writes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.events: list[dict[str, Any]] = []

    def wait_for(
        self, event: str, *, times: int = 1, like: Callable[[dict[str, Any]], bool] = bool
    ) -> dict[str, Any]:
        """Read the log until an event has come so often."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.events.append(json.loads(line))
            if self.events[-1]["event"] == event and like(self.events[-1]):
                times -= 1
                if times == 0:
                    return self.events[-1]
        message = f"{event} never came: {self.events}"
        raise AssertionError(message)

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; return its exit status."""
        self.process.send_signal(number)
        return self.process.wait(TIMEOUT_SECONDS)


@contextmanager
def running(site: Site, **environment: str) -> Iterator[Daemon]:
    """Run the daemon, with more in its environment; it is gone afterwards."""
    process = subprocess.Popen(  # noqa: S603  our own command
        site.command("run"), stderr=subprocess.PIPE, text=True, env=os.environ | environment
    )
    with process:
        try:
            yield Daemon(process)
        finally:
            process.kill()


def fetch(address: str, path: str) -> tuple[int, str]:
    """Ask for a page; return its status and text."""
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=TIMEOUT_SECONDS) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
