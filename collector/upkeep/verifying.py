"""Compares the archive with the store."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from collector.ports import KeptReport, KeptReports, StoredContent, StoredContents
from collector.tlsrpt.filename import UNIQUE_DIGITS
from collector.upkeep.problem import Problem, ProblemKind, document_in, facts_beside, problem_of
from collector.upkeep.scope import Scope


@dataclass(slots=True)
class Compared:
    """Counts what :func:`verify` has looked at so far."""

    files: int = 0
    reports: int = 0
    problems: int = 0


def verify(
    archive: KeptReports, store: StoredContents, *, scope: Scope, compared: Compared
) -> Iterator[Problem]:
    """Yield what is missing, extra or altered, day by day; a day's names are all that is held at once.

    A collector may work meanwhile: what reaches the archive reaches the store a moment later.
    """
    for day in sorted({*archive.days(), *store.days()}):
        if day >= scope.since:
            for problem in _compare(day, archive, store, scope, compared):
                compared.problems += 1
                yield problem


def _compare(
    day: date, archive: KeptReports, store: StoredContents, scope: Scope, compared: Compared
) -> Iterator[Problem]:
    # The store first: of what it holds now, the file has long been there.
    stored = _by_digits(store, day)
    kept_reports = archive.kept_on(day)
    compared.reports += len(stored)
    compared.files += len(kept_reports)
    if day >= scope.archived_from:
        present = {kept.digits for kept in kept_reports}
        yield from (_missing(day, one) for digits, one in stored.items() if digits not in present)
    for kept in kept_reports:
        if kept.digits is not None:
            found = (document_in(kept, archive), facts_beside(kept, archive))
            yield from (problem for problem in found if isinstance(problem, Problem))
    if day >= scope.stored_from:
        yield from _extra(day, [kept for kept in kept_reports if kept.digits not in stored], store)


def _by_digits(store: StoredContents, day: date) -> dict[str | None, StoredContent]:
    return {one.content_hash[:UNIQUE_DIGITS]: one for one in store.contents_on(day)}


def _missing(day: date, one: StoredContent) -> Problem:
    quota = "; of foreign reports none is kept beyond their quota" if one.foreign else ""
    return Problem(
        problem=ProblemKind.MISSING,
        day=day,
        path=None,
        content_hash=one.content_hash,
        detail=f"no file of {one.organization or 'no organization'}, report {one.report_id}{quota}",
    )


def _extra(day: date, unknown: Sequence[KeptReport], store: StoredContents) -> Iterator[Problem]:
    """Yield the files that the store still does not know when it is asked again."""
    stored = _by_digits(store, day) if unknown else {}
    for kept in unknown:
        if kept.digits is None:
            yield problem_of(kept, ProblemKind.EXTRA, "its name is none that the archive gives")
        elif kept.digits not in stored:
            yield problem_of(kept, ProblemKind.EXTRA, "the store has no report of it: replay adds it")
