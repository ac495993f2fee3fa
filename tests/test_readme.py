"""What the README shows is what the program does."""

import re
from pathlib import Path

import pytest

from collector.alerting.alert import Alert, AlertChange, AlertEvent, AlertKind, Notification
from collector.alerting.rule import DEFAULT_THRESHOLDS, Severity
from collector.alerting.traffic import Cause
from collector.channels.mail import alert_mail
from collector.cli import COMMANDS
from collector.config import load
from tests.build import utc

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")

RAISED_AT = utc(2026, 5, 12, 6, 4)
DAY = utc(2026, 5, 11).date()
SENDERS = ("Microsoft Corporation",)


def block(heading: str, language: str = "") -> str:
    """Return the first code block in a language under a heading that contains these words."""
    _, _, below = README.partition(heading)
    match = re.search(rf"```{language}\n(.*?)```", below, re.DOTALL)
    assert match is not None, f"no block under {heading}"
    return match[1]


def the_alert() -> str:
    """The text of the alert about a secondary MX with the wrong certificate."""
    alert = Alert(
        alert_id="5f0c2c1a9d3e4b77",
        kind=AlertKind.FAILURE_RATE,
        severity=Severity.CRITICAL,
        policy_domain="example.com",
        day=DAY,
        sessions=937,
        failed_sessions=47,
        threshold=DEFAULT_THRESHOLDS.critical,
        last_exceeding_day=DAY,
        raised_at=RAISED_AT,
        cleared_at=None,
        changes=1,
    )
    cause = Cause(
        result_type="certificate-host-mismatch",
        receiving_mx_hostname="mx2.example.com",
        failed_sessions=47,
        organizations=SENDERS,
    )
    change = AlertChange(event=AlertEvent.RAISED, alert=alert, at=RAISED_AT)
    message = alert_mail(
        Notification(change=change, causes=(cause,), organizations=SENDERS),
        sender="tlsrpt@example.com",
        to=("postmaster@example.edu",),
        page_url=None,
        now=RAISED_AT,
    )
    body = message.get_body(("plain",))
    assert body is not None
    text: str = body.get_content()
    return f"Subject: {message['Subject']}\n\n{text.replace(chr(13), '').rstrip()}\n"


def test_the_alert_is_the_mail_that_is_sent() -> None:
    assert the_alert() == block("## What an alert looks like")


def test_the_configuration_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(block("**4. The configuration**", "yaml"), encoding="utf-8")

    assert ("example.com",) == tuple(domain.name for domain in load(path).domains)


@pytest.mark.parametrize("command", sorted(set(re.findall(r"^tlsrpt-collector (\w+)", README, re.MULTILINE))))
def test_every_command_shown_is_there(command: str) -> None:
    assert command in COMMANDS


def test_every_target_of_make_that_is_shown_is_there() -> None:
    makefile = (Path(__file__).parents[1] / "Makefile").read_text(encoding="utf-8")

    for target in re.findall(r"^make (\w+)", README, re.MULTILINE):
        assert f"\n{target}:" in makefile
