"""Tells systemd how the daemon fares (sd_notify(3)); without systemd it tells nobody.

A few lines of our own: what there is on PyPI is either unmaintained or wants libsystemd's headers.
"""

import os
import socket
import time
from collections.abc import Mapping
from datetime import timedelta

import structlog

# systemd kills us after WatchdogSec without a sign; half of it leaves room for one late beat.
_BEATS_PER_TIMEOUT = 2

_log = structlog.get_logger()


class Systemd:
    """The line to the service manager that started us."""

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        """Read where systemd listens, and how often it wants to hear from us."""
        address = environment.get("NOTIFY_SOCKET", "")
        # "@" stands for the NUL that begins an abstract address (unix(7)).
        self._address = f"\0{address[1:]}" if address.startswith("@") else address
        self.watchdog_interval = _watchdog_interval(environment)

    def ready(self) -> None:
        """Tell that the start is over."""
        self._send("READY=1")

    def reloading(self) -> None:
        """Tell that the configuration is being read again; ``ready`` ends it."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Tell that the end has begun."""
        self._send("STOPPING=1")

    def status(self, text: str) -> None:
        """Tell in a line what "systemctl status" is to show."""
        self._send(f"STATUS={' '.join(text.split())}")

    def alive(self) -> None:
        """Feed the watchdog."""
        self._send("WATCHDOG=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as line:
                line.connect(self._address)
                line.sendall(message.encode())
        except OSError as error:
            _log.warning("systemd_not_told", reason=error.strerror)


def _watchdog_interval(environment: Mapping[str, str]) -> timedelta | None:
    """Return how often to feed the watchdog, None where none watches this process."""
    watched = environment.get("WATCHDOG_PID", str(os.getpid()))
    usec = environment.get("WATCHDOG_USEC", "")
    if not usec.isdecimal() or watched != str(os.getpid()):
        return None
    return timedelta(microseconds=int(usec)) / _BEATS_PER_TIMEOUT
