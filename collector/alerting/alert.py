"""Alerts as stored facts: what is open, and every change of it."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction

from collector.alerting.rule import Severity
from collector.alerting.traffic import Cause, failure_rate

# 64 bits of hash: enough for every alert that one store will ever hold.
_ID_DIGITS = 16


class AlertKind(StrEnum):
    """What an alert is about."""

    FAILURE_RATE = "failure-rate"


class AlertEvent(StrEnum):
    """What happened to an alert; the words of the webhook."""

    RAISED = "alert.raised"
    ESCALATED = "alert.escalated"
    CLEARED = "alert.cleared"
    TEST = "alert.test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert: the same ``alert_id`` from raised to cleared.

    ``day``, ``sessions``, ``failed_sessions`` and ``threshold`` are those of the day
    that the latest change speaks of. ``last_exceeding_day`` is the latest day known to exceed.
    ``changes`` counts what happened to it, the raising included.
    """

    alert_id: str
    kind: AlertKind
    severity: Severity
    policy_domain: str
    day: date
    sessions: int
    failed_sessions: int
    threshold: Fraction
    last_exceeding_day: date
    raised_at: datetime
    cleared_at: datetime | None
    changes: int

    @property
    def is_open(self) -> bool:
        """Tell whether the alert still stands."""
        return self.cleared_at is None

    @property
    def failure_rate(self) -> Fraction | None:
        """The share of sessions that failed on the alert's day."""
        return failure_rate(self.failed_sessions, self.sessions)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertChange:
    """One change of an alert, and the alert as it is after it."""

    event: AlertEvent
    alert: Alert
    at: datetime

    @property
    def message_id(self) -> str:
        """The name of the message about this change, the same in every retry."""
        return f"{self.alert.alert_id}.{self.alert.changes}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """A change to be told: with its causes, and the organizations that reported failures."""

    change: AlertChange
    causes: tuple[Cause, ...]
    organizations: tuple[str, ...]


def alert_id(kind: AlertKind, policy_domain: str, day: date) -> str:
    """Name an alert by what raised it, so that two evaluations raise the same one."""
    seed = f"{kind}\x1f{policy_domain}\x1f{day.isoformat()}"
    return hashlib.sha256(seed.encode()).hexdigest()[:_ID_DIGITS]
