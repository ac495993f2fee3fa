"""What evaluation asks: the recent days of domains that failed, and why."""

from collections.abc import Sequence
from datetime import date

from sqlalchemy import func, select, union

from collector.alerting.traffic import DayTraffic, FailedSessions
from collector.stores import schema
from collector.stores.columns import day_of, number_of, sum_of, summed
from collector.stores.database import Database

_traffic, _failures, _alerts = schema.traffic, schema.failures, schema.alerts


class SqlTraffic:
    """Implements :class:`collector.ports.Traffic`."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database

    def recent_traffic(self, since: date) -> Sequence[DayTraffic]:
        """Return the days from ``since`` on, of the domains that failed in them or have an open alert."""
        t = _traffic.c
        recent = (t.day >= number_of(since), t.counted == 1, t.judged_domain != "", t.policy_domain != "")
        concerned = union(
            select(t.judged_domain).where(*recent, t.failed_sessions > 0),
            select(_alerts.c.policy_domain).where(_alerts.c.cleared_at.is_(None)),
        )
        question = (
            select(
                *(t.judged_domain, t.policy_domain, t.day, t.organization),
                *summed(t.sessions),
                *summed(t.failed_sessions),
            )
            .where(*recent, t.judged_domain.in_(concerned))
            .group_by(t.judged_domain, t.policy_domain, t.day, t.organization)
            .order_by(t.judged_domain, t.day, t.policy_domain, t.organization)
        )
        with self._database.reading() as connection:
            return [
                DayTraffic(
                    judged_domain=row.judged_domain,
                    policy_domain=row.policy_domain,
                    day=day_of(row.day),
                    organization=row.organization,
                    sessions=sum_of(row.sessions_upper, row.sessions_lower),
                    failed_sessions=sum_of(row.failed_sessions_upper, row.failed_sessions_lower),
                )
                for row in connection.execute(question)
            ]

    def failed_sessions(self, domain: str, day: date) -> Sequence[FailedSessions]:
        """Return the failure details of a domain's day, and of the MX hosts judged within it."""
        t, f = _traffic.c, _failures.c
        alike = (f.report, t.organization, f.policy_type, f.result_type, f.receiving_mx_hostname)
        question = (
            # The sum over one report fits in 64 bits.
            select(*alike, func.sum(f.failed_sessions).label("failed_sessions"))
            .join_from(
                _traffic,
                _failures,
                (f.report == t.report) & (func.coalesce(f.policy_domain, "") == t.policy_domain),
            )
            .where(t.judged_domain == domain, t.day == number_of(day), t.counted == 1)
            .group_by(*alike)
            .order_by(*(column.nulls_first() for column in alike))
        )
        with self._database.reading() as connection:
            return [
                FailedSessions(
                    report=row.report,
                    organization=row.organization,
                    policy_type=row.policy_type,
                    result_type=row.result_type,
                    receiving_mx_hostname=row.receiving_mx_hostname,
                    failed_sessions=int(row.failed_sessions),
                )
                for row in connection.execute(question)
            ]
