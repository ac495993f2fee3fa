"""``run``: the daemon lives, is seen to live, and ends when it is told to."""

import fcntl
import signal
import socket
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

import pytest

from tests.channels.servers import Mailbox
from tests.commands.running import fetch, running
from tests.commands.site import TIMEOUT_SECONDS, Site, report_of
from tests.servers import free_port

# A service manager and a person at the keyboard wait so long without a thought.
MAY_END_WITHIN_SECONDS = 10


class StallingProxy:
    """Stands before an IMAP server, and lets a client wait for ever once it has said certain words."""

    def __init__(self, port: int, *, stall_at: bytes) -> None:
        self._server_port = port
        self._stall_at = stall_at
        self._stalled = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Wakes the thread that waits in accept; closing alone does not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def wait_until_stalled(self) -> None:
        assert self._stalled.wait(TIMEOUT_SECONDS)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client, socket.create_connection(("127.0.0.1", self._server_port)) as server:
                back = threading.Thread(target=_forward, args=(server, client))
                back.start()
                while (sent := client.recv(65536)) and self._stall_at not in sent:
                    server.sendall(sent)
                if sent:
                    self._stalled.set()
                    while client.recv(65536):
                        pass
                server.shutdown(socket.SHUT_RDWR)
                back.join()


def _forward(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while received := source.recv(65536):
            target.sendall(received)


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


def test_it_ends_soon_although_a_mailbox_hangs_and_the_mail_stays(site: Site) -> None:
    site.deliver(report_of(1))
    with StallingProxy(site.dovecot.port, stall_at=b"BODY.PEEK") as proxy:
        site.source = {"port": proxy.port, "tls": "none", "ca_file": None}
        with running(site) as daemon:
            proxy.wait_until_stalled()
            begin = time.monotonic()

            assert 0 == daemon.end()
            assert time.monotonic() - begin < MAY_END_WITHIN_SECONDS
    assert (1, 0, 0) == site.counts()


def test_it_does_not_start_on_a_store_that_another_collector_works_on(site: Site) -> None:
    with (site.folder / "store.db.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        done = site.run("run", status=69)

    (line,) = done.stderr.splitlines()
    assert line.startswith("tlsrpt-collector: another collector works on ")


def test_a_wrong_configuration_is_told_whole(site: Site) -> None:
    site.extra = {"thresholds": {"warnin": "1%", "critical": 5}}

    done = site.run("run", status=78)

    assert 2 == len(done.stderr.strip().splitlines()), done.stderr
    assert "warning" in done.stderr


def test_a_port_in_use_is_said_plainly(site: Site) -> None:
    site.extra = {"web": {"listen": f"127.0.0.1:{site.dovecot.port}"}}

    assert "in use" in site.run("run", status=78).stderr
