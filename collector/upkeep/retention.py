"""Removes what has been kept long enough, from store and archive."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TypeVar

from collector.ports import FileRetention, ReportRetention

_When = TypeVar("_When", date, datetime)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ages:
    """How long each thing is kept; None keeps it for ever."""

    reports: timedelta | None
    archive: timedelta | None
    quarantine: timedelta | None
    alerts: timedelta | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tidied:
    """What was removed: reports and alerts from the store, files from the archive."""

    reports: int
    alerts: int
    archive_files: int
    quarantine_files: int


def tidy(
    store: ReportRetention,
    archive: FileRetention,
    *,
    ages: Ages,
    now: datetime,
    keep_going: Callable[[], bool],
) -> Tidied:
    """Remove what is older than its age, a little at a time.

    ``keep_going`` is asked between the steps. Whatever ends it on the way, the next call goes on.
    """
    reports = _in_batches(store.remove_reports, first_day_kept(ages.reports, now))
    alerts = _in_batches(store.remove_alerts, None if ages.alerts is None else now - ages.alerts)
    archive_files = _in_folders(archive.remove_reports, first_day_kept(ages.archive, now))
    quarantine_files = _in_folders(archive.remove_quarantine, first_day_kept(ages.quarantine, now))
    return Tidied(
        reports=_total(reports, keep_going),
        alerts=_total(alerts, keep_going),
        archive_files=_total(archive_files, keep_going),
        quarantine_files=_total(quarantine_files, keep_going),
    )


def first_day_kept(age: timedelta | None, now: datetime) -> date | None:
    """Tell the oldest day that is not beyond an age; None when all days are kept."""
    return None if age is None else (now - age).astimezone(UTC).date()


def _in_batches(remove: Callable[[_When], int], before: _When | None) -> Iterator[int]:
    while before is not None and (removed := remove(before)):
        yield removed


def _in_folders(remove: Callable[[date], Iterator[int]], before: date | None) -> Iterator[int]:
    return iter(()) if before is None else remove(before)


def _total(steps: Iterator[int], keep_going: Callable[[], bool]) -> int:
    total = 0
    while keep_going() and (removed := next(steps, None)) is not None:
        total += removed
    return total
