"""``show``: read and explain report files or mails, without store, archive or configuration."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from collector.cli.output import time_text
from collector.cli.session import Session

if TYPE_CHECKING:
    from collector.errors import Malformed
    from collector.intake.delivery import Delivery
    from collector.ports import ReceivedReport
    from collector.tlsrpt.report import Failure, Policy

# A mail of this size is rejected by the sources too; a file is read no further.
MAX_FILE_BYTES = 25 * 1000 * 1000

_STANDARD_INPUT = "-"

# RFC 5322 §2.2: a mail begins with a header field; a saved one may say "From " before it. The name
# may begin with any sign, but only with letters is it told from JSON.
_HEADER_LINE = re.compile(rb"(?:From [^\n]*\n)?[A-Za-z][!-9;-~]*[ \t]*:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What one path held, and the first thing in it that could not be read."""

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
@click.pass_obj
def show(session: Session, paths: tuple[str, ...], output_format: str) -> None:
    """Read and explain report files or mails ("-" is standard input).

    Touches neither store nor archive and needs no configuration. Exit status 1 when
    something that should be a report could not be read.
    """
    from collector.cli.show_text import described
    from collector.errors import NotAReport

    session.start_logging()
    for path in paths:
        _check(path)
    shown = [_show(path) for path in paths]
    if output_format == "json":
        click.echo(json.dumps([_document(one) for one in shown], indent=2))
    else:
        for one in shown:
            click.echo("\n".join(described(one.path, one.reports, one.failure)) + "\n")
    bad = any(one.failure and not isinstance(one.failure, NotAReport) for one in shown)
    click.get_current_context().exit(1 if bad else 0)


# ── Reading ───────────────────────────────────────────────────────────────────


def _check(path: str) -> None:
    """Refuse a path that is not there, before anything is shown; a pipe is as good as a file."""
    if path == _STANDARD_INPUT:
        return
    name = click.format_filename(path)
    if not Path(path).exists():
        raise click.UsageError(f"{name!r}: there is no such file")
    if Path(path).is_dir():
        raise click.UsageError(f"{name!r} is a folder: name the files in it")


def _show(path: str) -> Shown:
    from collector.errors import TooLarge
    from collector.pipeline import take

    # A name that is not UTF-8 would make the JSON unreadable.
    name = click.format_filename(path)
    content = _content(path)
    if len(content) > MAX_FILE_BYTES:
        failure = TooLarge(f"larger than {MAX_FILE_BYTES} bytes")
        return Shown(path=name, reports=(), failure=failure)
    taken = take(_delivery(path, content), watched=frozenset())
    return Shown(path=name, reports=taken.reports, failure=taken.failure)


def _content(path: str) -> bytes:
    """Read a file, and one byte more than is allowed at most."""
    try:
        with click.open_file(path, "rb") as file:
            content: bytes = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise click.UsageError(f"{click.format_filename(path)!r}: {error.strerror}") from error
    return content


def _delivery(path: str, content: bytes) -> "Delivery":
    from collector.app import utc_now
    from collector.intake.delivery import Delivery, DeliveryKind

    kind = DeliveryKind.MAIL if _HEADER_LINE.match(content) else DeliveryKind.FILE
    return Delivery(source="show", reference=path, kind=kind, content=content, received_at=utc_now())


# ── JSON ──────────────────────────────────────────────────────────────────────


def _document(shown: Shown) -> dict[str, Any]:
    error = None
    if shown.failure is not None:
        error = {"kind": shown.failure.kind, "message": str(shown.failure)}
    return {
        "path": shown.path,
        "reports": [_report_document(received) for received in shown.reports],
        "error": error,
    }


def _report_document(received: "ReceivedReport") -> dict[str, Any]:
    report = received.report
    end = report.period.end
    return {
        "organization_name": report.organization_name,
        "report_id": report.report_id,
        "contact_info": report.contact_info,
        "submitter": received.mail.tls_report_submitter,
        "start": time_text(report.period.start),
        "end": None if end is None else time_text(end),
        "policies": [_policy_document(policy) for policy in report.policies],
        "domains": _domain_documents(received),
        "deviations": list(report.deviations),
    }


def _policy_document(policy: "Policy") -> dict[str, Any]:
    return {
        "policy_type": policy.policy_type,
        "policy_domain": policy.policy_domain,
        "policy_strings": list(policy.policy_strings),
        "mx_hosts": list(policy.mx_hosts),
        "successful_sessions": policy.successful_sessions,
        "failed_sessions": policy.failed_sessions,
        "failures": [_failure_document(failure) for failure in policy.failures],
    }


def _failure_document(failure: "Failure") -> dict[str, Any]:
    return {
        "result_type": failure.result_type,
        "sending_mta_ip": _text_or_none(failure.sending_mta_ip),
        "receiving_mx_hostname": failure.receiving_mx_hostname,
        "receiving_mx_helo": failure.receiving_mx_helo,
        "receiving_ip": _text_or_none(failure.receiving_ip),
        "failed_sessions": failure.failed_sessions,
        "additional_information": failure.additional_information,
        "failure_reason_code": failure.failure_reason_code,
    }


def _domain_documents(received: "ReceivedReport") -> list[dict[str, Any]]:
    """Count by the rule of ``alerting.traffic``: sts and tlsa entries tell of the same sessions."""
    from collector.alerting.traffic import domain_traffic, failure_rate

    documents = []
    for traffic in domain_traffic(received.report):
        rate = failure_rate(traffic.failed_sessions, traffic.sessions)
        documents.append(
            {
                "policy_domain": traffic.policy_domain,
                "sessions": traffic.sessions,
                "failed_sessions": traffic.failed_sessions,
                "failure_rate": None if rate is None else float(rate),
            }
        )
    return documents


def _text_or_none(address: object | None) -> str | None:
    return None if address is None else str(address)
