"""Removes what has been held long enough, in transactions so short that nobody waits for them."""

from datetime import date, datetime

from sqlalchemy import Connection, delete, select

from collector.stores import schema
from collector.stores.columns import number_of, seconds_of
from collector.stores.database import Database

# Some milliseconds, with a few policies and failures each; a collector that waits does not notice.
_REPORTS_AT_A_TIME = 200

# An alert has a handful of changes, and a dispatch of each for every channel.
_ALERTS_AT_A_TIME = 200

_reports, _traffic, _alerts, _heard = schema.reports.c, schema.traffic.c, schema.alerts.c, schema.heard.c


class SqlRetention:
    """Implements :class:`collector.ports.ReportRetention`."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database

    def remove_reports(self, before: date) -> int:
        """Remove some reports of days before ``before`` with all they hold; return how many.

        When none is left, the domains are forgotten too that no report tells of any more.
        """
        old = (
            select(_reports.id)
            .where(_reports.day < number_of(before))
            .order_by(_reports.day, _reports.id)
            .limit(_REPORTS_AT_A_TIME)
        )
        with self._database.writing() as connection:
            # A report that is added meanwhile may compete with one of these.
            self._database.lock(connection)
            rows = connection.execute(old).scalars().all()
            if rows:
                # Policies, failures and traffic go with their report.
                connection.execute(delete(schema.reports).where(_reports.id.in_(rows)))
            else:
                _forget_domains(connection)
        return len(rows)

    def remove_alerts(self, cleared_before: datetime) -> int:
        """Remove some alerts that were cleared before a time, with their history; return how many."""
        old = (
            select(_alerts.alert_id)
            .where(_alerts.cleared_at < seconds_of(cleared_before))
            .order_by(_alerts.cleared_at, _alerts.alert_id)
            .limit(_ALERTS_AT_A_TIME)
        )
        with self._database.writing() as connection:
            alert_ids = connection.execute(old).scalars().all()
            if alert_ids:
                connection.execute(delete(schema.alerts).where(_alerts.alert_id.in_(alert_ids)))
        return len(alert_ids)


def _forget_domains(connection: Connection) -> None:
    told_of = (
        select(_traffic.report)
        .where(_traffic.policy_domain == _heard.policy_domain, _traffic.counted == 1)
        .exists()
    )
    connection.execute(delete(schema.heard).where(~told_of))
