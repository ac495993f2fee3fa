"""Opens the database, keeps its schema current, and translates its errors."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, OperationalError, SQLAlchemyError

from collector.errors import StoreRefused, StoreUnavailable

# Every revision this program knows, oldest first; the last is what it works with.
REVISIONS = ("0001",)

# Another writer holds the database for a batch, some tens of milliseconds; a backup perhaps for seconds.
_BUSY_SECONDS = 10

# One lock for whoever changes the schema or adds reports on PostgreSQL; the number is ours alone: "TLSR".
_ADVISORY_LOCK = 0x544C5352

_FOLDER_MODE = 0o700
_FILE_MODE = 0o600

# SQLite's words for a file that will not become a store by waiting.
_LASTING_TROUBLES = ("not a database", "malformed", "unable to open", "readonly", "read-only", "permission")


@dataclass(frozen=True, slots=True)
class Database:
    """A store's database. ``light`` does not wait for the disk: what it writes survives the process alone."""

    engine: Engine
    light: Engine
    where: str

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection to ask with."""
        with translated(self.where), self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self, *, light: bool = False) -> Iterator[Connection]:
        """Give a connection in a transaction of its own that writes; it is committed on leaving."""
        engine = self.light if light else self.engine
        engine = engine.execution_options(writes=True)
        with translated(self.where), engine.connect() as connection, connection.begin():
            yield connection

    def lock(self, connection: Connection) -> None:
        """Make other writers wait until this transaction ends; SQLite has seen to that already."""
        if self.engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()
        self.light.dispose()


def open_database(url: str, *, read_only: bool) -> Database:
    """Open a database and bring its schema up to date; read only, it is taken as it is."""
    parsed = _parsed(url)
    where = _where(parsed)
    with translated(where):
        if parsed.get_backend_name() == "sqlite":
            database = _open_sqlite(parsed, where, read_only=read_only)
        else:
            database = _open_postgresql(parsed, where, read_only=read_only)
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


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn the errors of the database into ours: away for a while, or not to be used."""
    try:
        yield
    except (OperationalError, InterfaceError, DBAPIError) as error:
        words = _words(error)
        lasting = any(trouble in words.lower() for trouble in _LASTING_TROUBLES)
        if isinstance(error, OperationalError | InterfaceError) and not lasting:
            raise StoreUnavailable(f"{where}: {words}") from error
        if lasting:
            raise StoreRefused(f"{where}: {words}: see that it is ours and may be written") from error
        raise
    except ModuleNotFoundError as error:
        if error.name != "psycopg":
            raise
        raise StoreRefused(
            f'{where}: the driver is missing: pip install "tlsrpt-collector[postgresql]"'
        ) from error


def _words(error: SQLAlchemyError) -> str:
    """Return what the database said, on one line, without the statement and its values."""
    origin = getattr(error, "orig", None) or error
    return " ".join(str(origin).split()) or type(origin).__name__


def _parsed(url: str) -> URL:
    try:
        return make_url(url)
    except ArgumentError as error:
        raise StoreRefused(
            "the store's address is none: write sqlite:////path/store.db or postgresql://…"
        ) from error


def _where(url: URL) -> str:
    if url.get_backend_name() == "sqlite":
        return f"store {url.database}"
    return f"store {url.render_as_string(hide_password=True)}"


def _open_sqlite(url: URL, where: str, *, read_only: bool) -> Database:
    file = Path(url.database or "")
    if read_only:
        if not file.exists():
            raise StoreUnavailable(f"there is no store at {file} yet: run collect first")
        url = url.set(database=f"file:{file}", query={"mode": "ro", "uri": "true"})
    else:
        _prepare(file, where)
    engines = []
    for synchronous in ("FULL", "NORMAL"):
        engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS})
        _configure_sqlite(engine, synchronous, read_only=read_only)
        engines.append(engine)
    return Database(engines[0], engines[1], where)


def _prepare(file: Path, where: str) -> None:
    try:
        file.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        file.touch(mode=_FILE_MODE)
    except OSError as error:
        raise StoreRefused(f"{where}: {error.strerror}: let this user write there") from error


def _configure_sqlite(engine: Engine, synchronous: str, *, read_only: bool) -> None:
    """Set up each connection, and begin transactions ourselves: a writer locks from the start.

    sqlite3 would begin them late and as readers, and two of these that turn writers fail at once.
    """

    @event.listens_for(engine, "connect")
    def _connect(connection: sqlite3.Connection, record: object) -> None:
        del record
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        if not read_only:
            connection.execute("PRAGMA journal_mode = WAL")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _open_postgresql(url: URL, where: str, *, read_only: bool) -> Database:
    options: dict[str, Any] = {"connect_args": {"connect_timeout": _BUSY_SECONDS}, "pool_pre_ping": True}
    if read_only:
        options["execution_options"] = {"postgresql_readonly": True}
    engine = create_engine(url.set(drivername="postgresql+psycopg"), **options)
    # A commit that does not wait for the disk survives the process, which is all that is asked of it.
    light = create_engine(url.set(drivername="postgresql+psycopg"), **options)

    @event.listens_for(light, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("SET LOCAL synchronous_commit = off")

    return Database(engine, light, where)


# ── The schema ────────────────────────────────────────────────────────────────


def _bring_up_to_date(database: Database, *, read_only: bool) -> None:
    with database.reading() as connection:
        revision = _revision(connection, database.where)
    if revision == REVISIONS[-1]:
        return
    if read_only:
        raise StoreUnavailable(f"{database.where} is of an older version: run collect first, it upgrades")
    with database.writing() as connection:
        database.lock(connection)
        if _revision(connection, database.where) != REVISIONS[-1]:
            _upgrade(connection)


def _revision(connection: Connection, where: str) -> str | None:
    """Read the schema's revision; None for an empty database."""
    tables = inspect(connection).get_table_names()
    if not tables:
        return None
    if "alembic_version" not in tables:
        raise StoreRefused(f"{where} holds other tables: give the collector a database of its own")
    revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    if revision is not None and revision not in REVISIONS:
        raise StoreRefused(
            f"{where} was written by a newer version (revision {revision}): upgrade this program"
        )
    return None if revision is None else str(revision)


def _upgrade(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415  half a second that only a change of schema pays
    from alembic.config import Config  # noqa: PLC0415  as above

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
