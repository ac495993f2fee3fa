"""Reports as files: one each, as received, beside the facts that only its delivery knew.

::

    <path>/reports/<policy domain>/YYYY/MM/DD/<name>.json.gz       and <name>.facts.json
    <path>/foreign/YYYY/MM/DD/<name>.json.gz                       and <name>.facts.json
    <path>/quarantine/YYYY/MM/DD/<kind>-<16 hex>.eml or .bin       and .reason.json
    <path>/.tmp-<16 hex>/                                          a batch that is being written

The day of a report is that of its period; the day of what could not be read is that of
its arrival (UTC). No name comes from a sender's file name.
"""

import gzip
import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date
from itertools import count
from pathlib import Path
from typing import Any

import structlog

from collector.archives.durable import FileBatch, Flush, flush, writing
from collector.archives.facts import facts_json, facts_of, json_bytes, with_evidence
from collector.archives.quota import Quota
from collector.archives.reading import kept_days, kept_on, read_content, read_facts, report_tops
from collector.archives.removing import removed_below
from collector.archives.troubles import translated
from collector.errors import Malformed
from collector.intake.delivery import Evidence
from collector.intake.extract import looks_packed
from collector.intake.unpack import unpack
from collector.ports import Facts, KeptReport, ReceivedReport, Unreadable
from collector.tlsrpt.filename import UNIQUE_DIGITS, UNKNOWN_DOMAIN, archive_domain, archive_name

# What strangers can make us keep. A report takes 4 KB twice: room for a hundred thousand and more.
MAX_FOREIGN_BYTES = 1024**3
MAX_QUARANTINE_BYTES = 1024**3

# Where content no longer fits its reason still does: a tenth of the quota is for reasons alone.
REASON_SHARE = 10

# What the body's names are made of; checked again here, where it matters.
_UNSAFE = re.compile(r"[^a-z0-9!._-]+")
_SAFE_DOMAIN = re.compile(r"[a-z0-9_][a-z0-9._-]*")

# RFC 5322 §2.2: a mail begins with the name of a header field.
_HEADER_FIELD = re.compile(rb"[A-Za-z][A-Za-z0-9-]*:")

_log = structlog.get_logger()


class FilesystemArchive:
    """An archive in a folder. Several threads and processes may use one folder at a time.

    All that is below the folder must be one file system: files are renamed into place from
    a temporary folder beside ``reports``.
    """

    def __init__(
        self,
        *,
        path: Path,
        foreign_bytes: int = MAX_FOREIGN_BYTES,
        quarantine_bytes: int = MAX_QUARANTINE_BYTES,
        flush: Flush = flush,
    ) -> None:
        """Keep the settings; the folder is made when the first report comes."""
        self._path = path
        self._foreign = Quota(path / "foreign", maximum_bytes=foreign_bytes)
        self._quarantine = Quota(path / "quarantine", maximum_bytes=quarantine_bytes)
        self._reason_bytes = quarantine_bytes // REASON_SHARE
        self._flush = flush
        # The order in which this process keeps reports, for those that were received at one moment.
        self._orders = count()

    def keep(self, reports: Sequence[ReceivedReport]) -> None:
        """Keep a batch; on return all of it is durable. To keep a report again changes nothing.

        Only where the later copy has the better evidence do the facts say so from then on. Foreign
        reports beyond their quota are not kept; the log says how many.
        """
        if not reports:
            return
        with translated(self._path), writing(self._path, self._flush) as batch:
            left_out = sum(not self._add_report(batch, received) for received in _at_their_best(reports))
        if left_out:
            _log.warning("foreign_reports_dropped", reports=left_out, reason="the quota is full")

    def put_aside(self, unreadable: Sequence[Unreadable]) -> None:
        """Put deliveries into the quarantine; on return all of them are durable.

        Beyond the quota only the reason is kept, and beyond that only the log tells of it:
        a mail is in the rejected folder all the same, and whoever posted was told.
        """
        if not unreadable:
            return
        with translated(self._path), writing(self._path, self._flush) as batch:
            for one in unreadable:
                self._add_unreadable(batch, one)

    def days(self) -> Sequence[date]:
        """Return the days that there are reports of, in order."""
        with translated(self._path):
            return kept_days(self._path)

    def kept_on(self, day: date) -> Sequence[KeptReport]:
        """Return the reports of one day, those of a folder by name."""
        with translated(self._path):
            return kept_on(self._path, day)

    def content(self, kept: KeptReport) -> bytes:
        """Return a report's bytes as they are kept; raises :class:`Corrupt` when they cannot be read."""
        return read_content(kept)

    def facts(self, kept: KeptReport) -> Facts | None:
        """Return what is kept beside a report; None when nothing is."""
        return read_facts(kept)

    def remove_reports(self, before: date) -> Iterator[int]:
        """Remove the reports of days before ``before``; yield how many files, after every few."""
        try:
            with translated(self._path):
                yield from removed_below(self._path, report_tops(self._path), before)
        finally:
            self._foreign.count_again()

    def remove_quarantine(self, before: date) -> Iterator[int]:
        """Remove what came before ``before`` and could not be read; yield how many files, after every few."""
        try:
            with translated(self._path):
                yield from removed_below(self._path, [self._path / "quarantine"], before)
        finally:
            self._quarantine.count_again()

    def _add_report(self, batch: FileBatch, received: ReceivedReport) -> bool:
        """Add a report unless it is there whole; tell whether there was room."""
        document = received.document
        content = document.received
        if not looks_packed(content):
            content = gzip.compress(content, mtime=0)
        name = _UNSAFE.sub("-", archive_name(received.body, received.content_hash)).lstrip(".")
        stem = f"{self._path}/{_folder_of(received)}/{name}"
        report, facts = Path(f"{stem}.json.gz"), Path(f"{stem}.facts.json")
        if batch.holds(report):
            return True
        if _is_kept(report, facts, content, received.content_hash):
            better = with_evidence(facts.read_bytes(), received.evidence)
            batch.trust(report, *([facts] if better is None else []))
            if better is not None:
                batch.add(facts, better)
            return True
        told = facts_json(received, order=next(self._orders))
        if received.foreign and not self._foreign.take(len(content), len(told)):
            return False
        # The facts first: where the report is, they are.
        batch.add(facts, told)
        batch.add(report, content)
        return True

    def _add_unreadable(self, batch: FileBatch, one: Unreadable) -> None:
        kind = re.sub(r"[^a-z0-9-]+", "-", one.kind.lower()).strip("-") or "unknown"
        digest = hashlib.sha256(one.reference.encode() if one.content is None else one.content).hexdigest()
        folder = self._path / "quarantine" / _day_folder(one.received_at.astimezone(UTC).date())
        stem = folder / f"{kind}-{digest[:UNIQUE_DIGITS]}"
        reason = Path(f"{stem}.reason.json")
        content = None if one.content is None else Path(f"{stem}.{_suffix(one.content)}")
        if batch.holds(reason):
            return
        whole = [reason] if content is None else [reason, content]
        if all(file.exists() for file in whole):
            batch.trust(*whole)
            return
        keeps_content = one.content is not None and self._quarantine.take(len(one.content))
        told = json_bytes(_reason(one, content_kept=keeps_content))
        if content is not None and one.content is not None and keeps_content:
            batch.add(content, one.content)
        if self._quarantine.take(len(told), beyond_bytes=self._reason_bytes):
            batch.add(reason, told)
        if not keeps_content and one.content is not None:
            _log.warning("quarantine_filled", reference=one.reference, kind=one.kind, folder=str(folder))


def _at_their_best(reports: Sequence[ReceivedReport]) -> Iterator[ReceivedReport]:
    """Yield the reports of a batch, each with the best evidence that any copy in the batch has."""
    best: dict[str, Evidence] = {}
    for received in reports:
        known = best.get(received.content_hash, received.evidence)
        best[received.content_hash] = max(known, received.evidence)
    for received in reports:
        evidence = best[received.content_hash]
        yield received if evidence is received.evidence else replace(received, evidence=evidence)


def _folder_of(received: ReceivedReport) -> str:
    day = _day_folder(received.body.period.day)
    if received.foreign:
        return f"foreign/{day}"
    domain = archive_domain(received.body)
    return f"reports/{domain if _SAFE_DOMAIN.fullmatch(domain) else UNKNOWN_DOMAIN}/{day}"


def _is_kept(report: Path, facts: Path, content: bytes, content_hash: str) -> bool:
    """Tell whether a report is there whole, with its facts; packed otherwise it is the same report."""
    try:
        kept = report.read_bytes()
        facts_of(facts.read_bytes())
    except (FileNotFoundError, Malformed):
        return False
    if kept == content:
        return True
    try:
        return unpack(kept).content_hash == content_hash
    except Malformed:
        return False


def _reason(one: Unreadable, *, content_kept: bool) -> dict[str, Any]:
    return {
        "source": one.source,
        "reference": one.reference,
        "received_at": one.received_at.astimezone(UTC).isoformat(),
        "kind": one.kind,
        "reason": one.reason,
        "size_bytes": None if one.content is None else len(one.content),
        "content_kept": content_kept,
    }


def _suffix(content: bytes) -> str:
    return "eml" if _HEADER_FIELD.match(content) or content.startswith(b"From ") else "bin"


def _day_folder(day: date) -> str:
    return f"{day.year:04}/{day.month:02}/{day.day:02}"
