"""What is gathered for the page, and how it is put into shape."""

from datetime import date, timedelta
from fractions import Fraction

from collector.alerting.rule import Severity
from collector.web.overview import MAX_ALERTS_SHOWN, MAX_DOMAINS_SHOWN, DomainDay, Overview, overview
from collector.web.sparkline import Bar, bars
from collector.web.text import alert_percent, percent, shown
from tests.web.fakes import TODAY, YESTERDAY, open_alert, summary_row


def names(gathered: Overview) -> list[str | None]:
    return [domain.domain for domain in gathered.domains]


def test_the_days_of_a_domain_add_up() -> None:
    gathered = overview(
        [
            summary_row(day=date(2026, 5, 1), sessions=10, failed=1, organizations=("Google Inc.",)),
            summary_row(
                day=date(2026, 5, 3), sessions=30, failed=0, organizations=("Comcast", "Google Inc.")
            ),
        ],
        [],
        today=TODAY,
    )

    assert (40, 1, Fraction(1, 40)) == (gathered.sessions, gathered.failed_sessions, gathered.failure_rate)
    (domain,) = gathered.domains
    assert (40, 1, Fraction(1, 40)) == (domain.sessions, domain.failed_sessions, domain.failure_rate)
    assert ("Comcast", "Google Inc.") == domain.organizations
    assert date(2026, 5, 3) == domain.last_day == gathered.last_day
    assert (date(2026, 4, 12), TODAY) == (gathered.since, gathered.until)


def test_an_mx_host_that_is_told_again_in_its_domain_is_left_out_of_the_total() -> None:
    """The same report covers the domain that the host serves."""
    gathered = overview(
        [
            summary_row(sessions=100, failed=7),
            summary_row("mx1.example.com", sessions=100, failed=7, served=True),
        ],
        [],
        today=TODAY,
    )

    assert (2, 100, 7) == (gathered.domain_count, gathered.sessions, gathered.failed_sessions)


def test_domains_come_by_open_alert_then_by_rate_and_those_without_sessions_last() -> None:
    rows = [
        summary_row("quiet.example", sessions=0),
        summary_row("well.example"),
        summary_row("bad.example", failed=50),
        summary_row("warned.example", failed=2),
        summary_row("alarmed.example", failed=1),
        summary_row(None, failed=1),
    ]
    alerts = [
        open_alert("warned.example", Severity.WARNING),
        open_alert("alarmed.example", Severity.CRITICAL),
    ]

    assert [
        "alarmed.example",
        "warned.example",
        "bad.example",
        None,
        "well.example",
        "quiet.example",
    ] == names(overview(rows, alerts, today=TODAY))


def test_of_ten_thousand_domains_the_worst_are_shown_and_all_are_counted() -> None:
    rows = [summary_row(f"d{number:05}.example", sessions=10_000, failed=number) for number in range(10_000)]

    gathered = overview(rows, [], today=TODAY)

    assert [f"d{number:05}.example" for number in range(9_999, 9_999 - MAX_DOMAINS_SHOWN, -1)] == names(
        gathered
    )
    assert (10_000, 100_000_000) == (gathered.domain_count, gathered.sessions)


def test_alerts_come_by_severity_then_by_rate_and_all_are_counted() -> None:
    warnings = [open_alert(f"w{n:02}.example", Severity.WARNING, sessions=100, failed=2) for n in range(60)]
    critical = [open_alert("c1.example", failed=200), open_alert("c2.example", failed=300)]

    gathered = overview([], [*warnings, *critical], today=TODAY)

    assert ["c2.example", "c1.example", "w00.example"] == [a.policy_domain for a in gathered.alerts[:3]]
    assert (MAX_ALERTS_SHOWN, 62) == (len(gathered.alerts), gathered.alert_count)
    assert (2, 60) == (gathered.critical_alerts, gathered.warning_alerts)


def test_nothing_stored_is_an_overview_too() -> None:
    gathered = overview([], [], today=TODAY)

    assert (0, None, None) == (gathered.domain_count, gathered.last_day, gathered.failure_rate)


def test_a_bar_is_as_high_as_the_root_of_the_rate_and_a_day_without_failures_is_a_line() -> None:
    days = [
        DomainDay(day=YESTERDAY - timedelta(days=2), sessions=100, failed_sessions=0),
        DomainDay(day=YESTERDAY - timedelta(days=1), sessions=1_000_000, failed_sessions=1),
        DomainDay(day=YESTERDAY, sessions=400, failed_sessions=100),
        DomainDay(day=TODAY, sessions=2, failed_sessions=2),
    ]

    assert (
        Bar(x=0, y=23, height=1, failed=False, title="2026-05-09: 0 %, 0 of 100"),
        Bar(x=5, y=22, height=2, failed=True, title="2026-05-10: 0.0001 %, 1 of 1,000,000"),
        Bar(x=10, y=12, height=12, failed=True, title="2026-05-11: 25.0 %, 100 of 400"),
        Bar(x=15, y=0, height=24, failed=True, title="2026-05-12: 100 %, 2 of 2"),
    ) == bars(days, since=YESTERDAY - timedelta(days=2))


def test_a_rate_never_looks_like_none_like_all_or_like_its_threshold() -> None:
    rates = (None, Fraction(0), Fraction(1, 30_000), Fraction(1, 8), Fraction(99_999, 100_000), Fraction(1))
    barely = open_alert(sessions=100_000, failed=5_001)

    assert ("no sessions", "0 %", "0.003 %", "12.5 %", "99.999 %", "100 %") == tuple(map(percent, rates))
    assert "5.001 %" == alert_percent(barely)
    assert "no sessions" == alert_percent(open_alert(sessions=0, failed=0))


def test_a_text_of_which_nothing_can_be_printed_says_so() -> None:
    assert "(not printable)" == shown("\u202e\x00\ud800")
