"""A made-up notification, to try out a channel before a real alert needs it."""

from datetime import datetime, timedelta

from collector.alerting.alert import Alert, AlertChange, AlertEvent, AlertKind, Notification
from collector.alerting.rule import DEFAULT_THRESHOLDS, Severity
from collector.alerting.traffic import Cause

# RFC 2606 §3 keeps this domain for examples.
TRIAL_DOMAIN = "example.com"

_SESSIONS = 937
_FAILED_SESSIONS = 17
_ORGANIZATION = "Example Organization"


def trial_notification(*, now: datetime) -> Notification:
    """Return a notification that is plainly a test; each moment's has a name of its own."""
    day = now.date() - timedelta(days=1)
    alert = Alert(
        # Mail programs hide a second message of the same name, so two tests never share one.
        alert_id=f"test-{now:%Y%m%dT%H%M%S%f}",
        kind=AlertKind.FAILURE_RATE,
        severity=Severity.WARNING,
        policy_domain=TRIAL_DOMAIN,
        day=day,
        sessions=_SESSIONS,
        failed_sessions=_FAILED_SESSIONS,
        threshold=DEFAULT_THRESHOLDS.warning,
        last_exceeding_day=day,
        raised_at=now,
        cleared_at=None,
        changes=1,
    )
    cause = Cause(
        result_type="certificate-host-mismatch",
        receiving_mx_hostname=f"mail2.{TRIAL_DOMAIN}",
        failed_sessions=_FAILED_SESSIONS,
        organizations=(_ORGANIZATION,),
    )
    return Notification(
        change=AlertChange(event=AlertEvent.TEST, alert=alert, at=now),
        causes=(cause,),
        organizations=(_ORGANIZATION,),
    )
