"""A copy of an SQLite store, made while others work on it."""

import os
import stat
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from collector.errors import StoreRefused, StoreUnavailable
from collector.ports import Filter
from collector.stores import SqlStore, back_up, open_store
from tests.build import received
from tests.stores.contract import execute
from tests.stores.values import everything, variant

# Each is one transaction, so that a copy holds all of it or nothing.
BATCH = 10


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/store.db"


@pytest.fixture
def store(url: str) -> Iterator[SqlStore]:
    store = open_store(url)
    store.reports.add([received(), variant(2)])
    yield store
    store.close()


def held_in(file: Path) -> tuple[object, ...]:
    copy = open_store(f"sqlite:///{file}", read_only=True)
    try:
        return everything(copy)
    finally:
        copy.close()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_a_copy_is_a_store_with_all_that_was_in_it(store: SqlStore, url: str, tmp_path: Path) -> None:
    (tmp_path / "copies").mkdir()
    file = tmp_path / "copies" / "100% ?#copy'.db"

    back_up(url, file)

    assert {file.name} == names(file.parent)
    assert 0o600 == stat.S_IMODE(file.stat().st_mode)
    # Its own address would need escapes.
    file.replace(tmp_path / "copy.db")
    assert everything(store) == held_in(tmp_path / "copy.db")


def test_a_copy_made_while_reports_are_added_is_whole(store: SqlStore, url: str, tmp_path: Path) -> None:
    begun, enough = threading.Event(), threading.Event()

    def add() -> None:
        number = 0
        while not enough.is_set():
            batch = [variant(1, report_id=f"{number}-{n}") for n in range(BATCH)]
            store.reports.add(batch)
            begun.set()
            number += 1

    writer = threading.Thread(target=add)
    writer.start()
    try:
        assert begun.wait(60)
        for number in range(3):
            back_up(url, tmp_path / f"copy{number}.db")
    finally:
        enough.set()
        writer.join()

    for number in range(3):
        copy = open_store(f"sqlite:///{tmp_path}/copy{number}.db")
        with copy.database.reading() as connection:
            assert "ok" == connection.exec_driver_sql("PRAGMA integrity_check").scalar()
        reports = list(copy.questions.reports(Filter()))
        assert len(reports) > BATCH
        # The fixture's two are of one key, so that one of them counts.
        assert 1 == len(reports) % BATCH
        copy.close()


def test_a_file_that_is_there_is_replaced_only_if_that_is_asked_for(
    store: SqlStore, url: str, tmp_path: Path
) -> None:
    file = tmp_path / "copy.db"
    file.write_text("precious")

    with pytest.raises(StoreRefused, match=r"copy\.db is there already: name another file"):
        back_up(url, file)

    assert "precious" == file.read_text()
    back_up(url, file, replace=True)
    assert everything(store) == held_in(file)


def test_the_store_itself_is_never_replaced(store: SqlStore, url: str, tmp_path: Path) -> None:
    before = everything(store)
    (tmp_path / "link.db").symlink_to(tmp_path / "store.db")
    (tmp_path / "hard.db").hardlink_to(tmp_path / "store.db")

    for name in ("store.db", "store.db-wal", "link.db", "hard.db"):
        with pytest.raises(StoreRefused, match="is the store itself"):
            back_up(url, tmp_path / name, replace=True)

    assert before == everything(store)


@pytest.mark.parametrize("name", ["nowhere/copy.db", "store.db/copy.db"])
def test_a_place_where_nothing_can_be_written_is_refused(
    store: SqlStore, url: str, tmp_path: Path, name: str
) -> None:
    before = everything(store)

    with pytest.raises(StoreRefused, match="name a file where this user may write"):
        back_up(url, tmp_path / name)

    assert before == everything(store)


def test_a_folder_is_not_replaced(store: SqlStore, url: str, tmp_path: Path) -> None:
    del store
    (tmp_path / "folder").mkdir()

    with pytest.raises(StoreRefused, match="is there already"):
        back_up(url, tmp_path / "folder", replace=True)


def test_where_no_store_is_there_is_nothing_to_copy(url: str, tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="not there yet"):
        back_up(url, tmp_path / "copy.db")
    (tmp_path / "store.db").touch()
    with pytest.raises(StoreUnavailable, match="not there yet"):
        back_up(url, tmp_path / "copy.db")

    assert {"store.db"} == names(tmp_path)


def test_a_store_that_is_damaged_leaves_no_half_copy(store: SqlStore, url: str, tmp_path: Path) -> None:
    store.reports.add([variant(1, report_id=f"{n:0200}") for n in range(200)])
    store.close()
    file = tmp_path / "store.db"
    with file.open("r+b") as damaged:
        damaged.seek(file.stat().st_size // 2)
        damaged.write(os.urandom(64 * 1024))

    with pytest.raises((StoreRefused, StoreUnavailable)):
        back_up(url, tmp_path / "copy.db")

    assert not any("copy" in name for name in names(tmp_path))


def test_a_store_of_another_version_is_refused(store: SqlStore, url: str, tmp_path: Path) -> None:
    execute(store.database, "UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(StoreRefused, match="newer version"):
        back_up(url, tmp_path / "copy.db")


def test_postgresql_has_its_own_tool(tmp_path: Path) -> None:
    with pytest.raises(StoreRefused, match="pg_dump"):
        back_up("postgresql://u@h/d", tmp_path / "copy.db")
