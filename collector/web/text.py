"""Turns values into text that is safe and plain to read on a page."""

from datetime import datetime
from fractions import Fraction

from collector.alerting.alert import Alert
from collector.alerting.percent import plain_rate_text, rate_text
from collector.alerting.wording import printable
from collector.tlsrpt.names import MAX_NAME_CHARACTERS

# Any error text of ours is shorter; what a foreign server adds to it is cut here.
MAX_ERROR_CHARACTERS = 1_000


def shown(text: str, limit: int = MAX_NAME_CHARACTERS) -> str:
    """Return text from outside as one printable line, and say so where nothing of it is left."""
    return printable(text, limit) or "(not printable)"


def count(number: int) -> str:
    """Write a count with its thousands apart: ``1,845``."""
    return f"{number:,}"


def percent(rate: Fraction | None) -> str:
    """Write a failure rate; some failures never look like none, nor nearly all like all."""
    return "no sessions" if rate is None else plain_rate_text(rate)


def alert_percent(alert: Alert) -> str:
    """Write an alert's failure rate so that it shows on which side of the threshold it is."""
    rate = alert.failure_rate
    return percent(rate) if rate is None else rate_text(rate, alert.threshold)


def moment(time: datetime) -> str:
    """Write a time to the minute, with its zone."""
    return f"{time:%Y-%m-%d %H:%M} UTC"
