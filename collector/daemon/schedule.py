"""Rings doorbells at intervals: APScheduler's only home."""

from collections.abc import Callable
from datetime import timedelta

from apscheduler.schedulers.background import BackgroundScheduler

# Many mailboxes on one server are not asked all at the same second.
_JITTER_SHARE = 0.1


class Schedule:
    """Calls functions at intervals from one background thread. They must return at once."""

    def __init__(self) -> None:
        """Prepare the schedule, in memory: the configuration is its only source."""
        self._scheduler = BackgroundScheduler(
            timezone="UTC",
            # A late ring is still a ring, and ten late ones are one.
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )

    def every(self, interval: timedelta, ring: Callable[[], None], *, name: str) -> None:
        """Call ``ring`` each ``interval``, give or take a tenth."""
        seconds = interval.total_seconds()
        self._scheduler.add_job(
            ring, "interval", id=name, seconds=seconds, jitter=int(seconds * _JITTER_SHARE) or None
        )

    def start(self) -> None:
        """Start ringing."""
        self._scheduler.start()

    def stop(self) -> None:
        """Stop ringing."""
        self._scheduler.shutdown(wait=False)
