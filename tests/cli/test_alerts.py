"""``alerts``: the list for people and scripts, one alert in full, and a try of the channels."""

import csv
import io
import json
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import pytest

from collector.alerting.alert import AlertEvent
from collector.alerting.rule import Severity
from tests.build import NOW
from tests.channels.notices import FETCH_ERROR, MISMATCH, alert, notification
from tests.channels.servers import Mailbox, smtp_server
from tests.cli.command import HOSTILE, Command, is_harmless
from tests.cli.conftest import Installation
from tests.servers import free_port

RAISED = notification()
ALERT_ID = RAISED.change.alert.alert_id
CLEARED = notification(
    AlertEvent.CLEARED,
    about=alert(failed=0, cleared_at=NOW + timedelta(days=2), changes=2),
    causes=(),
    organizations=(),
)

RECORD = {
    "alert_id": ALERT_ID,
    "kind": "failure-rate",
    "severity": "critical",
    "state": "open",
    "policy_domain": "example.com",
    "day": "2026-05-11",
    "sessions": 937,
    "failed_sessions": 47,
    "failure_rate": 47 / 937,
    "threshold": 0.05,
    "raised_at": "2026-05-12T06:00:00Z",
    "cleared_at": None,
}

# ── The list ──────────────────────────────────────────────────────────────────


def test_json_has_the_documented_columns(ask: Command, installation: Installation) -> None:
    installation.record([RAISED])

    done = ask("alerts", "list", "--format", "json")

    assert (0, json.dumps([RECORD])) == (done.status, json.dumps(json.loads(done.output)))


def test_csv_has_the_same_columns(ask: Command, installation: Installation) -> None:
    installation.record([RAISED])

    (row,) = csv.DictReader(io.StringIO(ask("alerts", "list", "--format", "csv").output, newline=""))

    assert {name: "" if value is None else str(value) for name, value in RECORD.items()} == row
    assert list(RECORD) == list(row)


def test_the_table_shows_on_which_side_of_its_threshold_a_rate_is(
    ask: Command, installation: Installation
) -> None:
    installation.record([notification(about=alert(sessions=100_000, failed=5_001))])

    heading, _, row = (line.split("   ") for line in ask("alerts", "list").output.splitlines())
    cells = dict(zip(words(heading), words(row), strict=True))
    assert ("5,001 of 100,000", "5.001 %", "5 %", "-") == tuple(
        cells[name] for name in ("Failed", "Rate", "Threshold", "Cleared")
    )


def words(cells: list[str]) -> list[str]:
    return [cell.strip() for cell in cells if cell.strip()]


def test_no_alert_is_said_in_words(ask: Command, installation: Installation) -> None:
    installation.store()

    assert ("There are no alerts.\n", "[]\n") == (
        ask("alerts", "list").output,
        ask("alerts", "list", "--format", "json").output,
    )


@pytest.mark.parametrize(
    ("severity", "is_cleared", "status"),
    [(Severity.CRITICAL, False, 1), (Severity.WARNING, False, 0), (Severity.CRITICAL, True, 0)],
)
def test_the_exit_status_tells_of_an_open_critical_alert_when_asked(
    ask: Command, installation: Installation, severity: Severity, *, is_cleared: bool, status: int
) -> None:
    installation.record([notification(about=alert(severity=severity))])
    if is_cleared:
        installation.record([CLEARED])

    assert (status, 0) == (ask("alerts", "list", "--exit-code").status, ask("alerts", "list").status)


def test_cleared_alerts_can_be_left_out(ask: Command, installation: Installation) -> None:
    installation.record([RAISED, CLEARED])

    states = [row["state"] for row in json.loads(ask("alerts", "list", "--format", "json").output)]
    assert (["cleared"], "[]\n") == (states, ask("alerts", "list", "--open", "--format", "json").output)


# ── One alert ─────────────────────────────────────────────────────────────────


def test_an_alert_is_shown_with_causes_and_history(ask: Command, installation: Installation) -> None:
    installation.record([RAISED])

    done = ask("alerts", "show", ALERT_ID)

    assert 0 == done.status
    assert done.output.startswith(
        "CRITICAL: 47 of 937 TLS sessions to example.com failed (5.02 %) on 2026-05-11\n\nOn 2026-05-11 "
    )
    assert "\ncertificate-host-mismatch on mail2.example.com: 45 sessions\n  Meaning: " in done.output
    assert "\n    openssl s_client -starttls smtp -connect mail2.example.com:25 " in done.output
    assert done.output.endswith(
        "\n\nHistory\n  2026-05-12T06:00:00Z  alert.raised     critical  2026-05-11  47 of 937 (5.02 %)\n"
    )


def test_it_has_no_two_blank_lines_and_fits_the_terminal(ask: Command, installation: Installation) -> None:
    causes = tuple(replace(MISMATCH, receiving_mx_hostname=f"mx{n}.example.com") for n in range(9))
    installation.record([notification(causes=causes)])

    output = ask("alerts", "show", ALERT_ID).output

    assert "\n\n\n" not in output
    # A command to copy stays whole.
    assert 100 >= max(len(line) for line in output.splitlines() if "s_client" not in line)
    assert '\nAnd 4 more: "failures" lists them.\n' in output


def test_a_cleared_alert_still_tells_what_it_was_about(ask: Command, installation: Installation) -> None:
    installation.record([RAISED, CLEARED])

    output = ask("alerts", "show", ALERT_ID).output

    assert output.startswith("CLEARED: ")
    assert f"{MISMATCH.result_type} on {MISMATCH.receiving_mx_hostname}: 45 sessions" in output
    assert f"{FETCH_ERROR.result_type}: 2 sessions" in output
    assert ["alert.raised", "alert.cleared"] == [
        line.split()[1] for line in output.partition("History\n")[2].splitlines()
    ]


def test_hostile_names_do_not_steer_the_terminal(ask: Command, installation: Installation) -> None:
    cause = replace(MISMATCH, result_type=HOSTILE, receiving_mx_hostname=HOSTILE, organizations=(HOSTILE,))
    installation.record([notification(causes=(cause,), organizations=(HOSTILE,))])

    assert is_harmless(ask("alerts", "show", ALERT_ID).output)


def test_an_unknown_alert_is_wrong_usage(ask: Command, installation: Installation) -> None:
    installation.store()

    done = ask("alerts", "show", "0123456789abcdef")

    assert (2, "") == (done.status, done.output)
    assert 'there is no alert 0123456789abcdef: "alerts list" names them' in done.errors


# ── A try of the channels ─────────────────────────────────────────────────────


def email_channel(port: int) -> dict[str, object]:
    return {
        "name": "ops",
        "kind": "email",
        "host": "127.0.0.1",
        "port": port,
        "tls": "none",
        "from": "tlsrpt@example.com",
        "to": ["postmaster@example.edu"],
    }


def hook_that_is_away() -> dict[str, object]:
    return {"name": "hook", "kind": "webhook", "url": f"http://127.0.0.1:{free_port()}/", "secret": "hush"}


def test_a_channel_that_is_away_does_not_keep_another_from_being_tried(
    ask: Command, installation: Installation
) -> None:
    mailbox = Mailbox()
    with smtp_server(mailbox) as port:
        installation.configure(channels=[hook_that_is_away(), email_channel(port)])

        done = ask("alerts", "test")

    assert (69, "ops: the test was handed over; see that it arrives\n") == (done.status, done.output)
    assert any(line.startswith("hook: ") for line in done.errors.splitlines())
    assert "hush" not in done.errors
    (message,) = mailbox.messages
    assert message["Subject"].startswith("TEST (made up): ")


def test_one_channel_can_be_tried_alone(ask: Command, installation: Installation) -> None:
    mailbox = Mailbox()
    with smtp_server(mailbox) as port:
        installation.configure(channels=[hook_that_is_away(), email_channel(port)])

        done = ask("-q", "alerts", "test", "--channel", "ops")

    assert (0, "", 1) == (done.status, done.errors, len(mailbox.messages))


def test_a_channel_that_refuses_is_misconfigured(ask: Command, installation: Installation) -> None:
    mailbox = Mailbox(refused={"postmaster@example.edu": "550 nobody here"})
    with smtp_server(mailbox) as port:
        installation.configure(channels=[email_channel(port)])

        done = ask("alerts", "test")

    assert (78, "") == (done.status, done.output)
    assert "nobody here" in done.errors


def test_an_unknown_channel_is_wrong_usage(ask: Command, installation: Installation) -> None:
    installation.configure(channels=[hook_that_is_away()])

    done = ask("alerts", "test", "--channel", "other")

    assert 2 == done.status
    assert "no channel is named other (known: hook)" in done.errors


def test_no_channel_is_said_plainly(ask: Command) -> None:
    done = ask("alerts", "test")

    assert (78, 'tlsrpt-collector: no channel is configured: add one under "channels"\n') == (
        done.status,
        done.errors,
    )


def test_a_rate_equal_to_its_threshold_looks_equal(ask: Command, installation: Installation) -> None:
    about = alert(sessions=1_000, failed=50, threshold=Fraction(5, 100))
    installation.record([notification(about=about)])

    row = ask("alerts", "list").output.splitlines()[-1]
    assert "   50 of 1,000    5 %         5 %   " in row
