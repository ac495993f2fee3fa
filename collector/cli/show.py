"""``show``: read and explain report files or mails, without store, archive or configuration."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from collector.cli.output import Column, percent, print_table
from collector.plain import one_line

if TYPE_CHECKING:
    from collector.errors import Malformed
    from collector.intake.delivery import Delivery
    from collector.ports import ReceivedReport
    from collector.tlsrpt.report import Failure, Policy, Report

# A mail of this size is rejected by the sources too; a file is read no further.
MAX_FILE_BYTES = 25 * 1000 * 1000

# RFC 5322 §2.2: a mail begins with a header field; an mbox or a saved mail may say "From " first.
_HEADER_LINE = re.compile(rb"(?:From [^\n]*\n)?[!-9;-~]+[ \t]*:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What one path held."""

    path: str
    reports: "tuple[ReceivedReport, ...]"
    failure: "Malformed | None"


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Text for people, JSON for programs.",
)
def show(paths: tuple[str, ...], output_format: str) -> None:
    """Read and explain report files or mails ("-" is standard input).

    Touches neither store nor archive and needs no configuration. Exit status 1 when
    something that should be a report could not be read.
    """
    from collector.errors import NotAReport

    for path in paths:
        if path != "-" and not Path(path).is_file():
            raise click.UsageError(f"{path}: there is no such file")
    shown = [_show(path) for path in paths]
    if output_format == "json":
        click.echo(json.dumps([_as_json(one) for one in shown], indent=2))
    else:
        for one in shown:
            _print_text(one)
    bad = any(one.failure and not isinstance(one.failure, NotAReport) for one in shown)
    click.get_current_context().exit(1 if bad else 0)


def _show(path: str) -> Shown:
    from collector.errors import TooLarge
    from collector.pipeline import take

    try:
        content = _content(path)
    except TooLarge as failure:
        return Shown(path=path, reports=(), failure=failure)
    taken = take(_delivery(path, content), watched=frozenset())
    return Shown(path=path, reports=taken.reports, failure=taken.failure)


def _content(path: str) -> bytes:
    from collector.errors import TooLarge

    try:
        with click.open_file(path, "rb") as file:
            content: bytes = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise click.UsageError(f"{path}: {error.strerror}") from error
    if len(content) > MAX_FILE_BYTES:
        raise TooLarge(f"larger than {MAX_FILE_BYTES} bytes")
    return content


def _delivery(path: str, content: bytes) -> "Delivery":
    from collector.app import utc_now
    from collector.intake.delivery import Delivery, DeliveryKind

    kind = DeliveryKind.MAIL if _HEADER_LINE.match(content) else DeliveryKind.FILE
    return Delivery(source="show", reference=path, kind=kind, content=content, received_at=utc_now())


# ── JSON ──────────────────────────────────────────────────────────────────────


def _as_json(shown: Shown) -> dict[str, Any]:
    error = None
    if shown.failure is not None:
        error = {"kind": shown.failure.kind, "message": str(shown.failure)}
    return {
        "path": shown.path,
        "reports": [_report_json(received) for received in shown.reports],
        "error": error,
    }


def _report_json(received: "ReceivedReport") -> dict[str, Any]:
    from collector.alerting.traffic import domain_traffic, failure_rate

    report = received.report
    return {
        "organization_name": report.organization_name,
        "report_id": report.report_id,
        "contact_info": report.contact_info,
        "submitter": received.mail.tls_report_submitter,
        "start": _time(report.period.start),
        "end": _time(report.period.end),
        "policies": [_policy_json(policy) for policy in report.policies],
        "domains": [
            {
                "policy_domain": row.policy_domain,
                "sessions": row.sessions,
                "failed_sessions": row.failed_sessions,
                "failure_rate": None if rate is None else float(rate),
            }
            for row in domain_traffic(report)
            for rate in [failure_rate(row.failed_sessions, row.sessions)]
        ],
        "deviations": list(report.deviations),
    }


def _time(time: Any) -> str | None:  # noqa: ANN401  a datetime; the import would cost --help
    return None if time is None else time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _policy_json(policy: "Policy") -> dict[str, Any]:
    return {
        "policy_type": policy.policy_type,
        "policy_domain": policy.policy_domain,
        "policy_strings": list(policy.policy_strings),
        "mx_hosts": list(policy.mx_hosts),
        "successful_sessions": policy.successful_sessions,
        "failed_sessions": policy.failed_sessions,
        "failures": [_failure_json(failure) for failure in policy.failures],
    }


def _failure_json(failure: "Failure") -> dict[str, Any]:
    return {
        "result_type": failure.result_type,
        "sending_mta_ip": _address(failure.sending_mta_ip),
        "receiving_mx_hostname": failure.receiving_mx_hostname,
        "receiving_mx_helo": failure.receiving_mx_helo,
        "receiving_ip": _address(failure.receiving_ip),
        "failed_sessions": failure.failed_sessions,
        "additional_information": failure.additional_information,
        "failure_reason_code": failure.failure_reason_code,
    }


def _address(address: object | None) -> str | None:
    return None if address is None else str(address)


# ── Text ──────────────────────────────────────────────────────────────────────


def _print_text(shown: Shown) -> None:
    click.echo(one_line(shown.path))
    for received in shown.reports:
        _print_report(received)
    if shown.failure is not None:
        click.echo(f"  {shown.failure.kind}: {one_line(str(shown.failure))}")
    click.echo()


def _print_report(received: "ReceivedReport") -> None:
    from collector.alerting.traffic import domain_traffic, failure_rate

    report = received.report
    facts = [
        ("Organization", report.organization_name or "not named"),
        ("Contact", report.contact_info or "none"),
        ("Report ID", report.report_id),
        ("Period", f"{_time(report.period.start)} to {_time(report.period.end) or 'not told'}"),
    ]
    for label, text in facts:
        click.echo(f"  {label + ':':14}{one_line(text)}")
    for row in domain_traffic(report):
        rate = percent(failure_rate(row.failed_sessions, row.sessions))
        domain = one_line(row.policy_domain or "no domain named")
        click.echo(f"  {domain}: {row.failed_sessions:,} of {row.sessions:,} sessions failed ({rate})")
    _print_failures(report)
    for deviation in report.deviations:
        click.echo(f"  Deviation: {deviation}")


def _print_failures(report: "Report") -> None:
    rows = [(policy, failure) for policy in report.policies for failure in policy.failures]
    if not rows:
        return
    print_table(
        rows,
        [
            Column("  Result type", lambda row: f"  {row[1].result_type or '-'}"),
            Column("Policy type", lambda row: row[0].policy_type or "-"),
            Column("Receiving MX", lambda row: row[1].receiving_mx_hostname or "-"),
            Column("Sending MTA", lambda row: _address(row[1].sending_mta_ip) or "-"),
            Column("Failed", lambda row: f"{row[1].failed_sessions:,}", right=True),
            Column("Reason", lambda row: row[1].failure_reason_code or "-"),
        ],
    )
    types = dict.fromkeys(failure.result_type for _, failure in rows)
    for result_type in types:
        click.echo(f"  {_meaning(result_type)}")


def _meaning(result_type: str | None) -> str:
    from collector.tlsrpt.result_types import explain

    explained = explain(result_type)
    return one_line(f"{result_type or 'no result type'}: {explained.meaning} {explained.action}")
