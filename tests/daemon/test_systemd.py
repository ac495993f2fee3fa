"""systemd is told how the daemon fares, in its own words (sd_notify(3))."""

import os
import socket
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from collector.daemon.systemd import Systemd

# Longer than a datagram on this machine takes.
PATIENCE_SECONDS = 10


@pytest.fixture(params=["path", "abstract"])
def line(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """The manager's end of the line, and its name in the environment."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@tlsrpt-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.settimeout(PATIENCE_SECONDS)
        manager.bind(name if request.param == "path" else f"\0{name[1:]}")
        yield manager, name


def test_each_message_arrives_as_one_datagram(line: tuple[socket.socket, str]) -> None:
    manager, name = line
    systemd = Systemd({"NOTIFY_SOCKET": name})

    systemd.ready()
    systemd.status("main:\n refused")
    systemd.alive()
    systemd.stopping()

    assert [b"READY=1", b"STATUS=main: refused", b"WATCHDOG=1", b"STOPPING=1"] == [
        manager.recv(1024) for _ in range(4)
    ]


def test_a_reload_is_told_with_its_moment(line: tuple[socket.socket, str]) -> None:
    manager, name = line

    Systemd({"NOTIFY_SOCKET": name}).reloading()

    reloading, moment = manager.recv(1024).decode().split("\n")
    assert ("RELOADING=1", True) == (reloading, moment.removeprefix("MONOTONIC_USEC=").isdecimal())


def test_without_systemd_nobody_is_told() -> None:
    Systemd({}).ready()


def test_a_manager_that_is_gone_does_no_harm(tmp_path: Path) -> None:
    Systemd({"NOTIFY_SOCKET": str(tmp_path / "gone")}).ready()


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "60000000"}, timedelta(seconds=30)),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}, timedelta(seconds=30)),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_the_watchdog_is_fed_twice_in_its_time(
    environment: dict[str, str], expected: timedelta | None
) -> None:
    assert expected == Systemd(environment).watchdog_interval
