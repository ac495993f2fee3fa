"""Builds notifications; each case differs from the default in one thing."""

from datetime import date, datetime
from fractions import Fraction

from collector.alerting.alert import Alert, AlertChange, AlertEvent, AlertKind, Notification, alert_id
from collector.alerting.rule import Severity
from collector.alerting.traffic import Cause
from tests.build import NOW

DAY = date(2026, 5, 11)

# A heading's end, a tag, a string's end, a reading order turned round, and a flag.
HOSTILE = "Evil\r\nBcc: all@example.org\r\n\r\n<script>alert(1)</script>\x00\u202egnp.exe\x1b[2J\ud800"
HARMLESS = "Evil Bcc: all@example.org <script>alert(1)</script>gnp.exe[2J"

MISMATCH = Cause(
    result_type="certificate-host-mismatch",
    receiving_mx_hostname="mail2.example.com",
    failed_sessions=45,
    organizations=("Google Inc.", "Microsoft Corporation"),
)
FETCH_ERROR = Cause(
    result_type="sts-policy-fetch-error",
    receiving_mx_hostname=None,
    failed_sessions=2,
    organizations=("Microsoft Corporation",),
)


def alert(
    *,
    sessions: int = 937,
    failed: int = 47,
    threshold: Fraction = Fraction(5, 100),
    severity: Severity = Severity.CRITICAL,
    domain: str = "example.com",
    day: date = DAY,
    last_exceeding_day: date = DAY,
    cleared_at: datetime | None = None,
    changes: int = 1,
) -> Alert:
    return Alert(
        alert_id=alert_id(AlertKind.FAILURE_RATE, domain, DAY),
        kind=AlertKind.FAILURE_RATE,
        severity=severity,
        policy_domain=domain,
        day=day,
        sessions=sessions,
        failed_sessions=failed,
        threshold=threshold,
        last_exceeding_day=last_exceeding_day,
        raised_at=NOW,
        cleared_at=cleared_at,
        changes=changes,
    )


def notification(
    event: AlertEvent = AlertEvent.RAISED,
    *,
    about: Alert | None = None,
    causes: tuple[Cause, ...] = (MISMATCH, FETCH_ERROR),
    organizations: tuple[str, ...] = ("Google Inc.", "Microsoft Corporation"),
) -> Notification:
    return Notification(
        change=AlertChange(event=event, alert=about or alert(), at=NOW),
        causes=causes,
        organizations=organizations,
    )


def hostile_notification() -> Notification:
    cause = Cause(
        result_type=HOSTILE, receiving_mx_hostname=HOSTILE, failed_sessions=1, organizations=(HOSTILE,)
    )
    return notification(causes=(cause,), organizations=(HOSTILE,))
