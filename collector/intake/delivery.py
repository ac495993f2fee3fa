"""What comes in from a source, and what becomes of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, StrEnum

from collector.errors import Malformed


class DeliveryKind(StrEnum):
    """How a delivery reached us."""

    MAIL = "mail"
    FILE = "file"
    POST = "post"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One mail, file or POST, as it came.

    ``reference`` is the source's own name for it, stable over restarts
    (for IMAP: folder, UIDVALIDITY and UID), and means nothing to anyone else.
    """

    source: str
    reference: str
    kind: DeliveryKind
    content: bytes
    received_at: datetime

    def __post_init__(self) -> None:
        """Refuse a time without a zone."""
        _require_zone(self.received_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """A delivery that its source did not bring in, and why (too large to download)."""

    source: str
    reference: str
    received_at: datetime
    size_bytes: int
    reason: Malformed

    def __post_init__(self) -> None:
        """Refuse a time without a zone."""
        _require_zone(self.received_at)


class Fate(StrEnum):
    """What became of a delivery; the source settles it accordingly."""

    PROCESSED = "processed"
    """Everything in it is archived and stored, or was already known."""

    NOT_A_REPORT = "not-a-report"
    """Something else, whole: another mail in the same mailbox."""

    REJECTED = "rejected"
    """Something in it could not be read; the quarantine holds it."""

    KEPT = "kept"
    """Stays where it is, to be tried again in the next round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """The order to a source: this delivery met this fate."""

    reference: str
    fate: Fate


class Evidence(IntEnum):
    """How sure it is who sent a report; the higher outranks the lower."""

    NONE = 0
    """Nothing was verified."""

    SIGNED = 1
    """A DKIM signature passes (RFC 8460 §3)."""

    VERIFIED = 2
    """A DKIM signature passes, by the organization that contact-info names."""

    @property
    def word(self) -> str:
        """The evidence as users and scripts read it."""
        return self.name.lower()


def _require_zone(time: datetime) -> None:
    if time.tzinfo is None:
        message = "a time needs a zone"
        raise ValueError(message)
