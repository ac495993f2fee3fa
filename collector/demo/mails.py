"""Builds report mails of the shape that senders give them (RFC 8460 §5.3)."""

import gzip
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Reporter:
    """An organization that sends reports, as it shows itself."""

    organization_name: str
    domain: str
    contact_info: str
    sender: str


def report_mail(
    report: Mapping[str, Any],
    *,
    reporter: Reporter,
    policy_domain: str,
    to: str,
    sent_at: datetime,
) -> bytes:
    """Build the mail around one report: multipart/report, a human-readable part, the gzipped JSON."""
    message = EmailMessage()
    message["From"] = reporter.sender
    message["To"] = to
    message["Subject"] = (
        f"Report Domain: {policy_domain} Submitter: {reporter.domain} Report-ID: <{report['report-id']}>"
    )
    message["Date"] = format_datetime(sent_at)
    message["Message-ID"] = f"<{report['report-id']}.{policy_domain}@{reporter.domain}>"
    message["TLS-Report-Domain"] = policy_domain
    message["TLS-Report-Submitter"] = reporter.domain
    message.set_content(f"This is an aggregate TLS report from {reporter.domain}.\n")
    message.add_attachment(
        gzip.compress(json.dumps(report).encode(), mtime=0),
        maintype="application",
        subtype="tlsrpt+gzip",
        filename=f"{reporter.domain}!{policy_domain}!{report['report-id']}.json.gz",
    )
    message.replace_header("Content-Type", 'multipart/report; report-type="tlsrpt"')
    message.set_boundary("=report=")
    return message.as_bytes()
