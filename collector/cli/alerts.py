"""``alerts``: what is open, what became of it, and whether the channels work."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from collector.cli.output import Column, format_option, percent, print_csv, print_json, print_table
from collector.cli.session import Session
from collector.plain import one_line

if TYPE_CHECKING:
    from collector.alerting.alert import Alert, Notification

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
    match output_format:
        case "json":
            print_json(_record(alert) for alert in found)
        case "csv":
            print_csv((_record(alert) for alert in found), _NAMES)
        case _:
            _print_alerts(found)
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
        raise click.UsageError(f'there is no alert {alert_id}: "alerts list" names them')
    _print_alert(found.notifications)


@alerts.command("test")
@click.option("--channel", "channel_name", help="Test this channel alone.")
@click.pass_obj
def test_channels(session: Session, channel_name: str | None) -> None:
    """Send a message that is marked as a test through each channel."""
    from collector.alerting.trial import trial_notification
    from collector.app import built_channels, utc_now
    from collector.cli import exit_status_of
    from collector.errors import ChannelRefused, ChannelUnavailable

    session.start_logging()
    channels = built_channels(session.config())
    if channel_name is not None and channel_name not in channels:
        known = ", ".join(channels) or "none is configured"
        raise click.UsageError(f"no channel is named {channel_name} (known: {known})")
    if not channels:
        raise click.UsageError('no channel is configured: add one under "channels"')
    statuses = [0]
    now = utc_now()
    for name, channel in channels.items():
        if channel_name not in {None, name}:
            continue
        try:
            channel.send(trial_notification(now=now), now=now)
        except (ChannelUnavailable, ChannelRefused) as error:
            click.echo(f"{name}: {one_line(str(error))}", err=True)
            statuses.append(exit_status_of(error))
        else:
            click.echo(f"{name}: the test was handed over; see that it arrives")
    click.get_current_context().exit(max(statuses))


def _record(alert: "Alert") -> dict[str, Any]:
    rate = alert.failure_rate
    return {
        "alert_id": alert.alert_id,
        "kind": alert.kind.value,
        "severity": alert.severity.word,
        "state": "open" if alert.is_open else "cleared",
        "policy_domain": alert.policy_domain,
        "day": alert.day.isoformat(),
        "sessions": alert.sessions,
        "failed_sessions": alert.failed_sessions,
        "failure_rate": None if rate is None else float(rate),
        "threshold": float(alert.threshold),
        "raised_at": _time(alert.raised_at),
        "cleared_at": None if alert.cleared_at is None else _time(alert.cleared_at),
    }


def _time(time: Any) -> str:  # noqa: ANN401  a datetime; the import would cost --help
    text: str = time.strftime("%Y-%m-%dT%H:%M:%SZ")
    return text


def _print_alerts(found: "list[Alert]") -> None:
    if not found:
        click.echo("There are no alerts.")
        return
    print_table(
        found,
        [
            Column("Alert", lambda alert: alert.alert_id),
            Column("State", lambda alert: "open" if alert.is_open else "cleared"),
            Column("Severity", lambda alert: alert.severity.word),
            Column("Domain", lambda alert: alert.policy_domain),
            Column("Day", lambda alert: alert.day.isoformat()),
            Column("Failed", lambda alert: f"{alert.failed_sessions:,} of {alert.sessions:,}", right=True),
            Column("Rate", lambda alert: percent(alert.failure_rate), right=True),
            Column("Threshold", lambda alert: percent(alert.threshold), right=True),
            Column("Raised", lambda alert: _time(alert.raised_at)),
            Column("Cleared", lambda alert: _time(alert.cleared_at) if alert.cleared_at else "-"),
        ],
    )


def _print_alert(notifications: "tuple[Notification, ...]") -> None:
    """Print the latest message that tells of causes, as a mail would, then the history."""
    for line in _told(notifications):
        click.echo(one_line(line))
    click.echo("History")
    for notification in notifications:
        change = notification.change
        rate = percent(change.alert.failure_rate)
        click.echo(
            f"  {_time(change.at)}  {change.event.value:16}  {change.alert.severity.word:8}  "
            f"{change.alert.day}  {change.alert.failed_sessions:,} of {change.alert.sessions:,} ({rate})"
        )


def _told(notifications: "tuple[Notification, ...]") -> Iterator[str]:
    from collector.alerting.wording import wording

    latest = notifications[-1]
    words = wording(latest)
    yield words.title
    yield ""
    yield words.summary
    yield from (f"  {label}: {text}" for label, text in words.facts)
    yield ""
    for cause in words.causes:
        yield cause.heading
        yield f"  Meaning: {cause.meaning}"
        yield f"  Likely cause: {cause.cause}"
        yield f"  What to do: {cause.action}"
        yield from (f"  Check: {command}" for command in cause.commands)
        yield ""
