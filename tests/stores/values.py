"""What the tests of stores are about: reports as they are added, and the rows expected of them."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from random import Random
from typing import Any

from collector.alerting.traffic import DayTraffic
from collector.intake.delivery import Evidence
from collector.ports import FailureRow, Filter, PolicyRow, ReceivedReport, ReportRow, SummaryRow
from collector.stores import SqlStore
from collector.tlsrpt.report import Policy
from tests.build import DAY as START
from tests.build import NOW, policy_json, received, report_json

DAY = START.date()


def on(day: int) -> datetime:
    """The start of a day, counted from the default one."""
    return START + timedelta(days=day)


def variant(
    number: int, *, evidence: Evidence = Evidence.NONE, at: datetime = NOW, **members: Any
) -> ReceivedReport:
    """A report of the same key as all its variants and of other content: one session in ten failed."""
    report = report_json(policy_json(successful=9 * number, failed=number), **members)
    return received(report, evidence=evidence, received_at=at)


def with_policies(one: ReceivedReport, **changes: Any) -> ReceivedReport:
    """The same report with policies that no JSON could have."""
    policies: tuple[Policy, ...] = tuple(replace(policy, **changes) for policy in one.report.policies)
    return replace(one, report=replace(one.report, policies=policies))


def with_texts(one: ReceivedReport, **texts: Any) -> ReceivedReport:
    """The same report with texts that no JSON could have."""
    return replace(one, report=replace(one.report, **texts))


def long_text(seed: int) -> str:
    """64 KB that nothing makes shorter."""
    return "".join(chr(code) for code in Random(seed).choices(range(0x4E00, 0x9FA5), k=21_845))  # noqa: S311  no secret


def report_row(**changes: Any) -> ReportRow:
    row = ReportRow(
        date=DAY,
        organization_name="Google Inc.",
        report_id="2026-05-11_example.com",
        contact_info="smtp-tls-reporting@google.com",
        policy_domains=("example.com",),
        policy_types=("sts",),
        sessions=100,
        successful_sessions=100,
        failed_sessions=0,
        evidence="none",
        foreign=False,
    )
    return replace(row, **changes)


def variant_row(number: int, **changes: Any) -> ReportRow:
    """The row of a variant."""
    return report_row(sessions=10 * number, successful_sessions=9 * number, failed_sessions=number, **changes)


def policy_row(**changes: Any) -> PolicyRow:
    row = PolicyRow(
        date=DAY,
        organization_name="Google Inc.",
        policy_domain="example.com",
        policy_type="sts",
        policy_details="mode=enforce; mx=*.example.com; max_age=604800",
        successful_sessions=100,
        failed_sessions=0,
    )
    return replace(row, **changes)


def failure_row(**changes: Any) -> FailureRow:
    row = FailureRow(
        date=DAY,
        organization_name="Google Inc.",
        policy_domain="example.com",
        policy_type="sts",
        result_type="certificate-expired",
        sending_mta_ip="198.51.100.7",
        receiving_mx_hostname="mx1.example.com",
        receiving_ip="203.0.113.25",
        failed_sessions=1,
        failure_reason_code=None,
    )
    return replace(row, **changes)


def summary_row(
    sessions: int,
    failed: int = 0,
    *,
    domain: str | None = "example.com",
    day: date = DAY,
    organizations: tuple[str, ...] = ("Google Inc.",),
    served: bool = False,
) -> SummaryRow:
    return SummaryRow(
        domain=domain,
        day=day,
        sessions=sessions,
        failed_sessions=failed,
        failure_rate=Fraction(failed, sessions) if sessions else None,
        organizations=organizations,
        served=served,
    )


def day_traffic(
    sessions: int,
    failed: int,
    *,
    domain: str = "example.com",
    host: str | None = None,
    day: date = DAY,
    organization: str = "Google Inc.",
) -> DayTraffic:
    return DayTraffic(
        judged_domain=domain,
        policy_domain=host or domain,
        day=day,
        organization=organization,
        sessions=sessions,
        failed_sessions=failed,
    )


def everything(store: SqlStore) -> tuple[object, ...]:
    """All that a store answers about its reports."""
    asked = store.questions
    return (
        list(asked.reports(Filter())),
        list(asked.policies(Filter())),
        list(asked.failures(Filter())),
        list(asked.summary(Filter())),
        dict(asked.last_reports()),
        list(store.traffic.recent_traffic(date.min)),
    )
