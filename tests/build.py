"""Builds reports, mails and values for tests; each case differs from the default in one thing."""

import gzip
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from collector.demo.mails import Reporter, report_mail
from collector.intake.delivery import Delivery, DeliveryKind, Evidence
from collector.intake.extract import NO_MAIL
from collector.intake.unpack import unpack
from collector.ports import ReceivedReport
from collector.tlsrpt.identity import report_key
from collector.tlsrpt.parse import parse

NOW = datetime(2026, 5, 12, 6, 0, tzinfo=UTC)
DAY = datetime(2026, 5, 11, tzinfo=UTC)

GOOGLE = Reporter(
    organization_name="Google Inc.",
    domain="google.com",
    contact_info="smtp-tls-reporting@google.com",
    sender="noreply-smtp-tls-reporting@google.com",
)


def utc(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def failure_json(
    result_type: str = "certificate-expired",
    *,
    failed: int = 1,
    mx_host: str | None = "mx1.example.com",
    **members: Any,
) -> dict[str, Any]:
    """One row of failure-details; ``members`` overwrite or add by their JSON names."""
    row: dict[str, Any] = {
        "result-type": result_type,
        "sending-mta-ip": "198.51.100.7",
        "receiving-ip": "203.0.113.25",
        "failed-session-count": failed,
    }
    if mx_host is not None:
        row["receiving-mx-hostname"] = mx_host
    return row | members


def policy_json(
    domain: str | None = "example.com",
    policy_type: str = "sts",
    *,
    successful: int = 100,
    failed: int = 0,
    failures: list[dict[str, Any]] | None = None,
) -> dict[str, Any]:
    """One entry of policies; where sessions failed, one expired certificate explains them."""
    policy: dict[str, Any] = {"policy-type": policy_type}
    if domain is not None:
        policy["policy-domain"] = domain
    if policy_type == "sts":
        policy["policy-string"] = ["version: STSv1", "mode: enforce", f"mx: *.{domain}", "max_age: 604800"]
        policy["mx-host"] = [f"*.{domain}"]
    if policy_type == "tlsa":
        policy["policy-string"] = ["3 1 1 " + "AB" * 32]
    if failures is None:
        failures = [failure_json(failed=failed, mx_host=f"mx1.{domain}")] if failed else []
    return {
        "policy": policy,
        "summary": {
            "total-successful-session-count": successful,
            "total-failure-session-count": failed,
        },
        "failure-details": failures,
    }


def report_json(
    *policies: dict[str, Any], day: datetime = DAY, organization: str = "Google Inc.", **members: Any
) -> dict[str, Any]:
    """A report that follows RFC 8460; ``members`` overwrite the top level (underscores for hyphens)."""
    report: dict[str, Any] = {
        "organization-name": organization,
        "date-range": {
            "start-datetime": day.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "end-datetime": (day + timedelta(hours=24, seconds=-1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
        "contact-info": "smtp-tls-reporting@google.com",
        "report-id": f"{day:%Y-%m-%d}_example.com",
        "policies": list(policies) or [policy_json()],
    }
    return report | {name.replace("_", "-"): value for name, value in members.items()}


def packed(report: dict[str, Any]) -> bytes:
    return gzip.compress(json.dumps(report).encode(), mtime=0)


def mail(report: dict[str, Any], *, domain: str = "example.com", sent_at: datetime = NOW) -> bytes:
    return report_mail(
        report, reporter=GOOGLE, policy_domain=domain, to="tlsrpt@example.com", sent_at=sent_at
    )


def delivery(
    content: bytes, *, reference: str = "1", kind: DeliveryKind = DeliveryKind.MAIL, source: str = "main"
) -> Delivery:
    return Delivery(source=source, reference=reference, kind=kind, content=content, received_at=NOW)


def received(
    report: dict[str, Any] | None = None,
    *,
    received_at: datetime = NOW,
    foreign: bool = False,
    evidence: Evidence = Evidence.NONE,
) -> ReceivedReport:
    """A report as it reaches archive and store."""
    content = packed(report or report_json())
    document = unpack(content)
    body = parse(document.text, content_hash=document.content_hash)
    return ReceivedReport(
        source="main",
        received_at=received_at,
        mail=NO_MAIL,
        document=document,
        content_hash=document.content_hash,
        body=body,
        report=body,
        key=report_key(body),
        evidence=evidence,
        foreign=foreign,
    )


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
