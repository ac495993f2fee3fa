"""``collect`` on a real mailbox: the main job, and what happens when something is away."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.channels.servers import Mailbox
from tests.commands.site import TODAY, Site, report_of
from tests.servers import free_port

LUNCH = b"Subject: Lunch?\r\n\r\nThursday\r\n"


def test_a_mail_becomes_a_row_a_file_and_an_alert(site: Site, alerts: Mailbox) -> None:
    site.deliver(report_of(1, failed=60), report_of(1, domain="example.net"), LUNCH)

    site.run("collect")

    assert (0, 2, 1) == site.counts()
    assert 2 == len(site.archived())
    assert {"example.com": 60, "example.net": 0} == {
        row["domain"]: row["failed_sessions"] for row in site.ask("summary")
    }
    (message,) = alerts.messages
    assert "example.com" in message["Subject"]
    assert "60 of 1,000" in message["Subject"]


def test_a_second_round_finds_nothing_new_and_tells_nothing_twice(site: Site, alerts: Mailbox) -> None:
    site.deliver(report_of(1, failed=60))
    site.run("collect")
    before = site.ask("reports")

    site.deliver(report_of(1, failed=60))
    site.run("collect")

    assert (before, 1, 1) == (site.ask("reports"), len(alerts.messages), len(site.archived()))


def test_mail_left_in_place_is_read_once(site: Site) -> None:
    site.source = {"settle": "leave"}
    site.deliver(report_of(1), LUNCH)

    site.run("collect")
    (finished,) = [e for e in site.log(site.run("collect")) if e["event"] == "round_finished"]

    assert (0, (2, 0, 0)) == (finished["deliveries"], site.counts())


def test_an_unreadable_report_is_kept_with_its_reason(site: Site) -> None:
    site.deliver(report_of(1).replace(b"H4sI", b"H4sX"))

    site.run("collect")

    assert ((0, 0, 1), 1) == (site.counts(), len(site.archived("quarantine", ".reason.json")))


@pytest.mark.parametrize(
    ("source", "status", "words"),
    [
        ({"password_file": "wrong"}, 78, "password"),
        ({"ca_file": None}, 78, "ca_file"),
        ({"host": "localhost"}, 78, "certificate"),
        ({"folder": "Nowhere"}, 78, "Nowhere"),
        ({"password_file": "not-there"}, 78, "not-there"),
    ],
)
def test_a_source_that_refuses_us_is_said_plainly(
    site: Site, source: dict[str, str], status: int, words: str
) -> None:
    (site.folder / "wrong").write_text("wrong", encoding="utf-8")
    site.deliver(report_of(1))
    site.source = source

    done = site.run("collect", status=status)

    assert words in done.stderr
    assert (1, 0, 0) == site.counts()


@pytest.mark.parametrize("log_format", ["json", "console"])
@pytest.mark.parametrize(("password", "status"), [("hunter2-right", 69), ("hunter2-wrong", 78)])
def test_no_secret_gets_into_the_log_however_much_is_told(
    site: Site, password: str, status: int, log_format: str
) -> None:
    site.user = site.dovecot.new_user("hunter2-right")
    (site.folder / "tried").write_text(password, encoding="utf-8")
    site.source = {"password_file": "tried"}
    address = f"http://127.0.0.1:{free_port()}/t0ken"
    hook = {"name": "hook", "kind": "webhook", "url": address, "secret": "hush-hush"}
    site.extra = {"channels": [hook]}
    site.deliver(report_of(1, failed=60))

    told = site.run("-v", "--log-format", log_format, "collect", status=status).stderr

    assert [] == [secret for secret in ("hunter2", "t0ken", "hush-hush") if secret in told]


def test_a_mailbox_that_is_away_is_unavailable_and_the_work_goes_on_when_it_is_back(site: Site) -> None:
    site.deliver(report_of(1))
    site.source = {"port": free_port()}

    done = site.run("collect", status=69)

    assert f"127.0.0.1:{site.source['port']}" in done.stderr
    site.source = {}
    site.run("collect")
    assert (0, 1, 0) == site.counts()


def test_one_source_that_is_away_does_not_keep_another_from_being_collected(site: Site) -> None:
    site.deliver(report_of(1))
    away = {"name": "away", "kind": "imap", "host": "127.0.0.1", "port": free_port(), "tls": "none"}
    site.configure()
    main = {
        "name": "main",
        "kind": "imap",
        "host": "127.0.0.1",
        "port": site.dovecot.tls_port,
        "ca_file": str(site.dovecot.ca_file),
        "username": site.user,
        "password_file": "password",
    }
    site.extra = {"sources": [away | {"username": "u", "password": "p"}, main]}

    site.run("collect", status=69)

    assert (0, 1, 0) == site.counts()


def test_an_alert_waits_for_a_mail_server_that_is_away(site: Site, alerts: Mailbox) -> None:
    site.deliver(report_of(1, failed=60))
    here, site.smtp_port = site.smtp_port, free_port()

    done = site.run("collect", status=69)

    assert (0, 1, 0) == site.counts()
    assert any(event["event"] == "notification_failed" for event in site.log(done))
    assert ["open"] == [alert["state"] for alert in site.ask("alerts", "list")]
    site.smtp_port = here
    assert [] == alerts.messages


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 kB; only root can make one."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small file system can be mounted by root alone")
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(  # noqa: S603  our own arguments
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)],  # noqa: S607  wherever it is
        check=False,
        capture_output=True,
    )
    if mounted.returncode != 0:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.decode()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)  # noqa: S603, S607  as above


def test_a_full_disk_loses_nothing(site: Site, small_disk: Path) -> None:
    (small_disk / "filler").write_bytes(b"x" * 60 * 1024)
    site.extra = {"archive": {"kind": "filesystem", "path": str(small_disk / "archive")}}
    site.deliver(*(report_of(1, report_id=str(n)) for n in range(5)))

    done = site.run("collect", status=69)

    assert "space" in done.stderr
    assert (5, 0, 0) == site.counts()
    (small_disk / "filler").unlink()
    site.run("collect")
    assert ((0, 5, 0), 5) == (site.counts(), len(site.ask("reports")))


def test_two_collectors_do_not_work_on_one_store(site: Site) -> None:
    import fcntl  # noqa: PLC0415  this test alone plays the other collector

    with (site.folder / "store.db.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)

        assert "another collector" in site.run("collect", status=69).stderr


def test_an_unknown_source_is_wrong_usage(site: Site) -> None:
    assert "main" in site.run("collect", "--source", "other", status=2).stderr


def test_several_hundred_mails_are_each_in_one_file_and_one_row(site: Site) -> None:
    site.source = {"batch_messages": 100}
    site.deliver(*(report_of(1, report_id=str(n)) for n in range(450)))

    site.run("-q", "collect")

    rows = site.ask("reports")
    assert ((0, 450, 0), 450, 450) == (site.counts(), len(site.archived()), len(rows))
    assert {str(n) for n in range(450)} == {row["report_id"] for row in rows}
    assert {f"{TODAY:%Y}"} != {row["date"] for row in rows}
