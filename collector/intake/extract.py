"""Finds the report files in a delivery (RFC 8460 §5.3, RFC 2045).

A report file is known by its content (gzip's magic number, a JSON object) or by
its media type. Everything else in a mail is passed over: RFC 8460 §5.3 expects
receivers to take the parts they know "and ignore the rest".
"""

import email
import email.header
import email.policy
from collections.abc import Iterator
from contextlib import contextmanager
from email.errors import MessageError
from email.message import Message

from collector.errors import Corrupt, InvalidReport, NotAReport, TooLarge
from collector.intake.delivery import Delivery, DeliveryKind
from collector.intake.quick import extract_quickly
from collector.intake.report_file import (
    MAX_ATTACHMENT_BYTES,
    MAX_HEADER_CHARACTERS,
    NO_MAIL,
    Extracted,
    MailFacts,
    ReportFile,
    looks_packed,
    may_be_a_report,
    one_line,
)

__all__ = [
    "MAX_ATTACHMENT_BYTES",
    "MAX_MIME_DEPTH",
    "MAX_MIME_PARTS",
    "NO_MAIL",
    "Extracted",
    "MailFacts",
    "ReportFile",
    "extract",
    "looks_packed",
]

# A report mail has two or three parts. The walk over 200,000 parts takes seconds.
MAX_MIME_PARTS = 1_000

# A forwarded forward has depth 6. Python's own parser gives up near 1,000, after half a second.
MAX_MIME_DEPTH = 50


def extract(delivery: Delivery) -> Extracted:
    """Find the report files in a delivery.

    Raises :class:`NotAReport` when there is none, :class:`InvalidReport` when the header
    promised one, :class:`TooLarge` beyond a limit.
    """
    if delivery.kind is not DeliveryKind.MAIL:
        file = ReportFile(content=delivery.content, media_type="")
        return Extracted(files=(file,), mail=NO_MAIL)
    return extract_quickly(delivery.content) or extract_thoroughly(delivery.content)


def extract_thoroughly(content: bytes) -> Extracted:
    """Find the report files in a mail of any shape, by the standard library's parser."""
    with _readable():
        message = email.message_from_bytes(content, policy=email.policy.compat32)
        files = tuple(_report_files(message))
    mail = _facts(message)
    if not files and mail.claims_a_report:
        raise InvalidReport("the mail's header announces a report, but none is attached")
    if not files:
        raise NotAReport("the mail holds no report")
    return Extracted(files=files, mail=mail)


@contextmanager
def _readable() -> Iterator[None]:
    """Translate what the standard library raises on mails that it cannot take.

    It means never to raise; yet a boundary in parts of which one has no number (RFC 2231 §3) is
    a TypeError, a character set with a NUL in its name a ValueError.
    """
    try:
        yield
    except RecursionError:
        raise TooLarge(f"MIME parts nested deeper than {MAX_MIME_DEPTH}") from None
    except (TypeError, ValueError, LookupError, MessageError) as error:
        raise Corrupt(f"the mail cannot be taken apart: {error}") from error


def _report_files(message: Message) -> Iterator[ReportFile]:
    for part in _leaves(message):
        media_type = part.get_content_type().lower()
        content = part.get_payload(decode=True)
        if not isinstance(content, bytes):
            continue
        if not may_be_a_report(content, media_type):
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
        if not part.is_multipart():
            yield part
            continue
        # Asked for the text of a leaf, get_payload would decode it, and fail where the charset is odd.
        children = part.get_payload()
        assert isinstance(children, list)
        stack.extend((child, depth + 1) for child in reversed(children) if isinstance(child, Message))


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
    return one_line(_text(str(value)[: MAX_HEADER_CHARACTERS * 4]))


def _text(raw: str) -> str:
    """Decode the encoded words of a header field (RFC 2047); what cannot be decoded stays as it is."""
    # Most have none, and to look for them costs more than all else here.
    if "=?" not in raw:
        return raw
    try:
        text = str(email.header.make_header(email.header.decode_header(raw)))
    except (ValueError, LookupError, MessageError):
        return raw
    return text.encode("utf-8", "replace").decode()
