"""What a source remembers of mail that it leaves in place."""

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite

from collector.stores import schema
from collector.stores.database import Database

_remembered = schema.remembered


class SqlMemory:
    """Implements :class:`collector.ports.Memory`."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database

    def remembered(self, source: str, folder: str, uid_validity: int) -> frozenset[int]:
        """Return the UIDs already settled under this UIDVALIDITY."""
        question = select(_remembered.c.uid).where(
            _remembered.c.source == source,
            _remembered.c.folder == folder,
            _remembered.c.uid_validity == uid_validity,
        )
        with self._database.reading() as connection:
            return frozenset(connection.execute(question).scalars())

    def remember(self, source: str, folder: str, uid_validity: int, uids: Sequence[int]) -> None:
        """Add UIDs; those of another UIDVALIDITY are forgotten."""
        rows = [
            {"source": source, "folder": folder, "uid_validity": uid_validity, "uid": uid} for uid in uids
        ]
        with self._database.writing() as connection:
            connection.execute(
                delete(_remembered).where(
                    _remembered.c.source == source,
                    _remembered.c.folder == folder,
                    _remembered.c.uid_validity != uid_validity,
                )
            )
            if rows:
                dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
                connection.execute(dialect.insert(_remembered).on_conflict_do_nothing(), rows)
