"""Decides which alerts are raised, escalated and cleared: a pure function of what is stored.

At most one failure-rate alert is open a domain. What is judged are the report's own days:
a day exceeds when :meth:`Thresholds.severity_of` says so.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from collector.alerting.alert import Alert, AlertChange, AlertEvent, AlertKind, alert_id
from collector.alerting.rule import Rules, Severity, Thresholds
from collector.alerting.traffic import DayTraffic

# A repair shows in the reports of the next 48 to 72 hours.
CLEAR_AFTER = timedelta(hours=48)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The alerts as they stand: the open ones, and for each domain the last day already told of."""

    open_alerts: tuple[Alert, ...] = ()
    told_through: Mapping[str, date] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Day:
    """One day of a domain, or of an MX host within it, with its judgement."""

    day: date
    sessions: int
    failed_sessions: int
    severity: Severity | None


def evaluate(
    rules: Rules, traffic: Iterable[DayTraffic], standing: Standing, *, now: datetime
) -> tuple[AlertChange, ...]:
    """Compare every domain's days with its thresholds and tell what changes, by domain name."""
    oldest = (now - rules.maximum_age).date()
    by_domain: dict[str, list[DayTraffic]] = defaultdict(list)
    for row in traffic:
        if row.day >= oldest:
            by_domain[row.judged_domain].append(row)
    open_alerts = {alert.policy_domain: alert for alert in standing.open_alerts}
    told_through = standing.told_through or {}
    changes: list[AlertChange] = []
    for domain in sorted(by_domain):
        thresholds = rules.thresholds_of(domain)
        rows = by_domain[domain]
        alert = open_alerts.get(domain)
        change = (
            _raise(domain, rows, thresholds, told_through.get(domain, date.min), now)
            if alert is None
            else _escalate(alert, rows, thresholds, now) or _clear(alert, rows, thresholds, now)
        )
        if change is not None:
            changes.append(change)
    return tuple(changes)


def _raise(
    domain: str, rows: Sequence[DayTraffic], thresholds: Thresholds, told_through: date, now: datetime
) -> AlertChange | None:
    """Raise an alert for a domain that exceeds and has not been mended since."""
    exceeding = [day for day in _exceeding(rows, thresholds) if day.day > told_through]
    if not exceeding:
        return None
    last = max(day.day for day in exceeding)
    if _is_mended(last, rows, thresholds):
        return None
    worst = _worst(exceeding)
    assert worst.severity is not None
    alert = Alert(
        alert_id=alert_id(AlertKind.FAILURE_RATE, domain, worst.day),
        kind=AlertKind.FAILURE_RATE,
        severity=worst.severity,
        policy_domain=domain,
        day=worst.day,
        sessions=worst.sessions,
        failed_sessions=worst.failed_sessions,
        threshold=thresholds.of(worst.severity),
        last_exceeding_day=last,
        raised_at=now,
        cleared_at=None,
        changes=1,
    )
    return AlertChange(event=AlertEvent.RAISED, alert=alert, at=now)


def _escalate(
    alert: Alert, rows: Sequence[DayTraffic], thresholds: Thresholds, now: datetime
) -> AlertChange | None:
    """Escalate an open alert when a day exceeds a higher threshold than it was raised for."""
    higher = [
        day
        for day in _exceeding(rows, thresholds)
        if day.severity is not None and day.severity > alert.severity
    ]
    if not higher:
        return None
    worst = _worst(higher)
    assert worst.severity is not None
    escalated = replace(
        alert,
        severity=worst.severity,
        day=worst.day,
        sessions=worst.sessions,
        failed_sessions=worst.failed_sessions,
        threshold=thresholds.of(worst.severity),
        last_exceeding_day=max(worst.day, alert.last_exceeding_day),
        changes=alert.changes + 1,
    )
    return AlertChange(event=AlertEvent.ESCALATED, alert=escalated, at=now)


def _clear(
    alert: Alert, rows: Sequence[DayTraffic], thresholds: Thresholds, now: datetime
) -> AlertChange | None:
    """Clear an open alert when 48 h of later report days are at or below the warning threshold."""
    last = max((day.day for day in _exceeding(rows, thresholds)), default=alert.last_exceeding_day)
    last = max(last, alert.last_exceeding_day)
    if not _is_mended(last, rows, thresholds):
        return None
    latest = max((day for day in _days(rows, thresholds) if day.day > last), key=lambda day: day.day)
    cleared = replace(
        alert,
        day=latest.day,
        sessions=latest.sessions,
        failed_sessions=latest.failed_sessions,
        threshold=thresholds.warning,
        last_exceeding_day=last,
        cleared_at=now,
        changes=alert.changes + 1,
    )
    return AlertChange(event=AlertEvent.CLEARED, alert=cleared, at=now)


def _is_mended(last: date, rows: Sequence[DayTraffic], thresholds: Thresholds) -> bool:
    """Tell whether later days show that it is over: 48 h of them, and from everyone who saw it."""
    later = [row for row in rows if row.day > last and row.sessions]
    if not later or max(row.day for row in later) - last < CLEAR_AFTER:
        return False
    return _organizations_that_exceed(rows, last, thresholds) <= {r.organization for r in later}


def _organizations_that_exceed(rows: Sequence[DayTraffic], day: date, thresholds: Thresholds) -> set[str]:
    return {
        row.organization
        for row in rows
        if row.day == day and row.failed_sessions > thresholds.warning * row.sessions
    }


def _exceeding(rows: Sequence[DayTraffic], thresholds: Thresholds) -> list[_Day]:
    return [day for day in _days(rows, thresholds) if day.severity is not None]


def _days(rows: Sequence[DayTraffic], thresholds: Thresholds) -> Iterator[_Day]:
    """Add up the organizations of each day; an MX host judged within the domain stands beside it."""
    by_day: dict[tuple[date, str], list[DayTraffic]] = defaultdict(list)
    for row in rows:
        by_day[row.day, row.policy_domain].append(row)
    for (day, _), alike in sorted(by_day.items(), key=lambda entry: entry[0]):
        sessions = sum(row.sessions for row in alike)
        failed_sessions = sum(row.failed_sessions for row in alike)
        severity = thresholds.severity_of(failed_sessions, sessions)
        yield _Day(day=day, sessions=sessions, failed_sessions=failed_sessions, severity=severity)


def _worst(days: Sequence[_Day]) -> _Day:
    """Choose the day to speak of: the highest severity, of these the latest."""
    return max(days, key=lambda day: (day.severity or 0, day.day))
