"""What only a report's delivery knew, as JSON beside the report, and back."""

import json
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec

from collector.errors import Corrupt
from collector.intake.delivery import Evidence
from collector.intake.extract import MailFacts
from collector.ports import Facts, ReceivedReport

# The form of the facts; replaying tells by it what it may expect.
FACTS_VERSION = 1

_EVIDENCE = {evidence.word: evidence for evidence in Evidence}


class _WireMail(msgspec.Struct):
    from_address: str | None
    subject: str | None
    message_id: str | None
    tls_report_domain: str | None
    tls_report_submitter: str | None


class _Wire(msgspec.Struct):
    version: Literal[1]
    source: str
    received_at: Annotated[datetime, msgspec.Meta(tz=True)]
    evidence: Literal["none", "signed", "verified"]
    foreign: bool
    content_hash: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    mail: _WireMail
    # Archives of the first days lack it.
    order: int = 0


def facts_json(received: ReceivedReport, *, order: int) -> bytes:
    """Gather what the report's own bytes do not tell, so that replaying gives the same rows."""
    key, mail = received.key, received.mail
    from_mail = sorted(set(received.report.policy_domains) - set(received.body.policy_domains))
    return json_bytes(
        {
            "version": FACTS_VERSION,
            "source": received.source,
            "received_at": received.received_at.astimezone(UTC).isoformat(),
            "order": order,
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
    )


def facts_of(told: bytes) -> Facts:
    """Read facts back; raises :class:`Corrupt` when they are none, or of a form that is not known."""
    try:
        # Read loosely: a text from a report may be none that UTF-8 has a form for.
        wire = msgspec.convert(json.loads(told), _Wire)
    except (ValueError, RecursionError) as error:
        raise Corrupt(f"facts: {error}") from error
    return Facts(
        source=wire.source,
        received_at=wire.received_at.astimezone(UTC),
        order=wire.order,
        mail=MailFacts(
            from_address=wire.mail.from_address,
            subject=wire.mail.subject,
            message_id=wire.mail.message_id,
            tls_report_domain=wire.mail.tls_report_domain,
            tls_report_submitter=wire.mail.tls_report_submitter,
        ),
        evidence=_EVIDENCE[wire.evidence],
        foreign=wire.foreign,
        content_hash=wire.content_hash,
    )


def with_evidence(told: bytes, evidence: Evidence) -> bytes | None:
    """Give facts the evidence of a better copy that came later; None when it is no better."""
    if facts_of(told).evidence >= evidence:
        return None
    return json_bytes(json.loads(told) | {"evidence": evidence.word})


def json_bytes(document: dict[str, Any]) -> bytes:
    """Write JSON in ASCII, where a terminal that shows it runs nothing and any text has a form."""
    return json.dumps(document).encode("ascii") + b"\n"
