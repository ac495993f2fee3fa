"""Adds archived reports to the store, as if they came as they did."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime

from collector.errors import Malformed
from collector.ports import Facts, KeptReport, KeptReports, Outcome, ReceivedReport, ReportStore
from collector.tlsrpt.identity import report_key
from collector.tlsrpt.parse import parse, with_mail_domain
from collector.upkeep.problem import Problem, ProblemKind, document_in, facts_beside, problem_of
from collector.upkeep.scope import Scope

# What is added in one transaction, as collecting does: bounded in number, and in memory.
REPORTS_AT_A_TIME = 500
BYTES_AT_A_TIME = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What replaying came to: how many reports had each outcome, and how many files were not read."""

    outcomes: Mapping[Outcome, int]
    problems: int


def replay(
    archive: KeptReports, store: ReportStore, *, scope: Scope, tell: Callable[[Problem], None]
) -> Replayed:
    """Add every archived report to the store, as if it came as it did; what is stored already stays.

    In the order in which they were received, for of two rivals the first counts. Each file
    that cannot be read is told, and the others are added.
    """
    outcomes: Counter[Outcome] = Counter()
    problems = 0
    batch: list[ReceivedReport] = []
    size_bytes = 0
    for one in _received_again(archive, max(scope.since, scope.stored_from)):
        if isinstance(one, Problem):
            problems += 1
            tell(one)
            continue
        batch.append(one)
        size_bytes += len(one.document.text)
        if len(batch) == REPORTS_AT_A_TIME or size_bytes >= BYTES_AT_A_TIME:
            outcomes.update(store.add(batch))
            batch, size_bytes = [], 0
    outcomes.update(store.add(batch))
    return Replayed(outcomes=outcomes, problems=problems)


def _received_again(archive: KeptReports, since: date) -> Iterator[ReceivedReport | Problem]:
    """Yield the reports day by day, those of a day as they were received: rivals are of one day."""
    for day in archive.days():
        if day < since:
            continue
        in_order: list[tuple[datetime, int, str, KeptReport, Facts]] = []
        for kept in archive.kept_on(day):
            facts = facts_beside(kept, archive)
            if isinstance(facts, Problem):
                yield facts
            else:
                in_order.append((facts.received_at, facts.order, kept.path, kept, facts))
        # No two paths are alike, so that nothing behind them is ever compared.
        for *_, kept, facts in sorted(in_order):
            yield _received(kept, facts, archive)


def _received(kept: KeptReport, facts: Facts, archive: KeptReports) -> ReceivedReport | Problem:
    """Read a report as it was read when it came; what the archive holds was known for a report."""
    document = document_in(kept, archive)
    if isinstance(document, Problem):
        return document
    try:
        body = parse(document.text, content_hash=document.content_hash, claimed=True)
    except Malformed as error:
        return problem_of(kept, ProblemKind.UNREADABLE, f"{error.kind}: {error}")
    return ReceivedReport(
        source=facts.source,
        received_at=facts.received_at,
        mail=facts.mail,
        document=document,
        content_hash=document.content_hash,
        body=body,
        report=with_mail_domain(body, facts.mail.tls_report_domain),
        key=report_key(body),
        evidence=facts.evidence,
        foreign=facts.foreign,
    )
