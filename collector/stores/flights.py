"""Which deliveries are being parsed, and which have been when the process died."""

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from sqlalchemy import ColumnElement, Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from collector.stores import schema
from collector.stores.database import Database

_flights, _suspects = schema.flights, schema.suspects


class SqlFlights:
    """Implements :class:`collector.ports.Flights`; it writes without waiting for the disk."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database

    def suspects(self, source: str) -> Mapping[str, int]:
        """Count a death for whatever is still noted in flight, and return all suspects."""
        with self._database.writing(light=True) as connection:
            noted = connection.execute(
                select(_flights.c.references).where(_flights.c.source == source)
            ).scalar()
            if noted is not None:
                for reference in json.loads(noted):
                    _count(connection, source, reference, deaths=1)
                _land(connection, source)
            rows = connection.execute(
                select(_suspects.c.reference, _suspects.c.deaths).where(_suspects.c.source == source)
            )
            return MappingProxyType({json.loads(row.reference): row.deaths for row in rows})

    def take_off(self, source: str, references: Sequence[str]) -> None:
        """Note deliveries as in flight, in one write; what was noted before is so no longer."""
        with self._database.writing(light=True) as connection:
            dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
            note = dialect.insert(_flights)
            connection.execute(
                note.on_conflict_do_update(
                    index_elements=["source"], set_={"references": note.excluded.references}
                ),
                {"source": source, "references": json.dumps(list(references))},
            )

    def land(self, source: str) -> None:
        """Remove the note."""
        with self._database.writing(light=True) as connection:
            _land(connection, source)

    def crashed(self, source: str, reference: str) -> int:
        """Count a bug met while reading a delivery; return in how many rounds so far."""
        with self._database.writing(light=True) as connection:
            _count(connection, source, reference, crashes=1)
            rounds = connection.execute(
                select(_suspects.c.crashes).where(*_is(source, reference))
            ).scalar_one()
            return int(rounds)

    def forget(self, source: str, references: Sequence[str]) -> None:
        """Forget the deaths and crashes of deliveries that are settled."""
        if not references:
            return
        with self._database.writing(light=True) as connection:
            for reference in references:
                connection.execute(delete(_suspects).where(*_is(source, reference)))


def _land(connection: Connection, source: str) -> None:
    connection.execute(delete(_flights).where(_flights.c.source == source))


def _is(source: str, reference: str) -> tuple[ColumnElement[bool], ...]:
    """Select a delivery; its reference is JSON, as a source may name it by bytes that are no text."""
    return _suspects.c.source == source, _suspects.c.reference == json.dumps(reference)


def _count(connection: Connection, source: str, reference: str, *, deaths: int = 0, crashes: int = 0) -> None:
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(_suspects).values(
        source=source, reference=json.dumps(reference), deaths=deaths, crashes=crashes
    )
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["source", "reference"],
            set_={"deaths": _suspects.c.deaths + deaths, "crashes": _suspects.c.crashes + crashes},
        )
    )
