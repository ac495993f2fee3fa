"""``alerts``: what is open, what became of it, and whether the channels work."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from collector.cli.output import Column, format_option, print_answer, rate_cell, time_text, wrapped
from collector.cli.session import Session
from collector.plain import one_line

if TYPE_CHECKING:
    from collector.alerting.alert import Alert, AlertChange, Notification
    from collector.alerting.wording import CauseWording
    from collector.ports import Channel

# The members of an alert for programs, in their order.
_NAMES = (
    "alert_id",
    "kind",
    "severity",
    "state",
    "policy_domain",
    "day",
    "sessions",
    "failed_sessions",
    "failure_rate",
    "threshold",
    "raised_at",
    "cleared_at",
)


@click.group()
def alerts() -> None:
    """List and show alerts, and test the channels."""


@alerts.command("list")
@format_option
@click.option("--open", "open_only", is_flag=True, help="Only alerts that are still open.")
@click.option("--exit-code", is_flag=True, help="Exit status 1 while a critical alert is open.")
@click.pass_obj
def list_alerts(session: Session, output_format: str, *, open_only: bool, exit_code: bool) -> None:
    """List alerts, the latest raised first."""
    from collector.alerting.rule import Severity
    from collector.app import asked

    session.start_logging()
    with asked(session.config()) as questions:
        found = list(questions.alerts(open_only=open_only))
    print_answer(found, _record, _NAMES, _columns(), output_format, empty="There are no alerts.")
    critical = any(alert.is_open and alert.severity is Severity.CRITICAL for alert in found)
    click.get_current_context().exit(1 if exit_code and critical else 0)


@alerts.command("show")
@click.argument("alert_id", metavar="ALERT-ID")
@click.pass_obj
def show_alert(session: Session, alert_id: str) -> None:
    """Show one alert: its causes, what to do about them, and its history."""
    from collector.app import asked

    session.start_logging()
    with asked(session.config()) as questions:
        found = questions.alert(alert_id)
    if found is None:
        raise click.UsageError(f'there is no alert {one_line(alert_id)}: "alerts list" names them')
    for line in _described(found.notifications):
        click.echo(line)


@alerts.command("test")
@click.option("--channel", "channel_name", help="Test this channel alone.")
@click.pass_obj
def test_channels(session: Session, channel_name: str | None) -> None:
    """Send a message that is marked as a test through each channel."""
    from collector.app import built_channels, utc_now
    from collector.errors import Misconfigured

    session.start_logging()
    channels = built_channels(session.config())
    if not channels:
        raise Misconfigured('no channel is configured: add one under "channels"')
    if channel_name is not None and channel_name not in channels:
        raise click.UsageError(f"no channel is named {channel_name} (known: {', '.join(channels)})")
    wanted = channels if channel_name is None else {channel_name: channels[channel_name]}
    click.get_current_context().exit(max(_tested(wanted, now=utc_now())))


def _tested(channels: "Mapping[str, Channel]", *, now: datetime) -> list[int]:
    """Try each channel, say what came of it, and return the exit status of each."""
    from collector.alerting.trial import trial_notification
    from collector.cli import exit_status_of
    from collector.errors import ChannelRefused, ChannelUnavailable

    statuses = []
    for name, channel in channels.items():
        try:
            channel.send(trial_notification(now=now), now=now)
        except (ChannelUnavailable, ChannelRefused) as error:
            click.echo(f"{name}: {one_line(str(error))}", err=True)
            statuses.append(exit_status_of(error))
        else:
            click.echo(f"{name}: the test was handed over; see that it arrives")
            statuses.append(0)
    return statuses


# ── The list ──────────────────────────────────────────────────────────────────


def _record(alert: "Alert") -> dict[str, Any]:
    rate = alert.failure_rate
    return {
        "alert_id": alert.alert_id,
        "kind": alert.kind.value,
        "severity": alert.severity.word,
        "state": _state(alert),
        "policy_domain": alert.policy_domain,
        "day": alert.day.isoformat(),
        "sessions": alert.sessions,
        "failed_sessions": alert.failed_sessions,
        "failure_rate": None if rate is None else float(rate),
        "threshold": float(alert.threshold),
        "raised_at": time_text(alert.raised_at),
        "cleared_at": None if alert.cleared_at is None else time_text(alert.cleared_at),
    }


def _columns() -> list[Column]:
    from collector.alerting.percent import share_text

    return [
        Column("Alert", lambda alert: alert.alert_id),
        Column("State", _state),
        Column("Severity", lambda alert: alert.severity.word),
        Column("Domain", lambda alert: alert.policy_domain),
        Column("Day", lambda alert: alert.day.isoformat()),
        Column("Failed", lambda alert: f"{alert.failed_sessions:,} of {alert.sessions:,}", right=True),
        Column("Rate", _rate, right=True),
        Column("Threshold", lambda alert: share_text(alert.threshold), right=True),
        Column("Raised", lambda alert: time_text(alert.raised_at)),
        Column("Cleared", lambda alert: time_text(alert.cleared_at) if alert.cleared_at else "-"),
    ]


def _state(alert: "Alert") -> str:
    return "open" if alert.is_open else "cleared"


def _rate(alert: "Alert") -> str:
    """Write the rate so that it shows on which side of its threshold it is, as the mail does."""
    from collector.alerting.percent import rate_text

    rate = alert.failure_rate
    return rate_cell(rate) if rate is None else rate_text(rate, alert.threshold)


# ── One alert ─────────────────────────────────────────────────────────────────


def _described(notifications: "tuple[Notification, ...]") -> Iterator[str]:
    """Tell an alert as its latest message does, with the causes last told, then its history."""
    from collector.alerting.wording import wording

    words = wording(notifications[-1])
    # The message that clears an alert tells of none.
    explained = next((told for told in map(wording, reversed(notifications)) if told.causes), words)
    yield from (one_line(words.title), "", wrapped(words.summary, indent=0), "")
    yield from (f"  {label + ':':17}{one_line(text)}" for label, text in words.facts)
    for cause in explained.causes:
        yield from _cause(cause)
    if explained.more_causes:
        yield from ("", f'And {explained.more_causes:,} more: "failures" lists them.')
    yield from ("", wrapped(words.closing, indent=0), "", "History")
    yield from (_changed(notification.change) for notification in notifications)


def _cause(cause: "CauseWording") -> Iterator[str]:
    yield from ("", one_line(cause.heading))
    yield wrapped(f"Meaning: {cause.meaning}", indent=2, hanging=2)
    yield wrapped(f"Likely cause: {cause.cause}", indent=2, hanging=2)
    yield wrapped(f"What to do: {cause.action}", indent=2, hanging=2)
    if cause.at_one_organization:
        yield wrapped(cause.at_one_organization, indent=2, hanging=2)
    yield "  To check:"
    # Whole, however long: a command is copied.
    yield from (f"    {one_line(command)}" for command in cause.commands)


def _changed(change: "AlertChange") -> str:
    alert = change.alert
    return (
        f"  {time_text(change.at)}  {change.event.value:15}  {alert.severity.word:8}  {alert.day}  "
        f"{alert.failed_sessions:,} of {alert.sessions:,} ({_rate(alert)})"
    )
