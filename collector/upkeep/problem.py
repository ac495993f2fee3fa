"""What may be wrong with an archived report, found by reading it."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from collector.errors import Malformed
from collector.intake.unpack import Document, unpack
from collector.ports import Facts, KeptReport, KeptReports
from collector.tlsrpt.filename import UNIQUE_DIGITS


class ProblemKind(StrEnum):
    """What is wrong between archive and store."""

    MISSING = "missing"
    """The store has a report, and the archive has no file of it."""

    EXTRA = "extra"
    """The archive has a file, and the store has no report of it."""

    ALTERED = "altered"
    """A file no longer holds what was received."""

    UNREADABLE = "unreadable"
    """A file cannot be read or expanded, or what it holds is no report."""

    FACTS_MISSING = "facts-missing"
    """Beside a file there are no facts: it cannot be replayed."""

    FACTS_UNREADABLE = "facts-unreadable"
    """The facts beside a file cannot be read, or tell of another report."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong.

    ``path`` is None where a file is missing, ``content_hash`` where it is not known; of a file it
    is what the name holds of it.
    """

    problem: ProblemKind
    day: date
    path: str | None
    content_hash: str | None
    detail: str


def problem_of(kept: KeptReport, kind: ProblemKind, detail: str) -> Problem:
    """Tell what is wrong with a file."""
    return Problem(problem=kind, day=kept.day, path=kept.path, content_hash=kept.digits, detail=detail)


def facts_beside(kept: KeptReport, archive: KeptReports) -> Facts | Problem:
    """Read the facts beside a file."""
    try:
        facts = archive.facts(kept)
    except Malformed as error:
        return problem_of(kept, ProblemKind.FACTS_UNREADABLE, str(error))
    if facts is None:
        return problem_of(kept, ProblemKind.FACTS_MISSING, "no facts are kept beside it")
    if facts.content_hash[:UNIQUE_DIGITS] != kept.digits:
        return problem_of(kept, ProblemKind.FACTS_UNREADABLE, "the facts tell of another report")
    return facts


def document_in(kept: KeptReport, archive: KeptReports) -> Document | Problem:
    """Read and expand a file."""
    try:
        document = unpack(archive.content(kept))
    except Malformed as error:
        return problem_of(kept, ProblemKind.UNREADABLE, f"{error.kind}: {error}")
    if document.content_hash[:UNIQUE_DIGITS] != kept.digits:
        return problem_of(kept, ProblemKind.ALTERED, "it no longer holds what was received")
    return document
