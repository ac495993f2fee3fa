"""The demo does the whole job by itself, in a minute, and leaves nothing behind however it ends."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from collector.demo.mailbox import free_port

# What the demo promises, on a slow machine too.
TIMEOUT_SECONDS = 60


@dataclass
class Tour:
    """A running demo and what it has said so far."""

    process: subprocess.Popen[str]
    said: str = ""

    def wait_for(self, words: str) -> None:
        """Read until the demo says something."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said += line
            if words in line:
                return
        message = f"it never said {words!r}:\n{self.said}"
        raise AssertionError(message)

    def end(self, number: signal.Signals) -> int:
        """Send a signal to its process group, as a terminal does; return the exit status."""
        os.killpg(self.process.pid, number)
        assert self.process.stdout is not None
        self.said += self.process.stdout.read()
        return self.process.wait(TIMEOUT_SECONDS)


@contextmanager
def demo(folder: Path, *arguments: str) -> Iterator[Tour]:
    """Start the demo as a shell would: in a process group of its own, its folder in ``folder``."""
    command = [sys.executable, "-m", "collector", "demo", *arguments]
    process = subprocess.Popen(  # noqa: S603  our own command
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        process_group=0,
        env=os.environ | {"TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"},
    )
    with process:
        try:
            yield Tour(process)
        finally:
            process.kill()


def processes_of(folder: Path) -> Mapping[int, str]:
    """Find the processes, however grouped, whose environment names this folder."""
    mark = f"TMPDIR={folder}\0".encode()
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (process / "environ").read_bytes():
                found[int(process.name)] = (process / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue  # it ended meanwhile, or is not ours to look at
    return found


def test_it_does_the_whole_job_and_says_what_was_seen(tmp_path: Path) -> None:
    with demo(tmp_path) as tour:
        tour.wait_for("What you saw")
        tour.wait_for("README.md")
        assert 0 == tour.process.wait(TIMEOUT_SECONDS)

    said = tour.said
    assert re.search(
        r"^Subject: CRITICAL: 511 of 2,852 TLS sessions to example\.org failed", said, re.MULTILINE
    )
    assert '"event": "alert.raised"' in said
    assert "CLEARED: TLS sessions to example.org" in said
    assert re.search(r"^TOTAL +52,335 +2,862 +5\.5 %$", said, re.MULTILINE)
    assert "54 reports as they were received" in said
    assert re.search(r"^The page:  http://127\.0\.0\.1:\d+/$", said, re.MULTILINE)
    assert "  56 mails fetched over IMAP" in said
    assert "  54 reports about 3 domains" in said
    assert "  4 messages about alerts by mail, 4 by webhook" in said
    assert "Traceback" not in said
    assert "round_failed" not in said
    assert ({}, []) == (processes_of(tmp_path), list(tmp_path.iterdir()))


@pytest.mark.parametrize(
    ("moment", "number"),
    [
        ("A mailbox, a configuration", signal.SIGINT),
        ("A mailbox, a configuration", signal.SIGTERM),
        ("A mailbox, a configuration", signal.SIGHUP),
        (" collect", signal.SIGINT),
        (" run", signal.SIGINT),
    ],
)
def test_interrupted_anywhere_it_ends_quietly_and_leaves_nothing(
    tmp_path: Path, moment: str, number: signal.Signals
) -> None:
    with demo(tmp_path) as tour:
        tour.wait_for(moment)
        assert processes_of(tmp_path)

        assert 130 == tour.end(number)

    assert "Traceback" not in tour.said
    assert ({}, []) == (processes_of(tmp_path), list(tmp_path.iterdir()))


def test_it_stays_up_until_it_is_interrupted_when_asked_to(tmp_path: Path) -> None:
    port = free_port()
    with demo(tmp_path, "--keep", "--port", str(port)) as tour:
        tour.wait_for(f"Open http://127.0.0.1:{port}/")
        tour.wait_for("explain")

        assert 0 == tour.end(signal.SIGINT)

    assert "  54 reports about 3 domains" in tour.said
    assert ({}, []) == (processes_of(tmp_path), list(tmp_path.iterdir()))


def test_a_port_that_is_taken_is_not_insisted_on() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        wished = taken.getsockname()[1]

        assert wished != free_port(wished)
    assert wished == free_port(wished)
