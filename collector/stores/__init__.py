"""The SQL store, for SQLite and PostgreSQL alike: one part a port, over one database."""

from dataclasses import dataclass
from typing import Self

from collector.stores.database import BUSY_SECONDS, Database, open_database, sqlite_file
from collector.stores.flights import SqlFlights
from collector.stores.ledger import SqlAlertLedger
from collector.stores.memory import SqlMemory
from collector.stores.questions import SqlQuestions
from collector.stores.reports import SqlReportStore
from collector.stores.traffic import SqlTraffic

__all__ = ["SqlStore", "open_store", "sqlite_file"]


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
    return SqlStore.on(open_database(url, read_only=read_only, busy_seconds=busy_seconds))
