"""File names of archived reports, in the manner of RFC 8460 §5.1.

::

    filename = sender "!" policy-domain "!" begin-timestamp "!" end-timestamp [ "!" unique-id ] "." extension

Always built from the body, never from the sender's own file name.
"""

import re

from collector.tlsrpt.identity import contact_domain
from collector.tlsrpt.names import normalise_name
from collector.tlsrpt.report import Report

# Most file systems stop at 255 bytes; room is left for ".facts.json" and a temporary suffix.
MAX_NAME_BYTES = 200

# 64 bits of the content hash: enough for a folder that holds one day of one domain.
UNIQUE_DIGITS = 16

UNKNOWN_DOMAIN = "_unknown"

_UNSAFE = re.compile(r"[^a-z0-9._-]+")


def archive_domain(report: Report) -> str:
    """Name the folder of a report: its first policy domain by name."""
    return report.policy_domains[0] if report.policy_domains else UNKNOWN_DOMAIN


def archive_name(report: Report, content_hash: str) -> str:
    """Build the archive's name of a report, without an extension; at most 200 bytes of ASCII."""
    begin = int(report.period.start.timestamp())
    end = "" if report.period.end is None else str(int(report.period.end.timestamp()))
    tail = f"!{begin}!{end}!{content_hash[:UNIQUE_DIGITS]}"
    room = MAX_NAME_BYTES - len(tail) - 1
    sender = _sender(report)[: room // 3]
    domain = archive_domain(report)[: room - len(sender)]
    return f"{sender}!{domain}{tail}"


def _sender(report: Report) -> str:
    domain = contact_domain(report)
    name = None if domain is None else normalise_name(domain)
    if name is not None:
        return name
    safe = _UNSAFE.sub("-", (report.organization_name or "").lower()).strip("-.")
    return safe or "unknown"
