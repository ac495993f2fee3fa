"""Opens the database: a file of SQLite, or a server of PostgreSQL."""

import os
import pwd
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from collector.errors import StoreRefused, StoreUnavailable
from collector.stores.troubles import translated

# The page asks from up to 40 threads. Connections beyond the pool are closed after use.
_MOST_READERS = 40

# Another writer holds the database for a batch, some tens of milliseconds; a backup perhaps for seconds.
BUSY_SECONDS = 10

# One lock for whoever changes the schema or adds reports on PostgreSQL; the number is ours alone: "TLSR".
_ADVISORY_LOCK = 0x544C5352

# A server that vanished without a word is given up within a minute and a half, not after two hours.
_KEEP_ALIVE = {"keepalives_idle": 30, "keepalives_interval": 10, "keepalives_count": 6}

_FOLDER_MODE = 0o700
_FILE_MODE = 0o600


@dataclass(frozen=True, slots=True)
class Database:
    """A store's database. ``light`` does not wait for the disk: what it writes survives the process alone."""

    engine: Engine
    light: Engine
    where: str
    busy_seconds: float

    @property
    def is_sqlite(self) -> bool:
        """Tell whether it is a file."""
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection to ask with."""
        with translated(self.where), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self, *, light: bool = False) -> Iterator[Connection]:
        """Give a connection in a transaction of its own that writes; it is committed on leaving."""
        engine = self.light if light else self.engine
        with translated(self.where), engine.connect() as connection:
            connection.execution_options(sqlite_begin="BEGIN IMMEDIATE")
            with connection.begin():
                yield connection

    def lock(self, connection: Connection) -> None:
        """Make other writers wait until this transaction ends; SQLite has seen to that already."""
        if not self.is_sqlite:
            patience = {"name": "lock_timeout", "value": f"{self.busy_seconds * 1000:.0f}ms"}
            connection.execute(text("SELECT set_config(:name, :value, true)"), patience)
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()
        self.light.dispose()


def open_database(url: str, *, read_only: bool, busy_seconds: float = BUSY_SECONDS) -> Database:
    """Open a database, whatever is in it; its schema is the affair of ``revisions``."""
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed, read_only=read_only, busy_seconds=busy_seconds)
    return _open_postgresql(parsed, read_only=read_only, busy_seconds=busy_seconds)


def sqlite_file(url: str) -> Path | None:
    """Return the file of an SQLite store, None for another database."""
    parsed = _parsed(url)
    return Path(parsed.database or "") if parsed.get_backend_name() == "sqlite" else None


def _parsed(url: str) -> URL:
    refusal = "the store's address is none: write sqlite:////path/store.db or postgresql://user@host/database"
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        # Without the cause: it may hold a part of the password.
        raise StoreRefused(refusal) from None
    in_memory = parsed.database in (None, "", ":memory:")
    if parsed.get_backend_name() == "postgresql" or (parsed.get_backend_name() == "sqlite" and not in_memory):
        return parsed
    raise StoreRefused(refusal)


# ── SQLite ────────────────────────────────────────────────────────────────────


def _open_sqlite(url: URL, *, read_only: bool, busy_seconds: float) -> Database:
    file = Path(url.database or "").absolute()
    where = f"store {file}"
    if read_only:
        if not file.exists():
            raise no_store(where)
        url = url.set(database=f"file:{quote(str(file))}", query={"mode": "ro", "uri": "true"})
    else:
        _prepare(file, where)
        url = url.set(query={})
    # Named parameters are rows as they are, see reports.py.
    engines = [
        create_engine(
            url,
            paramstyle="named",
            hide_parameters=True,
            pool_timeout=busy_seconds,
            max_overflow=_MOST_READERS,
            connect_args={"timeout": busy_seconds},
        )
        for _ in range(2)
    ]
    _configure_sqlite(engines[0], synchronous="FULL")
    _configure_sqlite(engines[1], synchronous="NORMAL")
    return Database(engines[0], engines[1], where, busy_seconds)


def no_store(where: str) -> StoreUnavailable:
    """Say that there is nothing to ask."""
    return StoreUnavailable(f"{where} is not there yet: run collect first")


def require_owner(file: Path) -> None:
    """Refuse to write a store of another user, even as root: what is made beside it would be root's.

    The owner could then no longer write its own store.
    """
    try:
        owner = file.stat().st_uid
    except OSError:
        return
    if owner == os.geteuid():
        return
    try:
        name = option = pwd.getpwuid(owner).pw_name
    except KeyError:
        name, option = str(owner), f"'#{owner}'"
    raise StoreRefused(f"store {file} belongs to user {name}: run this as {name} (sudo -u {option} ...)")


def _prepare(file: Path, where: str) -> None:
    require_owner(file)
    try:
        file.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        if not file.exists():
            file.touch(mode=_FILE_MODE)
    except OSError as error:
        raise StoreRefused(f"{where}: {error.strerror}: let this user write there") from error


def _configure_sqlite(engine: Engine, *, synchronous: str) -> None:
    """Set up each connection, and begin transactions ourselves: a writer locks from the start.

    sqlite3 would begin them late and as readers, and two of these that turn writers fail at once.
    """

    @event.listens_for(engine, "connect")
    def _connect(connection: sqlite3.Connection, record: object) -> None:
        del record
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA synchronous = {synchronous}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        statement = connection.get_execution_options().get("sqlite_begin", "BEGIN")
        if statement is not None:
            connection.exec_driver_sql(statement)


def write_ahead(database: Database) -> None:
    """Let readers and a writer work at once; a file remembers this, and no transaction may be open."""
    with translated(database.where), database.engine.connect() as connection:
        connection.execution_options(sqlite_begin=None)
        connection.exec_driver_sql("PRAGMA journal_mode = WAL")


# ── PostgreSQL ────────────────────────────────────────────────────────────────


def _open_postgresql(url: URL, *, read_only: bool, busy_seconds: float) -> Database:
    # Without what stands after the question mark: a password may be given there too.
    where = f"store {url.set(query={}).render_as_string(hide_password=True)}"
    options: dict[str, Any] = {
        "connect_args": {"connect_timeout": BUSY_SECONDS} | _KEEP_ALIVE,
        "hide_parameters": True,
        "pool_pre_ping": True,
        "max_overflow": _MOST_READERS,
        "pool_timeout": busy_seconds,
    }
    if read_only:
        options["execution_options"] = {"postgresql_readonly": True}
    try:
        engines = [create_engine(url.set(drivername="postgresql+psycopg"), **options) for _ in range(2)]
    except ImportError as error:
        raise StoreRefused(
            f'{where}: its driver is missing: pip install "tlsrpt-collector[postgresql]"'
        ) from error

    # A commit that does not wait for the disk survives the process, which is all that is asked of it.
    @event.listens_for(engines[1], "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("SET LOCAL synchronous_commit = off")

    return Database(engines[0], engines[1], where, busy_seconds)
