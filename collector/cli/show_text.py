"""A report explained to a person: who, when, what, how many failed, why, and what to do about it."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from collector.alerting.traffic import DomainTraffic, domain_traffic, failure_rate
from collector.cli.output import rate_cell, wrapped
from collector.errors import Malformed
from collector.plain import one_line
from collector.ports import ReceivedReport
from collector.tlsrpt.report import Failure, Policy, Report
from collector.tlsrpt.result_types import commands, explain

# A person reads the first few rows of a kind; a report may have 200,000, and JSON has them all.
_MAX_ROWS = 10

_UNNAMED_DOMAIN = "no domain named"

# Failures that have one explanation: policy domain and result type.
_Kind = tuple[str | None, str | None]


def described(path: str, reports: Sequence[ReceivedReport], failure: Malformed | None) -> Iterator[str]:
    """Yield the lines that tell what one path held; none has the power to steer a terminal."""
    yield one_line(path)
    for index, received in enumerate(reports):
        if index:
            yield ""
        yield from _report(received)
    if failure is not None:
        yield wrapped(f"{failure.kind}: {failure}", indent=2, hanging=2)


def _report(received: ReceivedReport) -> Iterator[str]:
    report = received.report
    yield from (f"  {label + ':':14}{one_line(text)}" for label, text in _facts(received))
    yield ""
    for traffic in domain_traffic(report):
        yield _counted(traffic)
        yield from (_entry(policy) for policy in report.policies if _is_about(policy, traffic))
    for kind, failures in _by_kind(report.policies).items():
        yield ""
        yield from _explained(kind, failures)
    if report.deviations:
        yield ""
        names = ", ".join(report.deviations)
        yield wrapped(f"Deviations from RFC 8460, read all the same: {names}", indent=2, hanging=2)


def _facts(received: ReceivedReport) -> Iterator[tuple[str, str]]:
    report = received.report
    yield "Organization", report.organization_name or "not named"
    yield "Contact", report.contact_info or "none"
    if received.mail.tls_report_submitter is not None:
        yield "Submitter", received.mail.tls_report_submitter
    yield "Report ID", report.report_id
    yield "Period", _period(report)


def _period(report: Report) -> str:
    end = report.period.end
    return f"{_moment(report.period.start)} to {'an end not told' if end is None else _moment(end)}"


def _moment(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S} UTC"


# ── What was counted ──────────────────────────────────────────────────────────


def _counted(traffic: DomainTraffic) -> str:
    domain = one_line(traffic.policy_domain or _UNNAMED_DOMAIN)
    if not traffic.sessions:
        return f"  {domain}: no sessions"
    rate = rate_cell(failure_rate(traffic.failed_sessions, traffic.sessions))
    return f"  {domain}: {traffic.failed_sessions:,} of {traffic.sessions:,} sessions failed ({rate})"


def _entry(policy: Policy) -> str:
    policy_type = one_line(policy.policy_type or "no policy type")
    return f"    {policy_type}: {policy.successful_sessions:,} successful, {policy.failed_sessions:,} failed"


def _is_about(policy: Policy, traffic: DomainTraffic) -> bool:
    return policy.policy_domain == traffic.policy_domain


# ── Why sessions failed ───────────────────────────────────────────────────────


def _by_kind(policies: Sequence[Policy]) -> Mapping[_Kind, Sequence[tuple[Policy, Failure]]]:
    """Put together the rows that have one explanation, in the order of the report."""
    by_kind: dict[_Kind, list[tuple[Policy, Failure]]] = defaultdict(list)
    for policy in policies:
        for failure in policy.failures:
            by_kind[policy.policy_domain, failure.result_type].append((policy, failure))
    return by_kind


def _explained(kind: _Kind, rows: Sequence[tuple[Policy, Failure]]) -> Iterator[str]:
    domain, result_type = kind
    entry = explain(result_type)
    yield f"  {one_line(domain or _UNNAMED_DOMAIN)}: {one_line(result_type or 'no result type stated')}"
    for policy, failure in rows[:_MAX_ROWS]:
        yield wrapped(_row(policy, failure), indent=4, hanging=2)
    if len(rows) > _MAX_ROWS:
        yield f"    and {len(rows) - _MAX_ROWS:,} more rows: --format json shows them all"
    yield wrapped(f"Meaning: {entry.meaning}", indent=4, hanging=2)
    yield wrapped(f"What to do: {entry.action}", indent=4, hanging=2)
    yield "    To check:"
    mx_host = next((f.receiving_mx_hostname for _, f in rows if f.receiving_mx_hostname), None)
    # Whole, however long: a command is copied.
    yield from (f"      {line}" for line in commands(result_type, policy_domain=domain, mx_host=mx_host))


def _row(policy: Policy, failure: Failure) -> str:
    """Put one row of failure-details into a line: how many, where, from where, why."""
    sessions = "1 session" if failure.failed_sessions == 1 else f"{failure.failed_sessions:,} sessions"
    parts = (
        ("under", policy.policy_type),
        ("on", failure.receiving_mx_hostname),
        ("that says it is", failure.receiving_mx_helo),
        ("at", failure.receiving_ip),
        ("from", failure.sending_mta_ip),
    )
    told = " ".join([sessions, *(f"{word} {value}" for word, value in parts if value is not None)])
    further = (failure.failure_reason_code, failure.additional_information)
    return "; ".join([told, *(text for text in further if text is not None)])
