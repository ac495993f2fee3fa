"""Copies an SQLite store while others work on it."""

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from collector.errors import StoreRefused, StoreUnavailable
from collector.stores.database import Database, no_store, open_database, sqlite_file
from collector.stores.revisions import revision_of
from collector.stores.troubles import translated

# A copy holds what the store holds: for its owner alone.
_FILE_MODE = 0o600


def back_up(url: str, file: Path, *, replace: bool = False) -> None:
    """Copy a store into a file, as it is at this moment; the copy is a store, and durable on return.

    Nobody waits meanwhile, and the file is there whole or not at all. Raises ``StoreRefused``
    for a file that is there already unless ``replace``, for the store itself, and for PostgreSQL.
    """
    store = sqlite_file(url)
    if store is None:
        raise StoreRefused("a PostgreSQL store is backed up with pg_dump: its server knows best how")
    _check(store, file, replace=replace)
    database = open_database(url, read_only=True)
    try:
        # Older revisions may be copied too: before an upgrade a copy is wanted most.
        if revision_of(database) is None:
            raise no_store(database.where)
        with _written(file, replace=replace) as temporary:
            _copy(database, temporary)
    finally:
        database.close()


def _check(store: Path, file: Path, *, replace: bool) -> None:
    beside = [store, *(store.with_name(store.name + suffix) for suffix in ("-wal", "-shm", ".lock"))]
    if file.resolve() in {path.resolve() for path in beside} or (file.exists() and file.samefile(store)):
        raise StoreRefused(f"{file} is the store itself: name another file")
    if file.exists() and not (replace and stat.S_ISREG(file.stat().st_mode)):
        raise StoreRefused(f"{file} is there already: name another file")


def _copy(database: Database, file: Path) -> None:
    """Write all pages that are in use, in one read transaction."""
    with translated(database.where), database.engine.connect() as connection:
        connection.execution_options(sqlite_begin=None)
        connection.exec_driver_sql("VACUUM INTO :file", {"file": str(file)})


@contextmanager
def _written(file: Path, *, replace: bool) -> Iterator[Path]:
    """Give a temporary file; on leaving it is flushed and renamed, after an error removed."""
    temporary = file.absolute().with_name(f".{file.name[:200]}.{secrets.token_hex(8)}.tmp")
    try:
        with _told(file):
            os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _FILE_MODE))
        yield temporary
        with _told(file):
            _flush(temporary)
            if replace:
                temporary.replace(file)
            else:
                # Unlike a rename this fails if the file has come to be meanwhile.
                _rename_alone(temporary, file)
            _flush(file.absolute().parent)
    finally:
        with suppress(OSError):
            temporary.unlink()


def _rename_alone(temporary: Path, file: Path) -> None:
    try:
        os.link(temporary, file)
    except FileExistsError:
        raise
    except OSError:
        # A file system without links, such as that of a USB stick.
        temporary.rename(file)


@contextmanager
def _told(file: Path) -> Iterator[None]:
    try:
        yield
    except FileExistsError as error:
        raise StoreRefused(f"{file} is there already: name another file") from error
    except (PermissionError, FileNotFoundError, NotADirectoryError) as error:
        raise StoreRefused(f"{file}: {error.strerror}: name a file where this user may write") from error
    except OSError as error:
        raise StoreUnavailable(f"{file}: {error.strerror}: the copy was not made") from error


def _flush(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
