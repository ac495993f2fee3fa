"""The report as a value (RFC 8460 §4.4), complete and normalised from birth."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from ipaddress import IPv4Address, IPv6Address

from collector.tlsrpt.deviations import Deviation

STS = "sts"
TLSA = "tlsa"
NO_POLICY_FOUND = "no-policy-found"

REGISTERED_POLICY_TYPES = frozenset({STS, TLSA, NO_POLICY_FOUND})


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """The time that a report covers, in UTC; the end is None when it could not be read."""

    start: datetime
    end: datetime | None

    def __post_init__(self) -> None:
        """Refuse times that are not in UTC."""
        for time in (self.start, self.end):
            if time is not None and time.tzinfo is not UTC:
                message = "a period is in UTC"
                raise ValueError(message)

    @property
    def day(self) -> date:
        """The report's day: the UTC day of its start."""
        return self.start.date()


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One row of failure-details: sessions that failed alike (RFC 8460 §4.4)."""

    result_type: str | None
    sending_mta_ip: IPv4Address | IPv6Address | None
    receiving_mx_hostname: str | None
    receiving_mx_helo: str | None
    receiving_ip: IPv4Address | IPv6Address | None
    failed_sessions: int
    additional_information: str | None
    failure_reason_code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One entry of policies: what was found for a domain, and how sessions fared under it.

    ``policy_type`` is as sent, except that a registered type is in lower case.
    """

    policy_type: str | None
    policy_domain: str | None
    policy_strings: tuple[str, ...]
    mx_hosts: tuple[str, ...]
    successful_sessions: int
    failed_sessions: int
    failures: tuple[Failure, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One SMTP TLS report; ``deviations`` tells what had to be read otherwise than written."""

    organization_name: str | None
    report_id: str
    contact_info: str | None
    period: Period
    policies: tuple[Policy, ...]
    deviations: tuple[Deviation, ...]

    @property
    def policy_domains(self) -> tuple[str, ...]:
        """The policy domains by name, each once."""
        return tuple(sorted({p.policy_domain for p in self.policies if p.policy_domain}))

    @property
    def policy_types(self) -> tuple[str, ...]:
        """The policy types in the order of their first entry, each once."""
        return tuple(dict.fromkeys(p.policy_type for p in self.policies if p.policy_type))
