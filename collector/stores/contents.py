"""Which reports the store holds of a day, to be compared with the archive."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import select

from collector.ports import StoredContent
from collector.stores import schema
from collector.stores.columns import day_of, number_of
from collector.stores.database import Database

_reports = schema.reports.c


class SqlContents:
    """Implements :class:`collector.ports.StoredContents`."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database

    def days(self) -> Sequence[date]:
        """Return the days that there are reports of, in order."""
        with self._database.reading() as connection:
            rows = connection.execute(select(_reports.day).distinct().order_by(_reports.day))
            return [day_of(number) for number in rows.scalars()]

    def contents_on(self, day: date) -> Sequence[StoredContent]:
        """Return the reports of one day, those too that do not count."""
        question = (
            select(_reports.content_hash, _reports.organization, _reports.report_id, _reports.foreign_domain)
            .where(_reports.day == number_of(day))
            .order_by(_reports.id)
        )
        with self._database.reading() as connection:
            return [
                StoredContent(
                    content_hash=row.content_hash,
                    organization=row.organization,
                    report_id=row.report_id,
                    foreign=bool(row.foreign_domain),
                )
                for row in connection.execute(question)
            ]
