"""A store and a running program that say what the test wants."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction

from collector.alerting.alert import Alert, AlertKind, alert_id
from collector.alerting.rule import Severity
from collector.alerting.traffic import failure_rate
from collector.errors import CollectorError
from collector.ports import AlertRecord, FailureRow, Filter, PolicyRow, Questions, ReportRow, SummaryRow
from collector.ports import Pulse as PulsePort
from tests.build import NOW

TODAY = NOW.date()
YESTERDAY = TODAY - timedelta(days=1)


def summary_row(
    domain: str | None = "example.com",
    *,
    day: date = YESTERDAY,
    sessions: int = 100,
    failed: int = 0,
    organizations: tuple[str, ...] = ("Google Inc.",),
    served: bool = False,
) -> SummaryRow:
    return SummaryRow(
        domain=domain,
        day=day,
        sessions=sessions,
        failed_sessions=failed,
        failure_rate=failure_rate(failed, sessions),
        organizations=organizations,
        served=served,
    )


def open_alert(
    domain: str = "example.com",
    severity: Severity = Severity.CRITICAL,
    *,
    sessions: int = 1841,
    failed: int = 371,
) -> Alert:
    return Alert(
        alert_id=alert_id(AlertKind.FAILURE_RATE, domain, YESTERDAY),
        kind=AlertKind.FAILURE_RATE,
        severity=severity,
        policy_domain=domain,
        day=YESTERDAY,
        sessions=sessions,
        failed_sessions=failed,
        threshold=Fraction(5 if severity is Severity.CRITICAL else 1, 100),
        last_exceeding_day=YESTERDAY,
        raised_at=NOW - timedelta(hours=3),
        cleared_at=None,
        changes=1,
    )


@dataclass
class Store:
    """Answers from lists; ``error`` is raised instead of any answer, ``before`` runs ahead of a summary."""

    rows: Sequence[SummaryRow] = ()
    open_alerts: Sequence[Alert] = ()
    received: Mapping[str, datetime] = field(default_factory=dict)
    error: CollectorError | None = None
    before: Callable[[], object] = lambda: None

    def summary(self, wanted: Filter) -> Iterator[SummaryRow]:
        self.before()
        self.ping()
        since, until = wanted.since or date.min, wanted.until or date.max
        yield from (row for row in self.rows if since <= row.day <= until)

    def alerts(self, *, open_only: bool) -> Iterator[Alert]:
        self.ping()
        yield from (alert for alert in self.open_alerts if alert.is_open or not open_only)

    def last_reports(self) -> Mapping[str, datetime]:
        self.ping()
        return self.received

    def ping(self) -> None:
        if self.error is not None:
            raise self.error

    def reports(self, wanted: Filter) -> Iterator[ReportRow]:
        raise NotImplementedError

    def policies(self, wanted: Filter) -> Iterator[PolicyRow]:
        raise NotImplementedError

    def failures(self, wanted: Filter) -> Iterator[FailureRow]:
        raise NotImplementedError

    def alert(self, alert_id: str) -> AlertRecord | None:
        raise NotImplementedError


@dataclass
class Program:
    """Fares as told."""

    stalled_threads: Sequence[str] = ()
    what_is_away: Mapping[str, str] = field(default_factory=dict)

    def stalled(self) -> Sequence[str]:
        return self.stalled_threads

    def troubles(self) -> Mapping[str, str]:
        return self.what_is_away


_questions: type[Questions] = Store
_pulse: type[PulsePort] = Program
