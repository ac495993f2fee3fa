"""What the demo's mailbox holds: six days of reports about three domains, ending yesterday.

``example.com`` is healthy. The second MX of ``example.net`` shows the wrong certificate, to
more senders each day. The MTA-STS policy of ``example.org`` could not be fetched for two
days and is mended since. Beside the reports lie a broken one and a mail that is none.
"""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from email.message import EmailMessage
from typing import Any

from collector.demo.mails import Reporter, report_mail

MAILBOX = "tlsrpt@example.com"
DOMAINS = ("example.com", "example.net", "example.org")

GOOGLE = Reporter(
    organization_name="Google Inc.",
    domain="google.com",
    contact_info="smtp-tls-reporting@google.com",
    sender="noreply-smtp-tls-reporting@google.com",
)
MICROSOFT = Reporter(
    organization_name="Microsoft Corporation",
    domain="microsoft.com",
    contact_info="tlsrpt-noreply@microsoft.com",
    sender="tlsrpt-noreply@microsoft.com",
)
UNIVERSITY = Reporter(
    organization_name="Example University",
    domain="mail.example.edu",
    contact_info="postmaster@mail.example.edu",
    sender="tlsrpt@mail.example.edu",
)
REPORTERS = (GOOGLE, MICROSOFT, UNIVERSITY)

DAYS = 6

# How many of a thousand sessions fail, by domain and day, oldest first.
_FAILED_PER_MILLE = {
    "example.com": (0, 0, 1, 0, 0, 0),
    "example.net": (0, 4, 24, 60, 150, 300),
    "example.org": (0, 250, 180, 0, 0, 0),
}
_SESSIONS = {GOOGLE.domain: 1842, MICROSOFT.domain: 730, UNIVERSITY.domain: 58}
_RESULT_TYPES = {
    "example.com": ("validation-failure", "mx1.example.com"),
    "example.net": ("certificate-host-mismatch", "mx2.example.net"),
    "example.org": ("sts-policy-fetch-error", None),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleMail:
    """One mail of the demo, and the report day it belongs to (1 is the oldest)."""

    day: int
    content: bytes


def sample_mails(yesterday: date) -> Iterator[SampleMail]:
    """Yield the mails of six report days, the last of which is ``yesterday``."""
    first = yesterday - timedelta(days=DAYS - 1)
    for index in range(DAYS):
        day = first + timedelta(days=index)
        for domain in DOMAINS:
            for reporter in REPORTERS:
                yield SampleMail(day=index + 1, content=_mail(reporter, domain, day, index))
    yield SampleMail(day=2, content=_broken_mail(first))
    yield SampleMail(day=2, content=_other_mail())


def _mail(reporter: Reporter, domain: str, day: date, index: int) -> bytes:
    sent_at = datetime.combine(day + timedelta(days=1), time(hour=6), UTC)
    return report_mail(
        _report(reporter, domain, day, index),
        reporter=reporter,
        policy_domain=domain,
        to=MAILBOX,
        sent_at=sent_at,
    )


def _report(reporter: Reporter, domain: str, day: date, index: int) -> dict[str, Any]:
    sessions = _SESSIONS[reporter.domain] + 37 * index
    failed = sessions * _FAILED_PER_MILLE[domain][index] // 1000
    zone = "" if reporter is MICROSOFT else "Z"  # as Microsoft did in 2023 and 2024
    return {
        "organization-name": reporter.organization_name,
        "date-range": {
            "start-datetime": f"{day}T00:00:00{zone}",
            "end-datetime": f"{day}T23:59:59{zone}",
        },
        "contact-info": reporter.contact_info,
        "report-id": f"{day}T00:00:00Z_{domain}",
        "policies": _policies(reporter, domain, sessions, failed),
    }


def _policies(reporter: Reporter, domain: str, sessions: int, failed: int) -> list[dict[str, Any]]:
    """Build the entries; Microsoft tells the same sessions again under DANE."""
    sts = {"policy-type": "sts", "policy-string": _sts_policy(domain), "policy-domain": domain}
    if reporter is not MICROSOFT:
        sts["mx-host"] = [f"*.{domain}"]
    tlsa_records = json.dumps([f"3 1 1 {byte * 32}" for byte in ("A7", "5C")])
    tlsa = {"policy-type": "tlsa", "policy-string": [tlsa_records], "policy-domain": domain}
    entries = [(sts, failed)] if reporter is not MICROSOFT else [(sts, failed), (tlsa, 0)]
    return [_entry(policy, domain, sessions, count) for policy, count in entries]


def _entry(policy: dict[str, Any], domain: str, sessions: int, failed: int) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "policy": policy,
        "summary": {
            "total-successful-session-count": sessions - failed,
            "total-failure-session-count": failed,
        },
    }
    if failed:
        result_type, mx_host = _RESULT_TYPES[domain]
        row: dict[str, Any] = {"result-type": result_type, "failed-session-count": failed}
        if mx_host is not None:
            row |= {
                "sending-mta-ip": "198.51.100.62",
                "receiving-mx-hostname": mx_host,
                "receiving-ip": "203.0.113.58",
            }
        entry["failure-details"] = [row]
    return entry


def _sts_policy(domain: str) -> list[str]:
    return ["version: STSv1", "mode: enforce", f"mx: *.{domain}", "max_age: 604800"]


def _broken_mail(day: date) -> bytes:
    """Build a report whose attachment was cut off on its way."""
    whole = gzip.compress(json.dumps(_report(UNIVERSITY, "example.com", day, 0)).encode(), mtime=0)
    message = _plain_mail(UNIVERSITY.sender, "Report Domain: example.com Submitter: mail.example.edu")
    message.add_attachment(
        whole[: len(whole) // 2], maintype="application", subtype="tlsrpt+gzip", filename="report.json.gz"
    )
    return message.as_bytes()


def _other_mail() -> bytes:
    return _plain_mail("colleague@example.com", "Lunch on Thursday?").as_bytes()


def _plain_mail(sender: str, subject: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = sender
    message["To"] = MAILBOX
    message["Subject"] = subject
    message.set_content("Good morning\n")
    return message
