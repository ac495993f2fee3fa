"""The rule of an alert: which share of failed sessions is too much."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import IntEnum
from fractions import Fraction

from collector.alerting.traffic import failure_rate
from collector.tlsrpt.names import upwards

# A report about an older day changes history, not alerts: Microsoft's may come 24 days late.
MAXIMUM_AGE = timedelta(days=7)


class Severity(IntEnum):
    """How bad it is; the higher outranks the lower."""

    WARNING = 1
    CRITICAL = 2

    @property
    def word(self) -> str:
        """The severity as users and scripts read it."""
        return self.name.lower()


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """From where on a domain's day is alerted.

    Shares are exact. Below ``minimum_sessions`` sessions, or ``minimum_failed_sessions``
    failed ones, a day says too little to be judged.
    """

    warning: Fraction
    critical: Fraction
    minimum_sessions: int
    minimum_failed_sessions: int

    def severity_of(self, failed_sessions: int, sessions: int) -> Severity | None:
        """Judge a day: **this decides whether an alert is raised.** A rate must exceed its threshold."""
        rate = failure_rate(failed_sessions, sessions)
        if rate is None or sessions < self.minimum_sessions:
            return None
        if failed_sessions < self.minimum_failed_sessions:
            return None
        if rate > self.critical:
            return Severity.CRITICAL
        return Severity.WARNING if rate > self.warning else None

    def of(self, severity: Severity) -> Fraction:
        """Return the threshold that a severity stands for."""
        return self.critical if severity is Severity.CRITICAL else self.warning


# Below 1 % is the noise of misconfigured senders, above 5 % something is broken.
DEFAULT_THRESHOLDS = Thresholds(
    warning=Fraction(1, 100),
    critical=Fraction(5, 100),
    minimum_sessions=10,
    minimum_failed_sessions=2,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The thresholds of every domain: its own, else the nearest domain's above it, else the general ones."""

    general: Thresholds = DEFAULT_THRESHOLDS
    by_domain: Mapping[str, Thresholds] = field(default_factory=dict)
    maximum_age: timedelta = MAXIMUM_AGE

    def thresholds_of(self, domain: str) -> Thresholds:
        """Return the thresholds that hold for a domain."""
        for name in upwards(domain):
            if name in self.by_domain:
                return self.by_domain[name]
        return self.general
