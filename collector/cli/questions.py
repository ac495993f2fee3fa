"""``reports``, ``policies``, ``failures``, ``summary``: what the store holds."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import click

from collector.cli.output import Column, answer, format_option, rate_cell
from collector.cli.session import Session

if TYPE_CHECKING:
    from collector.ports import Filter, Questions

_AGE = re.compile(r"(\d{1,5})d", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


class Day(click.ParamType[date]):
    """A day as ``2026-01-01``, or so many days ago as ``30d``."""

    name = "day"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:  # noqa: ANN401  click's own signature
        """Read a day; a relative one counts back from today in UTC."""
        if isinstance(value, date):
            return value
        day = _read_day(value)
        if day is None:
            self.fail(f"{value!r} is no day: write 2026-01-01 or 30d", param, ctx)
        return day


def _read_day(text: str) -> date | None:
    try:
        if age := _AGE.fullmatch(text):
            from collector.app import utc_now

            return utc_now().date() - timedelta(days=int(age[1]))
        # Python reads more (20260101, 2026-W01-4) than anyone means.
        return date.fromisoformat(text) if _DAY.fullmatch(text) else None
    except (ValueError, OverflowError):
        return None


def _filters(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the filters that all questions share."""
    for option in (
        format_option,
        click.option("--failures", "failures_only", is_flag=True, help="Only where sessions failed."),
        click.option("--organization", help="Only reports of this organization (case does not matter)."),
        click.option("--until", type=Day(), help="Up to this day, and including it."),
        click.option("--since", type=Day(), help="From this day on: 2026-01-01 or 30d."),
        click.option("--domain", help="Only this policy domain."),
    ):
        command = option(command)
    return command


@click.command()
@_filters
@click.pass_obj
def reports(session: Session, /, output_format: str, **filters: Any) -> None:  # noqa: ANN401  handed on
    """List reports, one a row.

    Sessions are counted once, although sts and tlsa entries tell of the same ones.
    """
    from collector.ports import ReportRow

    columns = [
        Column("Date", lambda row: row.date.isoformat()),
        Column("Organization", lambda row: row.organization_name or "-"),
        Column("Report ID", lambda row: row.report_id),
        Column("Contact", lambda row: row.contact_info or "-"),
        Column("Policy domains", lambda row: ", ".join(row.policy_domains) or "-"),
        Column("Policy types", lambda row: ", ".join(row.policy_types) or "-"),
        Column("Sessions", lambda row: f"{row.sessions:,}", total=_sessions),
        Column("Successful", lambda row: f"{row.successful_sessions:,}", total=_successful_sessions),
        Column("Failed", lambda row: f"{row.failed_sessions:,}", total=_failed_sessions),
    ]
    with _asked(session) as questions:
        rows = questions.reports(_wanted(filters))
        answer(rows, ReportRow, columns, output_format, empty="No reports match.")


@click.command()
@_filters
@click.pass_obj
def policies(session: Session, /, output_format: str, **filters: Any) -> None:  # noqa: ANN401  handed on
    """List policy entries as sent, one a row.

    The sts and the tlsa entry of one report tell of the same sessions, so these rows may
    add up to more than "reports" and "summary" say.
    """
    from collector.ports import PolicyRow

    columns = [
        Column("Date", lambda row: row.date.isoformat()),
        Column("Organization", lambda row: row.organization_name or "-"),
        Column("Policy domain", lambda row: row.policy_domain or "-"),
        Column("Policy type", lambda row: row.policy_type or "-"),
        Column("Policy details", lambda row: row.policy_details or "-"),
        Column("Successful", lambda row: f"{row.successful_sessions:,}", right=True),
        Column("Failed", lambda row: f"{row.failed_sessions:,}", right=True),
    ]
    with _asked(session) as questions:
        rows = questions.policies(_wanted(filters))
        answer(rows, PolicyRow, columns, output_format, empty="No policies match.")


@click.command()
@_filters
@click.pass_obj
def failures(session: Session, /, output_format: str, **filters: Any) -> None:  # noqa: ANN401  handed on
    """List failure details as sent, one a row; "explain" tells what a result type means."""
    from collector.ports import FailureRow

    columns = [
        Column("Date", lambda row: row.date.isoformat()),
        Column("Organization", lambda row: row.organization_name or "-"),
        Column("Policy domain", lambda row: row.policy_domain or "-"),
        Column("Policy type", lambda row: row.policy_type or "-"),
        Column("Result type", lambda row: row.result_type or "-"),
        Column("Sending MTA", lambda row: row.sending_mta_ip or "-"),
        Column("Receiving MX", lambda row: row.receiving_mx_hostname or "-"),
        Column("Receiving IP", lambda row: row.receiving_ip or "-"),
        Column("Failed", lambda row: f"{row.failed_sessions:,}", right=True),
        Column("Reason", lambda row: row.failure_reason_code or "-"),
    ]
    with _asked(session) as questions:
        rows = questions.failures(_wanted(filters))
        answer(rows, FailureRow, columns, output_format, empty="No failures match.")


@click.command()
@_filters
@click.pass_obj
def summary(session: Session, /, output_format: str, **filters: Any) -> None:  # noqa: ANN401  handed on
    """Add up sessions per domain and day.

    In the TOTAL an MX host is left out where its domain's row tells of the same sessions.
    """
    from collector.ports import SummaryRow

    columns = [
        Column("Domain", lambda row: row.domain or "-"),
        Column("Day", lambda row: row.day.isoformat()),
        Column("Sessions", lambda row: f"{row.sessions:,}", total=_sessions),
        Column("Failed", lambda row: f"{row.failed_sessions:,}", total=_failed_sessions),
        Column("Rate", lambda row: rate_cell(row.failure_rate), total=_failure_rate),
        Column("Organizations", lambda row: ", ".join(row.organizations) or "-"),
    ]
    with _asked(session) as questions:
        rows = questions.summary(_wanted(filters))
        answer(rows, SummaryRow, columns, output_format, empty="No reports match.", without={"served"})


def _wanted(filters: dict[str, Any]) -> "Filter":
    from collector.ports import Filter

    return Filter(**filters)


@contextmanager
def _asked(session: Session) -> "Iterator[Questions]":
    """Open the store that the configuration names, to read."""
    from collector.app import asked

    session.start_logging()
    with asked(session.config()) as questions:
        yield questions


# ── Totals. A host whose sessions are told again in its domain's row is left out. ──


def _once(rows: Sequence[Any]) -> list[Any]:
    return [row for row in rows if not getattr(row, "served", False)]


def _sessions(rows: Sequence[Any]) -> str:
    return f"{sum(row.sessions for row in _once(rows)):,}"


def _successful_sessions(rows: Sequence[Any]) -> str:
    return f"{sum(row.successful_sessions for row in _once(rows)):,}"


def _failed_sessions(rows: Sequence[Any]) -> str:
    return f"{sum(row.failed_sessions for row in _once(rows)):,}"


def _failure_rate(rows: Sequence[Any]) -> str:
    from collector.alerting.traffic import failure_rate

    once = _once(rows)
    sessions = sum(row.sessions for row in once)
    return rate_cell(failure_rate(sum(row.failed_sessions for row in once), sessions))
