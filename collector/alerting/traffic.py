"""The counting rule: how many sessions a report tells of, and how many of them failed.

Entries of ``sts`` and ``tlsa`` for one domain describe largely the same sessions
(Microsoft sends both), ``no-policy-found`` entries describe others, and several
entries of one type are different policies. So, per report and policy domain::

    failed   = failed(no-policy-found)   + max(failed(sts),   failed(tlsa))
    sessions = sessions(no-policy-found) + max(sessions(sts), sessions(tlsa))
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from collector.tlsrpt.names import belongs_to, matches_pattern
from collector.tlsrpt.report import STS, TLSA, Policy, Report


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainTraffic:
    """What one report tells of one policy domain, by the counting rule.

    ``served_domain`` is set where the policy domain is an MX host (RFC 8460 §1.1) and
    the same report also covers a domain that this host serves: its sessions are told
    again there, so a total leaves this row out.
    """

    policy_domain: str | None
    sessions: int
    failed_sessions: int
    served_domain: str | None = None

    @property
    def judged_domain(self) -> str | None:
        """The domain in whose alert this traffic is judged."""
        return self.served_domain or self.policy_domain


@dataclass(frozen=True, slots=True, kw_only=True)
class DayTraffic:
    """What one organization reported of one policy domain on one UTC day.

    ``policy_domain`` is the name as reported, ``judged_domain`` the domain it is judged within.
    """

    judged_domain: str
    policy_domain: str
    day: date
    organization: str
    sessions: int
    failed_sessions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedSessions:
    """Failure details of one report, added up by policy type, result type and MX host."""

    report: int
    organization: str
    policy_type: str | None
    result_type: str | None
    receiving_mx_hostname: str | None
    failed_sessions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One reason why sessions failed: a result type on an MX host, both None where not told."""

    result_type: str | None
    receiving_mx_hostname: str | None
    failed_sessions: int
    organizations: tuple[str, ...]


def failure_rate(failed_sessions: int, sessions: int) -> Fraction | None:
    """Return the share of sessions that failed, exactly; 0/0 has none."""
    return Fraction(failed_sessions, sessions) if sessions else None


def domain_traffic(report: Report) -> tuple[DomainTraffic, ...]:
    """Count a report's sessions per policy domain, sorted by domain, the nameless last."""
    by_domain: dict[str | None, list[Policy]] = defaultdict(list)
    for policy in report.policies:
        by_domain[policy.policy_domain].append(policy)
    names = sorted(by_domain, key=lambda name: (name is None, name))
    return tuple(
        DomainTraffic(
            policy_domain=name,
            sessions=_count(
                (p.policy_type, p.successful_sessions + p.failed_sessions) for p in by_domain[name]
            ),
            failed_sessions=_count((p.policy_type, p.failed_sessions) for p in by_domain[name]),
            served_domain=_served_domain(name, by_domain),
        )
        for name in names
    )


def total(traffic: Iterable[DomainTraffic]) -> tuple[int, int]:
    """Add up sessions and failed sessions over domains, each session once."""
    counted = [row for row in traffic if row.served_domain is None]
    return sum(row.sessions for row in counted), sum(row.failed_sessions for row in counted)


def causes(rows: Sequence[FailedSessions]) -> tuple[Cause, ...]:
    """Add up failure details into causes, the largest first; per report the greater of sts and tlsa."""
    per_report: dict[tuple[int, str | None, str | None], list[FailedSessions]] = defaultdict(list)
    for row in rows:
        per_report[row.report, row.result_type, row.receiving_mx_hostname].append(row)
    failed: dict[tuple[str | None, str | None], int] = defaultdict(int)
    organizations: dict[tuple[str | None, str | None], set[str]] = defaultdict(set)
    for (_, result_type, host), alike in per_report.items():
        failed[result_type, host] += _count((row.policy_type, row.failed_sessions) for row in alike)
        organizations[result_type, host].update(row.organization for row in alike)
    found = (
        Cause(
            result_type=result_type,
            receiving_mx_hostname=host,
            failed_sessions=count,
            organizations=tuple(sorted(organizations[result_type, host])),
        )
        for (result_type, host), count in failed.items()
    )
    return tuple(sorted(found, key=_largest_first))


def _count(counts: Iterable[tuple[str | None, int]]) -> int:
    """Add up counts by policy type: other types, and the greater of sts and tlsa."""
    by_type: dict[str | None, int] = defaultdict(int)
    for policy_type, count in counts:
        by_type[policy_type] += count
    same_sessions = max(by_type.pop(STS, 0), by_type.pop(TLSA, 0))
    return same_sessions + sum(by_type.values())


def _served_domain(name: str | None, by_domain: dict[str | None, list[Policy]]) -> str | None:
    """Tell which domain of the same report an MX host serves; None for a domain of its own."""
    if name is None or any(p.policy_type != TLSA for p in by_domain[name]):
        return None
    for domain in sorted(other for other in by_domain if other is not None and other != name):
        if _serves(name, domain, by_domain[domain]):
            return domain
    return None


def _serves(host: str, domain: str, policies: list[Policy]) -> bool:
    if all(p.policy_type == TLSA for p in policies):
        return any(_is_named(host, p) for p in policies)
    return belongs_to(host, domain) or any(_is_named(host, p) for p in policies)


def _is_named(host: str, policy: Policy) -> bool:
    """Tell whether a policy, or a failure under it, names a host as an MX of its domain."""
    return any(matches_pattern(pattern, host) for pattern in policy.mx_hosts) or any(
        failure.receiving_mx_hostname == host for failure in policy.failures
    )


def _largest_first(cause: Cause) -> tuple[int, str, str]:
    return -cause.failed_sessions, cause.result_type or "", cause.receiving_mx_hostname or ""
