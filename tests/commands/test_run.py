"""``run``: the daemon lives, is seen to live, and ends when it is told to."""

import json
import signal
import subprocess
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.channels.servers import Mailbox
from tests.commands.site import TIMEOUT_SECONDS, Site, report_of
from tests.servers import free_port


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
def running(site: Site) -> Iterator[Daemon]:
    process = subprocess.Popen(site.command("run"), stderr=subprocess.PIPE, text=True)  # noqa: S603  our own
    with process:
        try:
            yield Daemon(process)
        finally:
            process.kill()


def fetch(address: str, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://{address}{path}", timeout=TIMEOUT_SECONDS) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_it_collects_alerts_and_shows_what_it_knows(site: Site, alerts: Mailbox) -> None:
    site.extra = {"web": {"listen": "127.0.0.1:0"}}
    site.deliver(report_of(1, failed=60))
    with running(site) as daemon:
        address = daemon.wait_for("web_started")["address"]
        daemon.wait_for("notification_sent")

        page = fetch(address, "/")
        assert (200, True) == (page[0], "example.com" in page[1])
        assert 200 == fetch(address, "/healthz")[0]
        assert 200 == fetch(address, "/readyz")[0]
        assert 'tlsrpt_reports_total{outcome="stored"} 1.0' in fetch(address, "/metrics")[1]
        assert 0 == daemon.end()
    assert ((0, 1, 0), 1) == (site.counts(), len(alerts.messages))


def test_it_finds_new_mail_when_its_doorbell_rings(site: Site) -> None:
    with running(site) as daemon:
        daemon.wait_for("round_finished")
        site.deliver(report_of(1))
        daemon.process.send_signal(signal.SIGUSR1)
        daemon.wait_for("report_stored")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly(site: Site, number: signal.Signals) -> None:
    with running(site) as daemon:
        daemon.wait_for("daemon_started")

        assert 0 == daemon.end(number)


def test_it_lives_on_while_a_mailbox_is_away_and_says_so(site: Site) -> None:
    site.extra = {"web": {"listen": "127.0.0.1:0"}}
    site.source = {"port": free_port()}
    with running(site) as daemon:
        address = daemon.wait_for("web_started")["address"]
        failed = daemon.wait_for("round_failed")

        assert str(site.source["port"]) in failed["reason"]
        status, words = fetch(address, "/readyz")
        assert (503, True) == (status, "main" in words)
        assert 200 == fetch(address, "/healthz")[0]
        assert 0 == daemon.end()


def test_a_wrong_configuration_is_told_whole(site: Site) -> None:
    site.extra = {"thresholds": {"warnin": "1%", "critical": 5}}

    done = site.run("run", status=78)

    assert 2 == len(done.stderr.strip().splitlines()), done.stderr
    assert "warning" in done.stderr


def test_a_port_in_use_is_said_plainly(site: Site) -> None:
    site.extra = {"web": {"listen": f"127.0.0.1:{site.dovecot.port}"}}

    assert "in use" in site.run("run", status=78).stderr
