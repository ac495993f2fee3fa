"""``import``: what lies in files is archived, stored and judged as if mailed."""

import json
import mailbox
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.build import packed, report_json
from tests.commands.site import TIMEOUT_SECONDS, report_of

CONFIG = "archive: {kind: filesystem, path: archive}\nstore: sqlite:///store.db\nweb: {listen: null}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An installation without any source."""
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    (tmp_path / "in").mkdir()
    return tmp_path


def command(
    folder: Path, *arguments: str, status: int = 0, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(  # noqa: S603  our own command
        [sys.executable, "-m", "collector", "--config", str(folder / "config.yaml"), *arguments],
        input=stdin,
        capture_output=True,
        check=False,
        timeout=TIMEOUT_SECONDS,
    )
    assert status == done.returncode, done.stderr.decode()
    return done


def imported(folder: Path, *paths: Path | str, status: int = 0, stdin: bytes = b"") -> str:
    return command(folder, "import", *map(str, paths), status=status, stdin=stdin).stdout.decode()


def stored(folder: Path) -> list[str]:
    rows: list[dict[str, Any]] = json.loads(command(folder, "reports", "--format", "json").stdout)
    return sorted(row["report_id"] for row in rows)


def test_files_of_every_kind_are_imported(folder: Path) -> None:
    place = folder / "in"
    (place / "a.json.gz").write_bytes(packed(report_json(report_id="gz")))
    (place / "b.json").write_bytes(json.dumps(report_json(report_id="json")).encode())
    (place / "c.eml").write_bytes(report_of(1, report_id="eml"))
    box = mailbox.mbox(place / "d.mbox")
    for name in ("mbox-1", "mbox-2"):
        box.add(report_of(1, report_id=name))
    box.close()
    maildir = mailbox.Maildir(place / "e")
    maildir.add(report_of(1, report_id="maildir"))

    told = imported(folder, place)

    assert ["eml", "gz", "json", "maildir", "mbox-1", "mbox-2"] == stored(folder)
    assert "6 new files or mails; reports: 6 stored\n" == told
    assert 6 == len(list((folder / "archive").rglob("*.json.gz")))


def test_standard_input_is_imported(folder: Path) -> None:
    imported(folder, "-", stdin=report_of(1, report_id="piped"))

    assert ["piped"] == stored(folder)


def test_a_resumed_import_repeats_nothing(folder: Path) -> None:
    for number in range(3):
        (folder / "in" / f"{number}.eml").write_bytes(report_of(1, report_id=str(number)))
    imported(folder, folder / "in" / "0.eml")

    assert "2 new files or mails; reports: 2 stored\n" == imported(folder, folder / "in")
    assert "0 new files or mails; reports: none\n" == imported(folder, folder / "in")
    assert ["0", "1", "2"] == stored(folder)


def test_the_same_report_in_another_file_is_known_already(folder: Path) -> None:
    for name in ("one.eml", "two.eml"):
        (folder / "in" / name).write_bytes(report_of(1))

    assert "2 new files or mails; reports: 1 stored, 1 known already\n" == imported(folder, folder / "in")


def test_what_cannot_be_read_is_in_the_quarantine_and_says_so_by_the_status(folder: Path) -> None:
    (folder / "in" / "broken.json.gz").write_bytes(packed(report_json())[:-9])
    (folder / "in" / "good.eml").write_bytes(report_of(1))
    (folder / "in" / "lunch.eml").write_bytes(b"Subject: Lunch?\n\nThursday\n")

    told = imported(folder, folder / "in", status=1)

    assert "1 could not be read and are in the quarantine; 1 are no reports" in told
    assert 1 == len(list((folder / "archive" / "quarantine").rglob("*.reason.json")))
    assert 3 == len(list((folder / "in").iterdir()))


def test_an_import_is_judged_as_if_mailed(folder: Path) -> None:
    (folder / "in" / "recent.eml").write_bytes(report_of(1, failed=100))
    (folder / "in" / "old.eml").write_bytes(report_of(30, failed=100, domain="example.net"))

    imported(folder, folder / "in")

    alerts = json.loads(command(folder, "alerts", "list", "--format", "json").stdout)
    assert ["example.com"] == [alert["policy_domain"] for alert in alerts]


def test_a_path_that_is_not_there_is_wrong_usage(folder: Path) -> None:
    done = command(folder, "import", "nowhere", status=2)

    assert b"nowhere" in done.stderr


def test_an_import_works_beside_a_collector(folder: Path) -> None:
    import fcntl  # noqa: PLC0415  this test alone plays the collector

    with (folder / "store.db.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        imported(folder, "-", stdin=report_of(1, report_id="beside"))

    assert ["beside"] == stored(folder)
