"""Log events: their order and their levels, and that nothing in them steers a terminal."""

import json
import logging

import pytest
import structlog

from collector.cli.logs import start_logging
from tests.cli.command import HOSTILE, is_harmless

Capture = pytest.CaptureFixture[str]


def test_json_lines_begin_with_time_level_and_event(capsys: Capture) -> None:
    start_logging("json", 0)

    structlog.get_logger().info("report_stored", organization="Google Inc.", failed_sessions=3)

    event = json.loads(capsys.readouterr().err)
    assert ["timestamp", "level", "event", "organization", "failed_sessions"] == list(event)
    assert ("info", "report_stored", "Google Inc.", 3) == tuple(event.values())[1:]
    assert event["timestamp"].endswith("Z")


def test_events_of_libraries_are_told_alike(capsys: Capture) -> None:
    start_logging("json", 0)

    logging.getLogger("urllib3").warning("cannot reach %s", "example.com")

    event = json.loads(capsys.readouterr().err)
    assert ["timestamp", "level", "event"] == list(event)
    assert ("warning", "cannot reach example.com") == (event["level"], event["event"])


@pytest.mark.parametrize(
    ("verbosity", "levels"),
    [
        (-5, ["error"]),
        (-2, ["error"]),
        (-1, ["warning", "error"]),
        (0, ["info", "warning", "error"]),
        (1, ["debug", "info", "warning", "error"]),
        (3, ["debug", "info", "warning", "error"]),
    ],
)
def test_q_and_v_choose_the_level(capsys: Capture, verbosity: int, levels: list[str]) -> None:
    start_logging("json", verbosity)

    for level in ("debug", "info", "warning", "error"):
        getattr(structlog.get_logger(), level)("told")

    assert levels == [json.loads(line)["level"] for line in capsys.readouterr().err.splitlines()]


@pytest.mark.parametrize(
    "library", ["imapclient", "imapclient.imaplib", "urllib3.connectionpool", "sqlalchemy.engine"]
)
def test_libraries_never_tell_more_than_warnings(capsys: Capture, library: str) -> None:
    """What they tell below that holds logins and addresses with their secrets."""
    start_logging("json", 1)

    logging.getLogger(library).info("LOGIN user secret")

    assert "" == capsys.readouterr().err


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_hostile_text_neither_steers_the_terminal_nor_begins_a_line(capsys: Capture, log_format: str) -> None:
    start_logging(log_format, 0)

    structlog.get_logger().warning("delivery_quarantined", reason=HOSTILE, names=(HOSTILE,))
    logging.getLogger("library").warning(HOSTILE)

    written = capsys.readouterr().err
    assert is_harmless(written)
    assert 2 == len(written.splitlines())


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_a_traceback_is_told_without_the_values_of_variables(capsys: Capture, log_format: str) -> None:
    start_logging(log_format, 0)
    try:
        log_in("hunter" + "2")
    except ValueError:
        structlog.get_logger().exception("worker_crashed")

    written = capsys.readouterr().err
    assert "ValueError: Evil" in written
    assert "hunter2" not in written
    assert is_harmless(written)
    assert not any(line.startswith("2026-01-01 forged") for line in written.splitlines())


def log_in(password: str) -> None:
    assert password
    message = f"{HOSTILE}\n2026-01-01 forged"
    raise ValueError(message)
