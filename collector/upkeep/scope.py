"""Which days of archive and store are looked at."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Self

from collector.upkeep.retention import Ages, first_day_kept


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """From which day on files and rows are looked at, and from which each must be there."""

    since: date
    archived_from: date
    stored_from: date

    @classmethod
    def of(cls, ages: Ages, *, since: date | None, now: datetime) -> Self:
        """Tell the scope from what is asked for, and from what retention has removed."""
        return cls(
            since=since or date.min,
            archived_from=first_day_kept(ages.archive, now) or date.min,
            stored_from=first_day_kept(ages.reports, now) or date.min,
        )
