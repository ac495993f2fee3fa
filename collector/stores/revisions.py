"""Keeps the schema current, and refuses one that this program does not know."""

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from collector.errors import StoreRefused, StoreUnavailable
from collector.stores.database import Database, no_store, write_ahead

# Every revision this program knows, oldest first; the last is what it works with.
REVISIONS = ("0001",)


@dataclass(frozen=True, slots=True)
class Upgraded:
    """From which revision to which; None before the first."""

    before: str | None
    after: str


def bring_up_to_date(database: Database) -> Upgraded:
    """Make or change the tables as this program wants them, while everyone else waits."""
    revision = revision_of(database)
    if database.is_sqlite:
        write_ahead(database)
    if revision == REVISIONS[-1]:
        return Upgraded(revision, revision)
    with database.writing() as connection:
        database.lock(connection)
        # Someone else may have done it meanwhile.
        revision = _revision(connection, database.where)
        if revision != REVISIONS[-1]:
            _upgrade(connection)
    return Upgraded(revision, REVISIONS[-1])


def require_latest(database: Database) -> None:
    """Refuse to ask what is no store yet, or one of an older version."""
    revision = revision_of(database)
    if revision is None:
        raise no_store(database.where)
    if revision != REVISIONS[-1]:
        raise StoreUnavailable(
            f"{database.where} is of an older version: run store upgrade first, or collect"
        )


def revision_of(database: Database) -> str | None:
    """Read the schema's revision; None for an empty database."""
    with database.reading() as connection:
        return _revision(connection, database.where)


def _revision(connection: Connection, where: str) -> str | None:
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
