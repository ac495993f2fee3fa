"""Gathers what the overview page shows: domains and open alerts, the worst first."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction
from itertools import groupby

from collector.alerting.alert import Alert
from collector.alerting.rule import Severity
from collector.alerting.traffic import failure_rate
from collector.ports import SummaryRow

# A month shows whether a failure is new; reports come in up to 24 days late.
PERIOD_DAYS = 30

# What a person reads of a list sorted by urgency; the command line lists the rest.
MAX_DOMAINS_SHOWN = 50
MAX_ALERTS_SHOWN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainDay:
    """One day of one domain."""

    day: date
    sessions: int
    failed_sessions: int

    @property
    def failure_rate(self) -> Fraction | None:
        """The share of the day's sessions that failed."""
        return failure_rate(self.failed_sessions, self.sessions)


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainOverview:
    """One domain over the period; ``days`` are those reported, oldest first.

    ``severity`` is that of its open alert. ``served`` marks an MX host whose sessions are told
    again in its domain's row (RFC 8460 §1.1).
    """

    domain: str | None
    days: tuple[DomainDay, ...]
    organizations: tuple[str, ...]
    severity: Severity | None
    served: bool

    @property
    def sessions(self) -> int:
        """The sessions of all its days."""
        return sum(day.sessions for day in self.days)

    @property
    def failed_sessions(self) -> int:
        """The failed ones among them."""
        return sum(day.failed_sessions for day in self.days)

    @property
    def failure_rate(self) -> Fraction | None:
        """The share of sessions that failed over the period."""
        return failure_rate(self.failed_sessions, self.sessions)

    @property
    def last_day(self) -> date:
        """The latest day that a report tells of."""
        return self.days[-1].day


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """All that the page shows of the store; counts are of everything, lists are cut to the worst.

    ``last_day`` is the latest that any report of the period tells of, None without one.
    """

    since: date
    until: date
    domains: tuple[DomainOverview, ...]
    domain_count: int
    last_day: date | None
    sessions: int
    failed_sessions: int
    alerts: tuple[Alert, ...]
    critical_alerts: int
    warning_alerts: int

    @property
    def failure_rate(self) -> Fraction | None:
        """The share of all sessions that failed over the period."""
        return failure_rate(self.failed_sessions, self.sessions)

    @property
    def alert_count(self) -> int:
        """How many alerts are open."""
        return self.critical_alerts + self.warning_alerts


def period_start(today: date) -> date:
    """Return the first day shown: that of ``--since 30d`` on the command line."""
    return today - timedelta(days=PERIOD_DAYS)


def overview(rows: Iterable[SummaryRow], open_alerts: Sequence[Alert], *, today: date) -> Overview:
    """Gather the page from the rows of the period, which come domain by domain."""
    severities = {alert.policy_domain: alert.severity for alert in open_alerts}
    sessions = failed_sessions = 0
    domains = []
    for domain, days in groupby(rows, key=lambda row: row.domain):
        counted = list(days)
        sessions += sum(row.sessions for row in counted if not row.served)
        failed_sessions += sum(row.failed_sessions for row in counted if not row.served)
        domains.append(_domain(domain, counted, None if domain is None else severities.get(domain)))
    return Overview(
        since=period_start(today),
        until=today,
        domains=tuple(sorted(domains, key=_worst_domain_first)[:MAX_DOMAINS_SHOWN]),
        domain_count=len(domains),
        last_day=max((domain.last_day for domain in domains), default=None),
        sessions=sessions,
        failed_sessions=failed_sessions,
        alerts=tuple(sorted(open_alerts, key=_worst_alert_first)[:MAX_ALERTS_SHOWN]),
        critical_alerts=sum(alert.severity is Severity.CRITICAL for alert in open_alerts),
        warning_alerts=sum(alert.severity is Severity.WARNING for alert in open_alerts),
    )


def _domain(domain: str | None, rows: Sequence[SummaryRow], severity: Severity | None) -> DomainOverview:
    return DomainOverview(
        domain=domain,
        days=tuple(sorted(_days(rows), key=lambda day: day.day)),
        organizations=tuple(sorted({name for row in rows for name in row.organizations})),
        severity=severity,
        served=all(row.served for row in rows),
    )


def _days(rows: Iterable[SummaryRow]) -> Iterator[DomainDay]:
    for row in rows:
        yield DomainDay(day=row.day, sessions=row.sessions, failed_sessions=row.failed_sessions)


def _worst_domain_first(domain: DomainOverview) -> tuple[int, Fraction | int, int, bool, str]:
    rate = domain.failure_rate
    severity = domain.severity or 0
    return (
        -severity,
        1 if rate is None else -rate,
        -domain.failed_sessions,
        domain.domain is None,
        domain.domain or "",
    )


def _worst_alert_first(alert: Alert) -> tuple[int, Fraction | int, str]:
    return -alert.severity, -(alert.failure_rate or 0), alert.policy_domain
