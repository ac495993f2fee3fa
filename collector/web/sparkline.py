"""Draws a domain's failure rate day by day, as the figures of a small bar chart."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from collector.web.overview import DomainDay
from collector.web.text import count, percent

# In SVG units, which are CSS pixels. A bar and its gap fill one day's slot.
HEIGHT = 24
SLOT_WIDTH = 5
BAR_WIDTH = 4

# A day on which nothing failed is a line at the foot, so that it differs from a day without reports.
_FOOT_HEIGHT = 1

# The least bar of a day on which something failed, told apart from the foot.
_LEAST_BAR_HEIGHT = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One day of the chart; ``title`` is what it says when pointed at."""

    x: int
    y: float
    height: float
    failed: bool
    title: str


def bars(days: Sequence[DomainDay], *, since: date) -> tuple[Bar, ...]:
    """Draw one bar a day; its height is the root of the rate, so that 1% is seen beside 100%."""
    return tuple(_bar(day, since) for day in days)


def _bar(day: DomainDay, since: date) -> Bar:
    height = _height(day)
    failed = f"{count(day.failed_sessions)} of {count(day.sessions)}"
    return Bar(
        x=(day.day - since).days * SLOT_WIDTH,
        y=round(HEIGHT - height, 1),
        height=height,
        failed=day.failed_sessions > 0,
        title=f"{day.day}: {percent(day.failure_rate)}, {failed}",
    )


def _height(day: DomainDay) -> float:
    if not day.failed_sessions or day.failure_rate is None:
        return _FOOT_HEIGHT
    # A rate beyond 1 cannot be, but a store may hold what cannot be.
    root = math.sqrt(min(float(day.failure_rate), 1.0))
    return max(_LEAST_BAR_HEIGHT, round(HEIGHT * root, 1))
