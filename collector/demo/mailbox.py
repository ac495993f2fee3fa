"""The demo's mailbox: pymap, an IMAP server in Python, in a process of its own."""

import imaplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from collector.demo.processes import running
from collector.errors import Unavailable

USER = "tlsrpt"
PASSWORD = "demo"  # noqa: S105  of a mailbox that lives a minute, on this machine alone

_START_PYMAP = "import sys; from pymap.main import main; sys.exit(main())"

# pymap is up within a second; a slow machine may take some more.
_START_WITHIN_SECONDS = 20
_POLL_SECONDS = 0.05

# pymap 0.36 may sit on SIGTERM while a client is connected; nothing of it needs saving.
_STOP_WITHIN_SECONDS = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Mailbox:
    """Where the running mailbox is."""

    host: str
    port: int

    def deliver(self, mails: Iterable[bytes]) -> None:
        """Put mails into the INBOX."""
        with imaplib.IMAP4(self.host, self.port) as connection:
            # Each APPEND is two small writes; without this the second waits for a delayed ACK.
            connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.login(USER, PASSWORD)
            for mail in mails:
                connection.append("INBOX", "", "", mail.replace(b"\n", b"\r\n"))

    def counts(self) -> dict[str, int]:
        """Count the mails of each folder."""
        with imaplib.IMAP4(self.host, self.port) as connection:
            connection.login(USER, PASSWORD)
            _, lines = connection.list()
            folders = [line.decode().rpartition(" ")[2] for line in lines if isinstance(line, bytes)]
            return {folder: _count(connection, folder) for folder in sorted(folders)}


@contextmanager
def running_mailbox() -> Iterator[Mailbox]:
    """Run an empty mailbox on a free port of this machine; it is gone afterwards."""
    mailbox = Mailbox(host="127.0.0.1", port=free_port())
    command = [
        *(sys.executable, "-c", _START_PYMAP),
        *("--host", mailbox.host, "--port", str(mailbox.port), "--no-tls"),
        *("dict", "--demo-user", USER, "--demo-password", PASSWORD),
    ]
    with running(command, silent=True, end_within_seconds=_STOP_WITHIN_SECONDS) as server:
        _wait_for(mailbox, server)
        yield mailbox


def _wait_for(mailbox: Mailbox, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_WITHIN_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            # The greeting too: on a port that nobody holds, a connection may meet itself.
            with imaplib.IMAP4(mailbox.host, mailbox.port, timeout=_START_WITHIN_SECONDS):
                return
        except (OSError, imaplib.IMAP4.error):
            time.sleep(_POLL_SECONDS)
    raise Unavailable("the demo's mailbox (pymap) did not start; try again")


def _count(connection: imaplib.IMAP4, folder: str) -> int:
    _, (count, *_) = connection.select(folder, readonly=True)
    return int(count or 0)


def free_port(wished: int = 0) -> int:
    """Return a port of this machine that nobody holds at the moment: the one wished for, or any."""
    for port in (wished, 0):
        with socket.socket() as probe:
            # As servers do: connections of one before may linger.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            with suppress(OSError):
                probe.bind(("127.0.0.1", port))
                found: int = probe.getsockname()[1]
                return found
    raise Unavailable("no port of 127.0.0.1 is free")
