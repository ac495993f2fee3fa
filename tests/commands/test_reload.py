"""A running daemon changes, is watched, and waits for what is away."""

import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.channels.servers import Mailbox
from tests.commands.running import Daemon, fetch, running
from tests.commands.site import TIMEOUT_SECONDS, Site, report_of
from tests.servers import free_port
from tests.stores.servers import Postgresql


def reload(site: Site, daemon: Daemon, event: str = "reloaded") -> dict[str, object]:
    site.configure()
    daemon.process.send_signal(signal.SIGHUP)
    return daemon.wait_for(event)


# ── Reload ────────────────────────────────────────────────────────────────────


def test_a_source_that_was_mended_is_collected_without_a_restart(site: Site) -> None:
    site.deliver(report_of(1))
    site.source = {"port": free_port()}
    with running(site) as daemon:
        daemon.wait_for("round_failed")
        site.source = {}

        reload(site, daemon)
        daemon.wait_for("round_finished")

        assert 0 == daemon.end()
    assert (0, 1, 0) == site.counts()


def test_a_wrong_configuration_is_refused_with_every_problem_and_the_old_one_stays(site: Site) -> None:
    with running(site) as daemon:
        daemon.wait_for("round_finished")
        site.extra = {"thresholds": {"warnin": "1%"}, "archive": {"kind": "tape"}}
        reason = str(reload(site, daemon, "reload_refused")["reason"])
        site.deliver(report_of(1))

        daemon.process.send_signal(signal.SIGUSR1)
        daemon.wait_for("report_stored")

        assert ("warnin" in reason, "tape" in reason, 0) == (True, True, daemon.end())


def test_a_secret_that_is_gone_is_refused(site: Site) -> None:
    with running(site) as daemon:
        daemon.wait_for("round_finished")
        site.source = {"password_file": "gone"}

        assert "gone" in str(reload(site, daemon, "reload_refused")["reason"])


def test_another_store_wants_a_restart(site: Site) -> None:
    with running(site) as daemon:
        daemon.wait_for("round_finished")
        site.extra = {"store": "sqlite:///other.db"}

        assert "restart" in str(reload(site, daemon, "reload_refused")["reason"])


def test_thresholds_change(site: Site, alerts: Mailbox) -> None:
    site.extra = {"thresholds": {"warning": "50%", "critical": "90%"}}
    site.deliver(report_of(1, failed=60))
    with running(site) as daemon:
        daemon.wait_for("round_finished")
        site.extra = {}

        reload(site, daemon)
        daemon.wait_for("notification_sent")

        assert 0 == daemon.end()
    assert 1 == len(alerts.messages)


def test_the_page_moves_and_stays_where_it_cannot_move(site: Site) -> None:
    first, second = free_port(), free_port()
    site.extra = {"web": {"listen": f"127.0.0.1:{first}"}}
    with running(site) as daemon:
        daemon.wait_for("round_finished")
        site.extra = {"web": {"listen": f"127.0.0.1:{site.dovecot.port}"}}
        assert "in use" in str(reload(site, daemon, "reload_refused")["reason"])
        assert 200 == fetch(f"127.0.0.1:{first}", "/")[0]

        site.extra = {"web": {"listen": f"127.0.0.1:{second}"}}
        reload(site, daemon)

        assert 200 == fetch(f"127.0.0.1:{second}", "/")[0]
        with pytest.raises(OSError, match="refused"):
            fetch(f"127.0.0.1:{first}", "/")


def test_no_mail_is_lost_or_told_twice_over_many_reloads(site: Site) -> None:
    site.source = {"batch_messages": 5}
    site.deliver(*(report_of(1, report_id=str(n)) for n in range(60)))
    with running(site) as daemon:
        daemon.wait_for("daemon_started")
        for _ in range(5):
            reload(site, daemon)
        daemon.wait_for("round_finished")
        assert 0 == daemon.end()
    site.run("collect")

    rows = site.ask("reports")
    assert ((0, 60, 0), 60, 60) == (site.counts(), len(site.archived()), len({r["report_id"] for r in rows}))


# ── systemd ───────────────────────────────────────────────────────────────────


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """The service manager's end of the line."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
        line.settimeout(TIMEOUT_SECONDS)
        line.bind(str(tmp_path / "notify"))
        yield line


def heard(manager: socket.socket, beginning: str) -> str:
    """Listen until a message begins so."""
    while True:
        message = manager.recv(4096).decode()
        if message.startswith(beginning):
            return message


def test_systemd_hears_of_the_whole_life(site: Site, manager: socket.socket) -> None:
    notify = {"NOTIFY_SOCKET": str(manager.getsockname()), "WATCHDOG_USEC": "200000"}
    with running(site, **notify) as daemon:
        heard(manager, "READY=1")
        assert "all answer" in heard(manager, "STATUS=")
        heard(manager, "WATCHDOG=1")

        daemon.process.send_signal(signal.SIGHUP)
        heard(manager, "RELOADING=1")
        heard(manager, "READY=1")

        daemon.process.send_signal(signal.SIGTERM)
        heard(manager, "STOPPING=1")
        assert 0 == daemon.process.wait(TIMEOUT_SECONDS)


def test_it_is_ready_although_a_mailbox_is_away_and_its_status_names_it(
    site: Site, manager: socket.socket
) -> None:
    site.source = {"port": free_port()}
    with running(site, NOTIFY_SOCKET=str(manager.getsockname())):
        assert "READY=1" == heard(manager, "READY=1")
        assert str(site.source["port"]) in heard(manager, "STATUS=")


# ── A store that is away ──────────────────────────────────────────────────────


@pytest.fixture
def cluster() -> Iterator[Postgresql]:
    """A PostgreSQL that a test may stop and start."""
    server = Postgresql()
    try:
        server.start()
        yield server
    finally:
        server.remove()


def test_a_store_that_is_away_is_waited_for(site: Site, cluster: Postgresql) -> None:
    """It shows on the page, and is no reason for systemd to start us anew."""
    site.extra = {"store": cluster.new_database(), "web": {"listen": "127.0.0.1:0"}}
    cluster.stop()
    site.deliver(report_of(1))
    with running(site) as daemon:
        address = daemon.wait_for("web_started")["address"]
        daemon.wait_for("store_unavailable")
        status, words = fetch(address, "/readyz")
        assert (503, True) == (status, "store" in words)
        assert (503, 200) == (fetch(address, "/")[0], fetch(address, "/healthz")[0])

        cluster.start()
        daemon.wait_for("report_stored")

        assert 200 == fetch(address, "/readyz")[0]
        assert 0 == daemon.end()
    assert (0, 1, 0) == site.counts()


def test_a_store_that_goes_while_it_runs_is_found_again(site: Site, cluster: Postgresql) -> None:
    site.extra = {"store": cluster.new_database(), "web": {"listen": "127.0.0.1:0"}}
    with running(site) as daemon:
        address = daemon.wait_for("web_started")["address"]
        daemon.wait_for("round_finished")
        cluster.stop()
        site.deliver(report_of(1))
        daemon.process.send_signal(signal.SIGUSR1)
        daemon.wait_for("round_failed")
        assert (503, 200) == (fetch(address, "/readyz")[0], fetch(address, "/healthz")[0])

        cluster.start()
        daemon.process.send_signal(signal.SIGUSR1)
        daemon.wait_for("report_stored")

        assert 0 == daemon.end()
    assert (0, 1, 0) == site.counts()


def test_it_ends_when_it_is_told_to_while_it_waits(site: Site) -> None:
    site.extra = {"store": f"postgresql://u@127.0.0.1:{free_port()}/d"}
    with running(site) as daemon:
        daemon.wait_for("store_unavailable")

        assert 0 == daemon.end()
