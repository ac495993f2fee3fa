"""The words of an alert: exact numbers, and nothing hidden in them."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from collector.alerting.alert import AlertEvent
from collector.alerting.percent import rate_text, share_text
from collector.alerting.rule import Severity
from collector.alerting.traffic import Cause
from collector.alerting.trial import trial_notification
from collector.alerting.wording import MAX_CAUSES, cause_wordings, printable, wording
from collector.tlsrpt.result_types import MISSING, RESULT_TYPES, UNKNOWN, commands
from tests.build import NOW, utc
from tests.channels.notices import (
    FETCH_ERROR,
    HARMLESS,
    HOSTILE,
    MISMATCH,
    alert,
    hostile_notification,
    notification,
)

FIVE_PERCENT = Fraction(5, 100)


def test_a_raised_alert_names_domain_day_count_and_a_rate_visibly_above_its_threshold() -> None:
    """47 of 937 is 5.016 %: "5.0 %" would look equal to the threshold, and an equal rate never exceeds."""
    words = wording(notification())

    assert "CRITICAL: 47 of 937 TLS sessions to example.com failed (5.02 %) on 2026-05-11" == words.title
    assert (
        "On 2026-05-11 (UTC) 47 of 937 TLS sessions to example.com failed. "
        "That is 5.02 % and exceeds the critical threshold of 5 %."
    ) == words.summary


def test_the_facts_stand_in_reading_order() -> None:
    assert (
        ("Domain", "example.com"),
        ("Day", "2026-05-11 (UTC)"),
        ("Failed sessions", "47 of 937"),
        ("Failure rate", "5.02 %"),
        ("Threshold", "5 % (critical); a rate must exceed it"),
        ("Reported by", "Google Inc., Microsoft Corporation"),
        ("Raised", "2026-05-12 06:00 UTC"),
        ("Alert", alert().alert_id),
    ) == wording(notification()).facts


def test_thousands_are_separated() -> None:
    words = wording(notification(about=alert(sessions=1_234_567, failed=234_567)))

    assert (
        "CRITICAL: 234,567 of 1,234,567 TLS sessions to example.com failed (19.0 %) on 2026-05-11"
    ) == words.title


def test_an_escalated_alert_says_so() -> None:
    words = wording(notification(AlertEvent.ESCALATED, about=alert(changes=2)))

    assert words.title.startswith("CRITICAL (escalated): 47 of 937 TLS sessions")
    assert words.summary.startswith("The alert about this domain is now critical. On 2026-05-11 (UTC) 47 of")


def test_a_warning_names_the_warning_threshold() -> None:
    about = alert(severity=Severity.WARNING, threshold=Fraction(1, 100), failed=10)

    assert wording(notification(about=about)).summary.endswith(
        "That is 1.1 % and exceeds the warning threshold of 1 %."
    )


def test_a_cleared_alert_tells_of_the_later_days_and_of_no_causes() -> None:
    about = alert(day=date(2026, 5, 14), failed=9, sessions=1000, cleared_at=utc(2026, 5, 15, 6), changes=2)

    words = wording(notification(AlertEvent.CLEARED, about=about))

    assert "CLEARED: TLS sessions to example.com are at or below the threshold again" == words.title
    assert (
        "The report days of example.com after 2026-05-11 are at or below the threshold. "
        "On 2026-05-14, the latest of them, 9 of 1,000 failed (0.9 %)."
    ) == words.summary
    assert (("Last day above", "2026-05-11"), ("Cleared", "2026-05-15 06:00 UTC"), ()) == (
        words.facts[5],
        words.facts[8],
        words.causes,
    )


def test_a_cleared_alert_does_not_call_a_day_of_too_few_sessions_below_the_threshold() -> None:
    about = alert(day=date(2026, 5, 14), failed=1, sessions=2, cleared_at=NOW, changes=2)

    assert (
        "The report days of example.com after 2026-05-11 are at or below the threshold, or tell of too few "
        "sessions to be judged. On 2026-05-14, the latest of them, 1 of 2 failed (50.0 %)."
    ) == wording(notification(AlertEvent.CLEARED, about=about)).summary


def test_a_day_without_sessions_has_no_rate() -> None:
    about = alert(sessions=0, failed=0, cleared_at=NOW, changes=2)

    assert ("Failure rate", "no sessions") in wording(notification(AlertEvent.CLEARED, about=about)).facts


def test_a_test_is_plainly_a_test() -> None:
    words = wording(trial_notification(now=NOW))

    assert "TEST (made up): 17 of 937 TLS sessions to example.com failed (1.8 %) on 2026-05-11" == words.title
    assert words.summary.startswith("This is a test of this channel, sent on request: nothing failed.")
    assert "This was a test: nothing failed, and nothing needs to be done." == words.closing


def test_two_tests_have_different_names() -> None:
    first = trial_notification(now=NOW).change.message_id

    assert first != trial_notification(now=utc(2026, 5, 12, 7)).change.message_id


def test_a_cause_says_what_it_means_and_what_to_do_and_how_to_check() -> None:
    (cause,) = wording(notification(causes=(MISMATCH,))).causes
    entry = RESULT_TYPES["certificate-host-mismatch"]

    assert "certificate-host-mismatch on mail2.example.com: 45 sessions" == cause.heading
    assert (entry.meaning, entry.cause, entry.action) == (cause.meaning, cause.cause, cause.action)
    assert (
        commands("certificate-host-mismatch", policy_domain="example.com", mx_host="mail2.example.com")
        == cause.commands
    )


def test_what_one_organization_alone_reports_says_what_to_look_at_first() -> None:
    several, one = wording(notification(causes=(MISMATCH, FETCH_ERROR))).causes

    assert several.at_one_organization is None
    assert (
        "Only Microsoft Corporation reports this. "
        + RESULT_TYPES["sts-policy-fetch-error"].at_one_organization
    ) == one.at_one_organization


def test_one_session_is_not_sessions() -> None:
    cause = Cause(result_type=None, receiving_mx_hostname=None, failed_sessions=1, organizations=())

    (words,) = wording(notification(causes=(cause,))).causes

    assert ("no result type stated: 1 session", MISSING.meaning) == (words.heading, words.meaning)


def test_an_unknown_result_type_is_told_as_sent_and_called_unknown() -> None:
    cause = Cause(
        result_type="certificate-moldy", receiving_mx_hostname=None, failed_sessions=3, organizations=()
    )

    (words,) = wording(notification(causes=(cause,))).causes

    assert ("certificate-moldy: 3 sessions", UNKNOWN.meaning) == (words.heading, words.meaning)


def test_causes_beyond_the_largest_few_are_only_counted() -> None:
    words = wording(notification(causes=(MISMATCH,) * (MAX_CAUSES + 3)))

    assert (MAX_CAUSES, 3) == (len(words.causes), words.more_causes)


def test_organizations_beyond_the_first_few_are_only_counted() -> None:
    words = wording(notification(organizations=("A", "B", "C", "D", "E", "F", "")))

    assert ("Reported by", "A, B, C, D, E and 2 more") in words.facts


def test_an_alert_without_failure_details_has_no_causes() -> None:
    words = wording(notification(causes=()))

    assert ((), 0) == (words.causes, words.more_causes)


def test_names_in_a_report_lose_all_that_is_hidden_in_them() -> None:
    (cause,) = cause_wordings(hostile_notification(), limit=1)

    assert (HARMLESS, HARMLESS) == (cause.result_type, cause.receiving_mx_hostname)
    assert all("Evil" not in command for command in cause.commands)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (HOSTILE, HARMLESS),
        ("  two \t lines\nare one ", "two lines are one"),
        ("Grüße 株式会社", "Grüße 株式会社"),
        ("\u2066a\u2069\u200b\u2028b", "a b"),
        ("x" * 81, "x" * 77 + "..."),
        ("", ""),
    ],
)
def test_text_is_made_printable(text: str, shown: str) -> None:
    assert shown == printable(text)


@given(st.text(), st.integers(min_value=1, max_value=100))
def test_printable_text_is_one_line_within_its_limit_and_stays_as_it_is(text: str, limit: int) -> None:
    shown = printable(text, limit)

    assert len(shown) <= limit
    assert shown.isprintable()
    assert shown == printable(shown, limit)


@pytest.mark.parametrize(
    ("rate", "threshold", "shown"),
    [
        (Fraction(47, 937), FIVE_PERCENT, "5.02 %"),
        (FIVE_PERCENT, FIVE_PERCENT, "5 %"),
        (Fraction(500_001, 10_000_000), FIVE_PERCENT, "5.00001 %"),
        (Fraction(499_999, 10_000_000), FIVE_PERCENT, "4.99999 %"),
        (Fraction(1, 100_000), FIVE_PERCENT, "0.001 %"),
        (Fraction(99_999, 100_000), FIVE_PERCENT, "99.999 %"),
        (Fraction(0), FIVE_PERCENT, "0.0 %"),
        (Fraction(1), FIVE_PERCENT, "100.0 %"),
        (Fraction(1, 3), Fraction(1, 3), "33.333333333333 %"),
    ],
)
def test_a_rate_has_as_many_digits_as_show_on_which_side_it_is(
    rate: Fraction, threshold: Fraction, shown: str
) -> None:
    assert shown == rate_text(rate, threshold)


@given(
    failed=st.integers(min_value=0, max_value=10**12),
    sessions=st.integers(min_value=1, max_value=10**12),
    threshold=st.integers(min_value=0, max_value=10_000),
)
def test_a_rate_as_shown_compares_with_its_threshold_as_the_rate_itself_does(
    failed: int, sessions: int, threshold: int
) -> None:
    assume(failed <= sessions)
    rate, limit = Fraction(failed, sessions), Fraction(threshold, 10_000)

    shown = Fraction(rate_text(rate, limit).removesuffix(" %")) / 100

    assert (rate > limit, rate < limit) == (shown > limit, shown < limit)


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (Fraction(1, 100), "1 %"),
        (Fraction(25, 10_000), "0.25 %"),
        (Fraction(0), "0 %"),
        (Fraction(1), "100 %"),
    ],
)
def test_a_share_has_as_many_digits_as_it_needs(share: Fraction, shown: str) -> None:
    assert shown == share_text(share)
