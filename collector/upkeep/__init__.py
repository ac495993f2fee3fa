"""What keeps archive and store in order over the years: tidy, verify, replay.

Retention goes by whole UTC days: reports and their files by the report's own day, which is that
of the start of its period; what could not be read by the day it came; alerts by when they were
cleared, and open ones stay. A report that is older than its retention and comes again, by mail
or by import, is kept and stored like any other, and the next :func:`tidy` removes it; it raises
no alert, for no retention is shorter than what alerts look back. ``verify`` and ``replay`` leave
alone what is beyond retention.
"""

from collector.upkeep.problem import Problem, ProblemKind
from collector.upkeep.replaying import Replayed, replay
from collector.upkeep.retention import Ages, Tidied, first_day_kept, tidy
from collector.upkeep.scope import Scope
from collector.upkeep.verifying import Compared, verify

__all__ = [
    "Ages",
    "Compared",
    "Problem",
    "ProblemKind",
    "Replayed",
    "Scope",
    "Tidied",
    "first_day_kept",
    "replay",
    "tidy",
    "verify",
]
