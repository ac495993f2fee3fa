"""What is found in a delivery: report files, and what the mail round them says (RFC 8460 §5.3)."""

from dataclasses import dataclass

# One attachment, decoded. mox takes mails of 15 MB; RFC 8460 §5.2 knows receivers that stop at ten.
MAX_ATTACHMENT_BYTES = 15 * 1024 * 1024

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


def looks_packed(content: bytes) -> bool:
    """Tell whether bytes begin like gzip (RFC 1952 §2.3.1)."""
    return content.startswith(GZIP_MAGIC)


def may_be_a_report(content: bytes, media_type: str) -> bool:
    """Tell whether a part is worth reading: packed, a JSON object, or labelled as a report."""
    return (
        looks_packed(content) or content.lstrip()[:1] == b"{" or media_type.startswith("application/tlsrpt")
    )


def one_line(text: str) -> str | None:
    """Make a header field one line of bounded length; None when nothing is left."""
    return " ".join(text.split())[:MAX_HEADER_CHARACTERS] or None
