"""The SQL store, for SQLite and PostgreSQL alike: one part a port, over one database."""

from dataclasses import dataclass
from typing import Self

from collector.stores.backup import back_up
from collector.stores.contents import SqlContents
from collector.stores.database import (
    BUSY_SECONDS,
    Database,
    no_store,
    open_database,
    require_owner,
    sqlite_file,
)
from collector.stores.flights import SqlFlights
from collector.stores.ledger import SqlAlertLedger
from collector.stores.memory import SqlMemory
from collector.stores.questions import SqlQuestions
from collector.stores.reports import SqlReportStore
from collector.stores.retention import SqlRetention
from collector.stores.revisions import Upgraded, bring_up_to_date, require_latest
from collector.stores.traffic import SqlTraffic

__all__ = [
    "SqlStore",
    "Upgraded",
    "back_up",
    "open_store",
    "require_owner",
    "sqlite_file",
    "upgrade_store",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class SqlStore:
    """The parts of one store, each for one port."""

    database: Database
    reports: SqlReportStore
    flights: SqlFlights
    memory: SqlMemory
    traffic: SqlTraffic
    ledger: SqlAlertLedger
    questions: SqlQuestions
    contents: SqlContents
    retention: SqlRetention

    @classmethod
    def on(cls, database: Database) -> Self:
        """Build the parts on an open database."""
        return cls(
            database=database,
            reports=SqlReportStore(database),
            flights=SqlFlights(database),
            memory=SqlMemory(database),
            traffic=SqlTraffic(database),
            ledger=SqlAlertLedger(database),
            questions=SqlQuestions(database),
            contents=SqlContents(database),
            retention=SqlRetention(database),
        )

    def close(self) -> None:
        """Close every connection."""
        self.database.close()


def open_store(url: str, *, read_only: bool = False, busy_seconds: float = BUSY_SECONDS) -> SqlStore:
    """Open the store at an address (``sqlite:////path/store.db``, ``postgresql://…``).

    Creates it, or brings it up to date, unless ``read_only``; waits ``busy_seconds`` for others
    that write. Raises ``StoreUnavailable`` when it is away and ``StoreRefused`` when it cannot
    be used as it is.
    """
    database = open_database(url, read_only=read_only, busy_seconds=busy_seconds)
    try:
        if read_only:
            require_latest(database)
        else:
            bring_up_to_date(database)
    except BaseException:
        database.close()
        raise
    return SqlStore.on(database)


def upgrade_store(url: str) -> Upgraded:
    """Bring the schema of a store up to date, and tell from where; errors are those of :func:`open_store`.

    A file that is not there is not made: whoever runs this need not be whose store it would be.
    """
    file = sqlite_file(url)
    if file is not None and not file.exists():
        raise no_store(f"store {file}")
    database = open_database(url, read_only=False)
    try:
        return bring_up_to_date(database)
    finally:
        database.close()
