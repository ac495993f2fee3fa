"""Opens the database and keeps its schema current."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from collector.errors import StoreRefused, StoreUnavailable
from collector.stores.troubles import translated

# Every revision this program knows, oldest first; the last is what it works with.
REVISIONS = ("0001",)

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
    """Open a database and bring its schema up to date; read only, it is taken as it is."""
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        database = _open_sqlite(parsed, read_only=read_only, busy_seconds=busy_seconds)
    else:
        database = _open_postgresql(parsed, read_only=read_only, busy_seconds=busy_seconds)
    try:
        _bring_up_to_date(database, read_only=read_only)
    except BaseException:
        database.close()
        raise
    return database


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
            raise _no_store(where)
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


def _no_store(where: str) -> StoreUnavailable:
    return StoreUnavailable(f"{where} is not there yet: run collect first")


def _prepare(file: Path, where: str) -> None:
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


def _write_ahead(database: Database) -> None:
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


# ── The schema ────────────────────────────────────────────────────────────────


def _bring_up_to_date(database: Database, *, read_only: bool) -> None:
    with database.reading() as connection:
        revision = _revision(connection, database.where)
    if read_only:
        _require_latest(revision, database.where)
        return
    if database.is_sqlite:
        _write_ahead(database)
    if revision == REVISIONS[-1]:
        return
    with database.writing() as connection:
        database.lock(connection)
        if _revision(connection, database.where) != REVISIONS[-1]:
            _upgrade(connection)


def _require_latest(revision: str | None, where: str) -> None:
    if revision is None:
        raise _no_store(where)
    if revision != REVISIONS[-1]:
        raise StoreUnavailable(f"{where} is of an older version: run collect first, it upgrades")


def _revision(connection: Connection, where: str) -> str | None:
    """Read the schema's revision; None for an empty database."""
    tables = inspect(connection).get_table_names()
    if not tables:
        return None
    if not {"alembic_version", "reports", "traffic"} <= set(tables):
        raise StoreRefused(f"{where} holds other tables: give the collector a database of its own")
    revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one()
    if revision not in REVISIONS:
        raise StoreRefused(
            f"{where} was written by a newer version (revision {revision}): upgrade this program"
        )
    return str(revision)


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415  half a second that only a change of schema pays
    from alembic.config import Config  # noqa: PLC0415  as above

    config = Config()
    # A percent sign in a path would be read as the name of another option.
    scripts = str(Path(__file__).with_name("migrations")).replace("%", "%%")
    config.set_main_option("script_location", scripts)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
