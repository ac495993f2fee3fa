"""``reports``, ``policies``, ``failures``, ``summary``: one answer for people, spreadsheets and programs."""

import csv
import io
import json
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest

from collector.app import utc_now
from tests.build import DAY, failure_json, policy_json, received, report_json, utc
from tests.cli.command import Command, hostile_report, is_harmless
from tests.cli.conftest import Installation

MICROSOFT = "Microsoft Corporation"

# Long enough for any command of ours; one that takes longer hangs.
TIMEOUT_SECONDS = 60

REPORTS = {
    "date": "2026-05-11",
    "organization_name": "Google Inc.",
    "report_id": "2026-05-11_example.com",
    "contact_info": "smtp-tls-reporting@google.com",
    "policy_domains": ["example.com", "mx1.example.com"],
    "policy_types": ["sts", "tlsa"],
    "sessions": 1000,
    "successful_sessions": 960,
    "failed_sessions": 40,
    "evidence": "none",
    "foreign": False,
}
POLICIES = [
    {
        "date": "2026-05-11",
        "organization_name": "Google Inc.",
        "policy_domain": "example.com",
        "policy_type": "sts",
        "policy_details": "mode=enforce; mx=*.example.com; max_age=604800",
        "successful_sessions": 960,
        "failed_sessions": 40,
    },
    {
        "date": "2026-05-11",
        "organization_name": "Google Inc.",
        "policy_domain": "mx1.example.com",
        "policy_type": "tlsa",
        "policy_details": "1 TLSA record",
        "successful_sessions": 500,
        "failed_sessions": 0,
    },
]
FAILURES = {
    "date": "2026-05-11",
    "organization_name": "Google Inc.",
    "policy_domain": "example.com",
    "policy_type": "sts",
    "result_type": "certificate-expired",
    "sending_mta_ip": "198.51.100.7",
    "receiving_mx_hostname": "mx1.example.com",
    "receiving_ip": "203.0.113.25",
    "failed_sessions": 40,
    "failure_reason_code": None,
}
SUMMARY = [
    {
        "domain": "example.com",
        "day": "2026-05-11",
        "sessions": 1000,
        "failed_sessions": 40,
        "failure_rate": 0.04,
        "organizations": ["Google Inc."],
    },
    {
        "domain": "mx1.example.com",
        "day": "2026-05-11",
        "sessions": 500,
        "failed_sessions": 0,
        "failure_rate": 0.0,
        "organizations": ["Google Inc."],
    },
]
ANSWERS: dict[str, list[dict[str, Any]]] = {
    "reports": [REPORTS],
    "policies": POLICIES,
    "failures": [FAILURES],
    "summary": SUMMARY,
}


@pytest.fixture
def one_report(installation: Installation) -> None:
    """A report about a domain, and about an MX host that serves it (RFC 8460 §1.1)."""
    entries = (
        policy_json(successful=960, failed=40),
        policy_json("mx1.example.com", "tlsa", successful=500),
    )
    installation.store(received(report_json(*entries)))


@pytest.fixture
def no_report(installation: Installation) -> None:
    installation.store()


# ── For programs ──────────────────────────────────────────────────────────────


@pytest.mark.usefixtures("one_report")
@pytest.mark.parametrize("question", ANSWERS)
def test_json_is_a_list_of_objects_with_the_documented_columns(ask: Command, question: str) -> None:
    done = ask(question, "--format", "json")

    assert (0, "") == (done.status, done.errors)
    # As text, for the order of the columns counts too.
    assert json.dumps(ANSWERS[question]) == json.dumps(json.loads(done.output))


@pytest.mark.usefixtures("one_report")
@pytest.mark.parametrize("question", ANSWERS)
def test_csv_has_the_same_columns(ask: Command, question: str) -> None:
    rows = list(csv.DictReader(io.StringIO(ask(question, "--format", "csv").output, newline="")))

    assert list(ANSWERS[question][0]) == list(rows[0])
    assert [[as_csv(value) for value in row.values()] for row in ANSWERS[question]] == [
        list(row.values()) for row in rows
    ]


def as_csv(value: Any) -> str:
    if isinstance(value, list):
        return "; ".join(value)
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value)


@pytest.mark.usefixtures("one_report")
def test_csv_is_that_of_rfc_4180(ask: Command) -> None:
    assert (
        "date,organization_name,policy_domain,policy_type,result_type,sending_mta_ip,"
        "receiving_mx_hostname,receiving_ip,failed_sessions,failure_reason_code\r\n"
        "2026-05-11,Google Inc.,example.com,sts,certificate-expired,198.51.100.7,"
        "mx1.example.com,203.0.113.25,40,\r\n"
    ) == ask("failures", "--format", "csv").output


def test_a_day_without_sessions_and_a_report_without_a_domain_have_rows(
    ask: Command, installation: Installation
) -> None:
    entries = (policy_json("example.com", successful=0), policy_json(None, "no-policy-found", successful=3))
    installation.store(received(report_json(*entries)))

    rows = json.loads(ask("summary", "--format", "json").output)

    assert [("example.com", None), (None, 0.0)] == [(row["domain"], row["failure_rate"]) for row in rows]


def test_no_text_of_a_report_runs_in_a_spreadsheet_or_steers_a_terminal(
    ask: Command, installation: Installation
) -> None:
    installation.store(received(hostile_report()))

    for question in ANSWERS:
        table = ask(question).output
        cells = [
            cell
            for row in csv.reader(io.StringIO(ask(question, "--format", "csv").output, newline=""))
            for cell in row
        ]
        assert is_harmless(table)
        assert all(is_harmless(cell) and not cell.startswith(("=", "+", "-", "@")) for cell in cells)
        assert json.loads(ask(question, "--format", "json").output)
    assert "'=cmd|" in ask("reports", "--format", "csv").output


# ── For people ────────────────────────────────────────────────────────────────

SUMMARY_TABLE = """\
Domain            Day          Sessions   Failed    Rate   Organizations
------------------------------------------------------------------------
example.com       2026-05-11      1,000       40   4.0 %   Google Inc.
mx1.example.com   2026-05-11        500        0     0 %   Google Inc.
------------------------------------------------------------------------
TOTAL                             1,000       40   4.0 %
"""

FAILURES_TABLE = [
    (
        "Date         Organization   Policy domain   Policy type   Result type           Sending MTA    "
        "Receiving MX      Receiving IP   Failed   Reason"
    ),
    "-" * 143,
    (
        "2026-05-11   Google Inc.    example.com     sts           certificate-expired   198.51.100.7   "
        "mx1.example.com   203.0.113.25       40   -"
    ),
]


@pytest.mark.usefixtures("one_report")
def test_the_total_of_a_summary_counts_each_session_once(ask: Command) -> None:
    assert SUMMARY_TABLE == ask("summary").output


@pytest.mark.usefixtures("one_report")
def test_a_table_that_is_piped_is_never_folded(ask: Command) -> None:
    assert FAILURES_TABLE == ask("failures").output.splitlines()


@pytest.mark.usefixtures("one_report")
@pytest.mark.parametrize(
    ("question", "has_total"),
    [("reports", True), ("summary", True), ("policies", False), ("failures", False)],
)
def test_reports_and_summary_end_in_a_total(ask: Command, question: str, *, has_total: bool) -> None:
    last = ask(question).output.splitlines()[-1]

    assert has_total is last.startswith("TOTAL ")


@pytest.mark.usefixtures("no_report")
@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("reports", "No reports match.\n"),
        ("policies", "No policies match.\n"),
        ("failures", "No failures match.\n"),
        ("summary", "No reports match.\n"),
    ],
)
def test_an_empty_answer_is_said_in_words(ask: Command, question: str, words: str) -> None:
    header = ",".join(ANSWERS[question][0])

    assert (words, "[]\n", f"{header}\r\n") == (
        ask(question).output,
        ask(question, "--format", "json").output,
        ask(question, "--format", "csv").output,
    )


# ── Filters ───────────────────────────────────────────────────────────────────


@pytest.fixture
def a_month(installation: Installation) -> None:
    """Reports of 1 to 30 May by two organizations; one of the 20th tells of failures."""
    for number in range(1, 31):
        day = utc(2026, 5, number)
        failed = 5 if number == 20 else 0
        installation.store(
            received(report_json(policy_json(failed=failed), day=day, report_id=f"g{number}")),
            received(
                report_json(
                    policy_json("example.net"), day=day, report_id=f"m{number}", organization=MICROSOFT
                )
            ),
        )


@pytest.mark.usefixtures("a_month")
@pytest.mark.parametrize(
    ("filters", "report_ids"),
    [
        (["--since", "2026-05-30"], ["g30", "m30"]),
        (["--until", "2026-05-01"], ["g1", "m1"]),
        (["--since", "2026-05-02", "--until", "2026-05-02", "--domain", "Example.NET."], ["m2"]),
        (["--organization", "microsoft CORPORATION", "--until", "2026-05-01"], ["m1"]),
        (["--failures"], ["g20"]),
        (["--domain", "no domain"], []),
    ],
)
def test_filters_choose_reports(ask: Command, filters: list[str], report_ids: list[str]) -> None:
    found = json.loads(ask("reports", "--format", "json", *filters).output)

    assert report_ids == sorted(row["report_id"] for row in found)


def test_so_many_days_are_counted_back_from_today(ask: Command, installation: Installation) -> None:
    today = utc_now().replace(hour=0, minute=0, second=0, microsecond=0)
    installation.store(
        *(
            received(report_json(day=today - timedelta(days=days), report_id=f"{days}"))
            for days in (29, 30, 31, 32)
        )
    )

    found = json.loads(ask("reports", "--format", "json", "--since", "30d").output)

    # The day may turn while the test runs.
    assert {"29", "30"} <= {row["report_id"] for row in found} <= {"29", "30", "31"}


@pytest.mark.parametrize(
    "day", ["yesterday", "2026-02-30", "20260101", "2026-W01-1", "30", "-3d", "99999999d"]
)
def test_a_day_that_is_none_is_wrong_usage(ask: Command, day: str) -> None:
    done = ask("reports", f"--since={day}")

    assert (2, "") == (done.status, done.output)
    assert f"'{day}' is no day: write 2026-01-01 or 30d" in done.errors


# ── When something is wrong ───────────────────────────────────────────────────


@pytest.mark.parametrize("question", ANSWERS)
def test_a_store_that_is_not_there_yet_is_unavailable(
    ask: Command, installation: Installation, question: str
) -> None:
    done = ask(question)

    assert (69, "") == (done.status, done.output)
    assert str(installation.config_path.parent / "store.db") in done.errors


def test_a_configuration_that_is_not_there_is_said_plainly(command: Command) -> None:
    done = command("--config", "/nowhere/config.yaml", "reports")

    assert (78, "") == (done.status, done.output)
    assert "/nowhere/config.yaml" in done.errors


@pytest.mark.parametrize("output_format", ["table", "json", "csv"])
def test_a_reader_that_has_had_enough_ends_the_command_silently(
    installation: Installation, output_format: str
) -> None:
    failures = [failure_json(mx_host=f"mx{n}.example.com") for n in range(5_000)]
    installation.store(received(report_json(policy_json(failed=5_000, failures=failures), day=DAY)))
    arguments = ("--config", str(installation.config_path), "failures", "--format", output_format)

    with subprocess.Popen(  # noqa: S603  our own command
        [sys.executable, "-m", "collector", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline()
        process.stdout.close()

        assert (b"", 0) == (process.stderr.read(), process.wait(TIMEOUT_SECONDS))
