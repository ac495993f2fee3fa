"""``archive`` and ``store`` as a shell sees them: words, and exit statuses."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from collector.stores import open_store
from tests.build import DAY, policy_json, received, report_json
from tests.cli.command import HOSTILE, is_harmless
from tests.stores.contract import execute
from tests.stores.values import everything
from tests.upkeep.house import House

TIMEOUT_SECONDS = 60

Shell = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House.at(tmp_path)
    house.hold(received(), received(report_json(policy_json(failed=5), report_id="2")))
    yield house
    house.store.close()


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Run the command in a process of its own, and check its exit status."""

    def run(*arguments: str, status: int = 0, **settings: object) -> subprocess.CompletedProcess[str]:
        config = {"archive": {"path": "archive"}, "store": "sqlite:///store.db"} | settings
        (tmp_path / "config.yaml").write_text(json.dumps(config), encoding="utf-8")
        done = subprocess.run(  # noqa: S603  our own command
            [sys.executable, "-m", "collector", "--config", str(tmp_path / "config.yaml"), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
            env=os.environ | {"COLUMNS": "100"},
        )
        assert status == done.returncode, f"{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    return run


# ── archive verify ────────────────────────────────────────────────────────────


def test_an_archive_in_order_is_said_to_be(house: House, shell: Shell) -> None:
    del house
    done = shell("archive", "verify")

    assert "Nothing is missing, extra or altered.\n" == done.stdout
    assert "2 files compared with 2 reports in the store: 0 problems\n" == done.stderr
    assert [] == json.loads(shell("archive", "verify", "--format", "json").stdout)


def test_what_is_wrong_is_listed_and_the_exit_status_tells(house: House, shell: Shell) -> None:
    gone, altered = house.files("*.json.gz")
    gone.unlink()
    altered.write_bytes(b"\x1f\x8b broken")
    extra = altered.with_name(f"x!y!1!2!{'0' * 16}.json.gz")
    extra.write_bytes(b"{}")

    told = json.loads(shell("archive", "verify", "--format", "json", status=1).stdout)

    assert {
        ("missing", None),
        ("unreadable", str(altered)),
        ("altered", str(extra)),
        ("facts-missing", str(extra)),
        ("extra", str(extra)),
    } == {(row["problem"], row["path"]) for row in told}
    assert {("problem", "day", "path", "content_hash", "detail")} == {tuple(row) for row in told}
    table = shell("archive", "verify", status=1)
    assert all(word in table.stdout for word in ("missing", "altered", "extra", "2026-05-11", str(extra)))
    assert table.stderr.endswith("2 files compared with 2 reports in the store: 5 problems\n")


def test_since_a_day_only_later_ones_are_looked_at(house: House, shell: Shell) -> None:
    for file in house.files("*.json.gz"):
        file.unlink()

    assert 1 == len(json.loads(shell("archive", "verify", "--format", "json", status=1).stdout)) // 2
    shell("archive", "verify", "--since", "2026-05-12")
    shell("archive", "verify", "--since", "tomorrow", status=2)


def test_what_retention_removed_is_not_wrong(house: House, shell: Shell) -> None:
    for file in house.files():
        file.unlink()

    shell("archive", "verify", retention={"archive": "1d"})
    shell("archive", "verify", retention={"reports": "8d"}, status=1)


def test_what_a_report_says_has_no_power_over_the_terminal(house: House, shell: Shell) -> None:
    house.store.reports.add([received(report_json(organization=HOSTILE, report_id=HOSTILE))])

    done = shell("archive", "verify", status=1)

    assert "Evil" in done.stdout
    assert is_harmless(done.stdout)


def test_without_a_store_nothing_is_compared(shell: Shell) -> None:
    assert "not there yet" in shell("archive", "verify", status=69).stderr


# ── archive replay ────────────────────────────────────────────────────────────


def test_a_lost_store_is_built_anew(house: House, shell: Shell, tmp_path: Path) -> None:
    before = everything(house.store)
    house.store.close()
    for file in tmp_path.glob("store.db*"):
        file.unlink()

    done = shell("archive", "replay")

    assert "2 reports read: 2 stored, 0 duplicate, 0 conflict, 0 foreign\n" == done.stdout
    again = open_store(f"sqlite:///{tmp_path}/store.db")
    assert before == everything(again)
    again.close()
    assert (
        "2 reports read: 0 stored, 2 duplicate, 0 conflict, 0 foreign\n" == shell("archive", "replay").stdout
    )


def test_a_file_that_cannot_be_read_is_told(house: House, shell: Shell) -> None:
    file = house.files("*.json.gz")[0]
    file.write_bytes(b"")

    done = shell("archive", "replay", status=1)

    assert "1 report read: 0 stored, 1 duplicate, 0 conflict, 0 foreign\n" == done.stdout
    assert f"altered: {file}: it no longer holds what was received\n1 file could not be read\n" in done.stderr


def test_only_later_days_are_replayed_and_none_beyond_retention(house: House, shell: Shell) -> None:
    house.hold(received(report_json(day=DAY.replace(day=12))))

    done = shell("archive", "replay", "--since", "2026-05-12")

    assert done.stdout.startswith("1 report read: ")
    assert shell("archive", "replay", retention={"reports": "8d"}).stdout.startswith("0 reports read: ")


# ── store upgrade ─────────────────────────────────────────────────────────────


def test_a_store_that_is_up_to_date_is_said_to_be(house: House, shell: Shell) -> None:
    del house
    assert "The store is up to date (revision 0001).\n" == shell("store", "upgrade").stdout


def test_an_empty_file_gets_its_tables(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "store.db").touch()

    assert "The store was empty and has its tables now (revision 0001).\n" == shell("store", "upgrade").stdout


def test_no_store_is_made_where_there_is_none(shell: Shell, tmp_path: Path) -> None:
    assert "not there yet: run collect first" in shell("store", "upgrade", status=69).stderr
    assert ["config.yaml"] == [path.name for path in tmp_path.iterdir()]


@pytest.mark.parametrize(
    "command",
    [("store", "upgrade"), ("store", "backup", "copy.db"), ("archive", "replay"), ("reports",), ("collect",)],
)
def test_a_store_of_a_newer_version_is_refused_plainly(
    house: House, shell: Shell, command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    execute(house.store.database, "UPDATE alembic_version SET version_num = '0777'")

    done = shell(*command, status=78)

    assert re.fullmatch(
        r"tlsrpt-collector: store .*/store\.db was written by a newer version \(revision 0777\): "
        r"upgrade this program\n",
        done.stderr,
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
def test_the_store_of_another_user_is_not_written_and_is_read(
    house: House, shell: Shell, tmp_path: Path
) -> None:
    house.store.close()
    os.chown(tmp_path / "store.db", 2_000_000_007, -1)

    assert "run this as 2000000007" in shell("store", "upgrade", status=78).stderr
    shell("archive", "replay", status=78)
    shell("archive", "verify")
    shell("store", "backup", str(tmp_path / "copy.db"))


# ── store backup ──────────────────────────────────────────────────────────────


def test_a_backup_is_a_store(house: House, shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "copy.db"

    done = shell("store", "backup", str(file))

    assert re.fullmatch(rf"The store is backed up to {file} \([0-9,]+ bytes\)\.\n", done.stdout)
    copy = open_store(f"sqlite:///{file}", read_only=True)
    assert everything(house.store) == everything(copy)
    copy.close()


def test_a_file_that_is_there_is_replaced_with_force_alone(
    house: House, shell: Shell, tmp_path: Path
) -> None:
    del house
    file = tmp_path / "copy.db"
    file.write_text("precious")

    assert "or add --force" in shell("store", "backup", str(file), status=2).stderr
    assert "precious" == file.read_text()
    shell("store", "backup", "--force", str(file))
    assert file.read_bytes().startswith(b"SQLite format 3")


@pytest.mark.parametrize(
    ("name", "words"),
    [("nowhere/copy.db", "is no folder"), ("store.db", "is the store itself"), (".", "is a directory")],
)
def test_a_place_that_is_none_is_wrong_usage(
    house: House, shell: Shell, tmp_path: Path, name: str, words: str
) -> None:
    del house
    assert words in shell("store", "backup", "--force", str(tmp_path / name), status=2).stderr


def test_postgresql_is_backed_up_with_its_own_tool(shell: Shell, tmp_path: Path) -> None:
    done = shell("store", "backup", str(tmp_path / "copy"), status=2, store="postgresql://u:q7-secret@h/d")

    assert "pg_dump" in done.stderr
    assert "q7" not in done.stderr
