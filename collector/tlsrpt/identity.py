"""What makes two reports one: the key, from the body alone."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from collector.tlsrpt.names import upwards
from collector.tlsrpt.report import Report

# Separates the parts of a key before hashing; no part can contain it twice over, lengths are kept.
_SEPARATOR = "\x1f"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportKey:
    """Who reports, under which id, from when, about which domains.

    A report-id alone is not unique (RFC 8460 §4.4 leaves its form to the sender), and
    one sender may make several reports a day and domain.
    """

    organization: str
    report_id: str
    start: datetime
    policy_domains: tuple[str, ...]

    @property
    def digest(self) -> str:
        """The key as one hexadecimal word, to be found by."""
        parts = (
            self.organization,
            self.report_id,
            self.start.isoformat(),
            *self.policy_domains,
        )
        framed = _SEPARATOR.join(f"{len(part)}:{part}" for part in parts)
        return hashlib.sha256(framed.encode("utf-8", "surrogatepass")).hexdigest()


def report_key(report: Report) -> ReportKey:
    """Tell the key of a report, as its body gives it."""
    return ReportKey(
        organization=organization_of(report).casefold(),
        report_id=report.report_id,
        start=report.period.start,
        policy_domains=report.policy_domains,
    )


def organization_of(report: Report) -> str:
    """Name who reports: the organization, else the domain of its contact, else nothing."""
    return report.organization_name or contact_domain(report) or ""


def contact_domain(report: Report) -> str | None:
    """Return the domain of contact-info, which §5.3 also wants as the submitter."""
    if report.contact_info is None:
        return None
    _, _, domain = report.contact_info.rpartition("@")
    return domain.strip().lower() or None


def concerns(report: Report, watched: frozenset[str]) -> bool:
    """Tell whether a report is about a watched domain or a name below one.

    With nothing watched every report concerns us; so does one that names no domain at all.
    """
    domains = report.policy_domains
    return not watched or not domains or any(above in watched for name in domains for above in upwards(name))
