"""Finds the report files in a delivery (RFC 8460 §5.3, RFC 2045).

A report file is known by its content (gzip's magic number, a JSON object) or by
its media type. Everything else in a mail is passed over: RFC 8460 §5.3 expects
receivers to take the parts they know "and ignore the rest".
"""

import email
import email.header
import email.policy
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message

from collector.errors import InvalidReport, NotAReport, TooLarge
from collector.intake.delivery import Delivery, DeliveryKind

# One attachment, decoded. mox takes mails of 15 MB; RFC 8460 §5.2 knows receivers that stop at ten.
MAX_ATTACHMENT_BYTES = 15 * 1024 * 1024

# A report mail has two or three parts. The walk over 200,000 parts takes seconds.
MAX_MIME_PARTS = 1_000

# A forwarded forward has depth 6. Python's own parser gives up near 1,000, after half a second.
MAX_MIME_DEPTH = 50

# A header is shown and archived as a fact, never interpreted; RFC 5322 §2.1.1 stops a line at 998.
MAX_HEADER_CHARACTERS = 998

GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportFile:
    """What may be a report: its bytes as received and the labels it came with.

    ``media_type`` is lower case, without parameters, empty when there was none.
    """

    content: bytes
    media_type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MailFacts:
    """What only the mail knows, kept beside the report (RFC 8460 §5.3); all of it unverified."""

    from_address: str | None
    subject: str | None
    message_id: str | None
    tls_report_domain: str | None
    tls_report_submitter: str | None

    @property
    def claims_a_report(self) -> bool:
        """Tell whether a header field says that this is a report mail."""
        return self.tls_report_domain is not None or self.tls_report_submitter is not None


NO_MAIL = MailFacts(
    from_address=None,
    subject=None,
    message_id=None,
    tls_report_domain=None,
    tls_report_submitter=None,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extracted:
    """The report files of one delivery, in their order, and the mail's facts."""

    files: tuple[ReportFile, ...]
    mail: MailFacts


def extract(delivery: Delivery) -> Extracted:
    """Find the report files in a delivery.

    Raises :class:`NotAReport` when there is none, :class:`InvalidReport` when the header
    promised one, :class:`TooLarge` beyond a limit.
    """
    if delivery.kind is not DeliveryKind.MAIL:
        file = ReportFile(content=delivery.content, media_type="")
        return Extracted(files=(file,), mail=NO_MAIL)
    try:
        message = email.message_from_bytes(delivery.content, policy=email.policy.compat32)
        files = tuple(_report_files(message))
    except RecursionError:
        raise TooLarge(f"MIME parts nested deeper than {MAX_MIME_DEPTH}") from None
    mail = _facts(message)
    if not files and mail.claims_a_report:
        raise InvalidReport("the mail's header announces a report, but none is attached")
    if not files:
        raise NotAReport("the mail holds no report")
    return Extracted(files=files, mail=mail)


def looks_packed(content: bytes) -> bool:
    """Tell whether bytes begin like gzip (RFC 1952 §2.3.1)."""
    return content.startswith(GZIP_MAGIC)


def _report_files(message: Message) -> Iterator[ReportFile]:
    for part in _leaves(message):
        media_type = part.get_content_type().lower()
        content = part.get_payload(decode=True)
        if not isinstance(content, bytes):
            continue
        if not (_looks_like_a_report(content) or media_type.startswith("application/tlsrpt")):
            continue
        if len(content) > MAX_ATTACHMENT_BYTES:
            raise TooLarge(f"attachment of {len(content)} bytes, the limit is {MAX_ATTACHMENT_BYTES}")
        yield ReportFile(content=content, media_type=media_type)


def _leaves(message: Message) -> Iterator[Message]:
    """Yield the parts that hold content, depth first, within the limits."""
    stack: list[tuple[Message, int]] = [(message, 1)]
    seen = 0
    while stack:
        part, depth = stack.pop()
        seen += 1
        if depth > MAX_MIME_DEPTH:
            raise TooLarge(f"MIME parts nested deeper than {MAX_MIME_DEPTH}")
        if seen > MAX_MIME_PARTS:
            raise TooLarge(f"more than {MAX_MIME_PARTS} MIME parts")
        payload = part.get_payload()
        if isinstance(payload, list):
            stack.extend((c, depth + 1) for c in reversed(payload) if isinstance(c, Message))
        else:
            yield part


def _looks_like_a_report(content: bytes) -> bool:
    return looks_packed(content) or content.lstrip()[:1] == b"{"


def _facts(message: Message) -> MailFacts:
    return MailFacts(
        from_address=_header(message, "From"),
        subject=_header(message, "Subject"),
        message_id=_header(message, "Message-ID"),
        tls_report_domain=_header(message, "TLS-Report-Domain"),
        tls_report_submitter=_header(message, "TLS-Report-Submitter"),
    )


def _header(message: Message, name: str) -> str | None:
    """Read a header field as one line of text, bounded; None when absent or empty."""
    value = message.get(name)
    if value is None:
        return None
    raw = str(value)[: MAX_HEADER_CHARACTERS * 4]
    try:
        text = str(email.header.make_header(email.header.decode_header(raw)))
    except (ValueError, LookupError):
        text = raw
    line = " ".join(text.encode("utf-8", "replace").decode().split())
    return line[:MAX_HEADER_CHARACTERS] or None
