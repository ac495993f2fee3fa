"""Alerts and notifications as columns and JSON hold them, and back."""

import json
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from collector.alerting.alert import Alert, AlertChange, AlertEvent, AlertKind, Notification
from collector.alerting.rule import Severity
from collector.alerting.traffic import Cause
from collector.stores.columns import day_of, number_of, seconds_of, time_of


def alert_row(alert: Alert) -> dict[str, Any]:
    """Return an alert as its table holds it."""
    return {
        "alert_id": alert.alert_id,
        "kind": alert.kind.value,
        "severity": int(alert.severity),
        "policy_domain": alert.policy_domain,
        "day": number_of(alert.day),
        "sessions": str(alert.sessions),
        "failed_sessions": str(alert.failed_sessions),
        "threshold": str(alert.threshold),
        "last_exceeding_day": number_of(alert.last_exceeding_day),
        "raised_at": seconds_of(alert.raised_at),
        "cleared_at": None if alert.cleared_at is None else seconds_of(alert.cleared_at),
        "changes": alert.changes,
    }


def alert_of(row: Mapping[str, Any]) -> Alert:
    """Return the alert that a row holds."""
    return Alert(
        alert_id=row["alert_id"],
        kind=AlertKind(row["kind"]),
        severity=Severity(row["severity"]),
        policy_domain=row["policy_domain"],
        day=day_of(row["day"]),
        sessions=int(row["sessions"]),
        failed_sessions=int(row["failed_sessions"]),
        threshold=Fraction(row["threshold"]),
        last_exceeding_day=day_of(row["last_exceeding_day"]),
        raised_at=time_of(row["raised_at"]),
        cleared_at=None if row["cleared_at"] is None else time_of(row["cleared_at"]),
        changes=row["changes"],
    )


def notification_text(notification: Notification) -> str:
    """Return a notification as JSON in ASCII, whatever text is in it; the alert as it was then."""
    change = notification.change
    return json.dumps(
        {
            "event": change.event.value,
            "at": seconds_of(change.at),
            "alert": alert_row(change.alert),
            "causes": [
                {
                    "result_type": cause.result_type,
                    "receiving_mx_hostname": cause.receiving_mx_hostname,
                    "failed_sessions": cause.failed_sessions,
                    "organizations": cause.organizations,
                }
                for cause in notification.causes
            ],
            "organizations": notification.organizations,
        }
    )


def notification_of(text: str) -> Notification:
    """Return the notification that a JSON text holds."""
    held = json.loads(text)
    change = AlertChange(
        event=AlertEvent(held["event"]), alert=alert_of(held["alert"]), at=time_of(held["at"])
    )
    causes = tuple(
        Cause(**{**cause, "organizations": tuple(cause["organizations"])}) for cause in held["causes"]
    )
    return Notification(change=change, causes=causes, organizations=tuple(held["organizations"]))
