"""The store as a file of SQLite."""

import os
import pwd
import shutil
import sqlite3
import stat
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from sqlalchemy.engine import URL

from collector.errors import StoreRefused, StoreUnavailable
from collector.ports import Filter, Outcome
from collector.stores import open_store, sqlite_file, upgrade_store
from tests.build import received, report_json
from tests.stores.contract import StoreContract
from tests.stores.values import variant

# A new store and one report have some 300 KB, the batch of the test twice as much as is left.
SMALL_DISK = "1m"

# Nobody has this user ID.
NAMELESS = 2_000_000_007


class TestSqliteStore(StoreContract):
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        """Where the store is to be; in names, only the slash means something."""
        return tmp_path / "new folder" / "a 100%25 ?#store.db"

    @pytest.fixture
    def store_url(self, file: Path) -> str:
        return address(file)

    def test_the_file_and_its_folder_are_for_their_owner_alone(self, store_url: str, file: Path) -> None:
        before = os.umask(0)
        try:
            store = open_store(store_url)
            store.reports.add([received()])
        finally:
            os.umask(before)

        assert {0o600} == {stat.S_IMODE(one.stat().st_mode) for one in file.parent.iterdir()}
        assert 0o700 == stat.S_IMODE(file.parent.stat().st_mode)
        store.close()

    def test_read_only_nothing_is_created_and_what_to_do_is_said(self, store_url: str, file: Path) -> None:
        with pytest.raises(StoreUnavailable, match=r"not there yet: run collect first"):
            open_store(store_url, read_only=True)

        assert not file.parent.exists()

    def test_read_only_an_empty_file_is_no_store_yet(self, store_url: str, file: Path) -> None:
        file.parent.mkdir()
        file.touch()

        with pytest.raises(StoreUnavailable, match=r"not there yet: run collect first"):
            open_store(store_url, read_only=True)

        assert b"" == file.read_bytes()

    def test_read_only_not_a_byte_of_the_file_changes(self, store_url: str, file: Path) -> None:
        store = open_store(store_url)
        store.reports.add([received()])
        store.close()
        before = file.read_bytes()

        reader = open_store(store_url, read_only=True)
        assert 1 == len(list(reader.questions.reports(Filter())))
        reader.close()

        assert before == file.read_bytes()

    def test_what_a_killed_process_left_is_there_read_only_and_otherwise(
        self, store_url: str, file: Path, tmp_path: Path
    ) -> None:
        store = open_store(store_url)
        store.reports.add([received()])
        left = tmp_path / "left"
        shutil.copytree(file.parent, left)
        store.close()

        for read_only in (True, False):
            again = open_store(address(left / file.name), read_only=read_only)
            assert 1 == len(list(again.questions.reports(Filter())))
            again.close()

    def test_a_file_that_is_no_database_is_refused_and_left_alone(self, store_url: str, file: Path) -> None:
        file.parent.mkdir()
        file.write_bytes(b"Dear diary, " * 1000)

        with pytest.raises(StoreRefused, match="none of ours"):
            open_store(store_url)

        assert b"Dear diary, " * 1000 == file.read_bytes()

    def test_a_database_of_another_program_is_left_alone(self, store_url: str, file: Path) -> None:
        file.parent.mkdir()
        other = sqlite3.connect(file)
        other.execute("CREATE TABLE orders (id INTEGER)")
        other.close()
        before = file.read_bytes()

        with pytest.raises(StoreRefused, match="other tables"):
            open_store(store_url)

        assert before == file.read_bytes()

    def test_a_folder_that_may_not_be_written_is_refused(self, tmp_path: Path) -> None:
        """Not even root writes below a file."""
        (tmp_path / "file").touch()

        with pytest.raises(StoreRefused, match="let this user write there"):
            open_store(address(tmp_path / "file" / "store.db"))
        with pytest.raises(StoreRefused, match="let this user"):
            open_store(address(tmp_path))

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another user")
    @pytest.mark.parametrize("named", [True, False])
    def test_the_store_of_another_user_is_read_and_not_written(
        self, store_url: str, file: Path, *, named: bool
    ) -> None:
        """Not even by root: what it made beside the store would be closed to the owner."""
        other = next(user for user in pwd.getpwall() if user.pw_uid != 0)
        owner, name, option = NAMELESS, str(NAMELESS), f"'#{NAMELESS}'"
        if named:
            owner, name, option = other.pw_uid, other.pw_name, other.pw_name
        store = open_store(store_url)
        store.reports.add([received()])
        store.close()
        os.chown(file, owner, -1)
        before = sorted(path.name for path in file.parent.iterdir())

        with pytest.raises(StoreRefused) as refused:
            open_store(store_url)
        with pytest.raises(StoreRefused):
            upgrade_store(store_url)

        words = f"belongs to user {name}: run this as {name} (sudo -u {option} ...)"
        assert f"store {file} {words}" == str(refused.value)
        assert before == sorted(path.name for path in file.parent.iterdir())
        reader = open_store(store_url, read_only=True)
        assert 1 == len(list(reader.questions.reports(Filter())))
        assert {owner} == {path.stat().st_uid for path in file.parent.iterdir()}
        reader.close()

    def test_to_upgrade_no_store_is_made(self, store_url: str, file: Path) -> None:
        with pytest.raises(StoreUnavailable, match="not there yet"):
            upgrade_store(store_url)

        assert not file.parent.exists()

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
    def test_a_folder_of_someone_else_is_refused(self) -> None:
        with pytest.raises(StoreRefused, match="let this user"):
            open_store("sqlite:////usr/store.db")

    @pytest.mark.parametrize(
        "url",
        [
            "sqlite://",
            "sqlite:///",
            "sqlite:///:memory:",
            "mysql://h/d",
            "store.db",
            "postgresql://u@h:port/d",
        ],
    )
    def test_an_address_that_is_none_is_refused(self, url: str) -> None:
        with pytest.raises(StoreRefused, match=r"write sqlite:////path/store\.db or postgresql"):
            open_store(url)

    def test_only_sqlite_has_a_file(self) -> None:
        assert Path("/a/b.db") == sqlite_file("sqlite:////a/b.db")
        assert Path("b.db") == sqlite_file("sqlite:///b.db")
        assert sqlite_file("postgresql://h/d") is None

    def test_the_file_writes_ahead_and_waits_for_the_disk(self, store_url: str) -> None:
        store = open_store(store_url)
        with store.database.writing() as connection:
            assert "wal" == connection.exec_driver_sql("PRAGMA journal_mode").scalar()
            assert 2 == connection.exec_driver_sql("PRAGMA synchronous").scalar()
        with store.database.writing(light=True) as connection:
            assert 1 == connection.exec_driver_sql("PRAGMA synchronous").scalar()
        store.close()

    def test_a_full_disk_is_unavailable_and_the_store_heals_when_there_is_space(
        self, small_disk: Path
    ) -> None:
        store = open_store(address(small_disk / "store.db"))
        store.reports.add([variant(1)])
        fill(small_disk)
        batch = [received(report_json(report_id=f"{n:05}" * 50)) for n in range(500)]

        with pytest.raises(StoreUnavailable, match=r"full|I/O"):
            store.reports.add(batch)
        with pytest.raises(StoreUnavailable, match=r"full|I/O"):
            store.reports.add(batch)

        assert 1 == len(list(store.questions.reports(Filter())))
        (small_disk / "filler").unlink()
        assert {Outcome.STORED} == set(store.reports.add(batch))
        assert 501 == len(list(store.questions.reports(Filter())))
        store.close()

    def test_a_store_on_a_full_disk_is_opened_when_there_is_space(self, small_disk: Path) -> None:
        fill(small_disk)
        with pytest.raises(StoreUnavailable, match=r"full|I/O|space"):
            open_store(address(small_disk / "store.db"))

        (small_disk / "filler").unlink()
        store = open_store(address(small_disk / "store.db"))
        assert (Outcome.STORED,) == store.reports.add([received()])
        store.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a megabyte; only root can make one."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("a small file system can be mounted by root alone")
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(  # noqa: S603  our own arguments
        ["mount", "-t", "tmpfs", "-o", f"size={SMALL_DISK}", "tmpfs", str(place)],  # noqa: S607  wherever it is
        check=False,
        capture_output=True,
    )
    if mounted.returncode != 0:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.decode()}")
    yield place
    subprocess.run(["umount", str(place)], check=True)  # noqa: S603, S607  as above


def fill(place: Path) -> None:
    """Leave no space at all."""
    with (place / "filler").open("wb", buffering=0) as filler, suppress(OSError):
        while filler.write(b"x" * 4096):
            pass


def address(file: Path) -> str:
    return URL.create("sqlite", database=str(file)).render_as_string()
