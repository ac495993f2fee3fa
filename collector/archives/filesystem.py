"""Reports as files: one each, as received, beside the facts that only its delivery knew.

::

    <path>/reports/<policy domain>/YYYY/MM/DD/<name>.json.gz       and <name>.facts.json
    <path>/foreign/YYYY/MM/DD/<name>.json.gz                       and <name>.facts.json
    <path>/quarantine/YYYY/MM/DD/<kind>-<16 hex>.eml or .bin       and .reason.json
    <path>/.tmp-<16 hex>/                                          a batch that is being written

The day of a report is that of its period; the day of what could not be read is that of
its arrival (UTC). No name comes from a sender's file name.
"""

import errno
import gzip
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date
from pathlib import Path
from typing import Any

import structlog

from collector.archives.durable import FileBatch, Flush, flush, writing
from collector.archives.quota import Quota
from collector.errors import ArchiveUnavailable, Malformed
from collector.intake.extract import looks_packed
from collector.intake.unpack import unpack
from collector.ports import ReceivedReport, Unreadable
from collector.tlsrpt.filename import UNIQUE_DIGITS, UNKNOWN_DOMAIN, archive_domain, archive_name

# What strangers can make us keep. A report takes 4 KB twice: room for a hundred thousand and more.
MAX_FOREIGN_BYTES = 1024**3
MAX_QUARANTINE_BYTES = 1024**3

# Where content no longer fits its reason still does: a tenth of the quota is for reasons alone.
REASON_SHARE = 10

# The form of the facts; replaying tells by it what it may expect.
FACTS_VERSION = 1

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

    def keep(self, reports: Sequence[ReceivedReport]) -> None:
        """Keep a batch; on return all of it is durable. To keep a report again changes nothing.

        Foreign reports beyond their quota are not kept; the log says how many.
        """
        if not reports:
            return
        with _translated(self._path), writing(self._path, self._flush) as batch:
            left_out = sum(not self._add_report(batch, received) for received in reports)
        if left_out:
            _log.warning("foreign_reports_dropped", reports=left_out, reason="the quota is full")

    def put_aside(self, unreadable: Sequence[Unreadable]) -> None:
        """Put deliveries into the quarantine; on return all of them are durable.

        Beyond the quota only the reason is kept, and beyond that only the log tells of it:
        a mail is in the rejected folder all the same, and whoever posted was told.
        """
        if not unreadable:
            return
        with _translated(self._path), writing(self._path, self._flush) as batch:
            for one in unreadable:
                self._add_unreadable(batch, one)

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
            batch.trust(facts, report)
            return True
        told = _json_bytes(_facts(received))
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
        told = _json_bytes(_reason(one, content_kept=keeps_content))
        if content is not None and one.content is not None and keeps_content:
            batch.add(content, one.content)
        if self._quarantine.take(len(told), beyond_bytes=self._reason_bytes):
            batch.add(reason, told)
        if not keeps_content and one.content is not None:
            _log.warning("quarantine_filled", reference=one.reference, kind=one.kind, folder=str(folder))


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    """Turn what the file system refuses into ``ArchiveUnavailable``, with what to do."""
    try:
        yield
    except OSError as error:
        place = error.filename or path
        raise ArchiveUnavailable(
            f"archive {place}: {error.strerror or error}: {_advice(error.errno)}"
        ) from error


def _advice(number: int | None) -> str:
    match number:
        case errno.ENOSPC | errno.EDQUOT:
            return "make room there; the mails wait in the mailbox"
        case errno.EXDEV:
            return "have all of it on one file system"
        case errno.EROFS:
            return "mount it writable"
        case errno.EACCES | errno.EPERM:
            return "let this user write there"
    return "look after the disk; the mails wait in the mailbox"


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
        json.loads(facts.read_bytes())
    except (FileNotFoundError, ValueError):
        return False
    if kept == content:
        return True
    try:
        return unpack(kept).content_hash == content_hash
    except Malformed:
        return False


def _facts(received: ReceivedReport) -> dict[str, Any]:
    """Gather what the report's own bytes do not tell, so that replaying gives the same rows."""
    key, mail = received.key, received.mail
    from_mail = sorted(set(received.report.policy_domains) - set(received.body.policy_domains))
    return {
        "version": FACTS_VERSION,
        "source": received.source,
        "received_at": received.received_at.astimezone(UTC).isoformat(),
        "evidence": received.evidence.word,
        "foreign": received.foreign,
        "content_hash": received.content_hash,
        "mail": {
            "from_address": mail.from_address,
            "subject": mail.subject,
            "message_id": mail.message_id,
            "tls_report_domain": mail.tls_report_domain,
            "tls_report_submitter": mail.tls_report_submitter,
        },
        "inferred_policy_domain": from_mail[0] if from_mail else None,
        "key": {
            "organization": key.organization,
            "report_id": key.report_id,
            "start": key.start.isoformat(),
            "policy_domains": list(key.policy_domains),
        },
    }


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


def _json_bytes(document: dict[str, Any]) -> bytes:
    """Write JSON in ASCII, where a terminal that shows it runs nothing and any text has a form."""
    return json.dumps(document).encode("ascii") + b"\n"


def _suffix(content: bytes) -> str:
    return "eml" if _HEADER_FIELD.match(content) or content.startswith(b"From ") else "bin"


def _day_folder(day: date) -> str:
    return f"{day.year:04}/{day.month:02}/{day.day:02}"
