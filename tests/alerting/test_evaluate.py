"""Which alerts are raised, escalated and cleared, and which are not."""

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.alerting.alert import Alert, AlertChange, AlertEvent, AlertKind, alert_id
from collector.alerting.evaluate import Standing, evaluate
from collector.alerting.rule import DEFAULT_THRESHOLDS, Rules, Severity, Thresholds
from collector.alerting.traffic import DayTraffic
from tests.build import utc

NOW = utc(2026, 5, 12, 6)
TODAY = NOW.date()
RULES = Rules()


def days_ago(days: int) -> date:
    return TODAY - timedelta(days=days)


def row(
    day: int,
    failed: int,
    sessions: int = 1000,
    *,
    domain: str = "example.com",
    organization: str = "Google Inc.",
    host: str | None = None,
) -> DayTraffic:
    """What an organization reported of a domain, so many days ago."""
    return DayTraffic(
        judged_domain=domain,
        policy_domain=host or domain,
        day=days_ago(day),
        organization=organization,
        sessions=sessions,
        failed_sessions=failed,
    )


def alert(
    severity: Severity = Severity.WARNING, *, day: int = 3, failed: int = 20, changes: int = 1
) -> Alert:
    return Alert(
        alert_id=alert_id(AlertKind.FAILURE_RATE, "example.com", days_ago(day)),
        kind=AlertKind.FAILURE_RATE,
        severity=severity,
        policy_domain="example.com",
        day=days_ago(day),
        sessions=1000,
        failed_sessions=failed,
        threshold=DEFAULT_THRESHOLDS.of(severity),
        last_exceeding_day=days_ago(day),
        raised_at=NOW,
        cleared_at=None,
        changes=changes,
    )


def events(*rows: DayTraffic, standing: Standing | None = None, rules: Rules = RULES) -> list[AlertEvent]:
    return [change.event for change in evaluate(rules, rows, standing or Standing(), now=NOW)]


STANDING = Standing(open_alerts=(alert(),))


def test_a_rate_above_warning_raises_an_alert_that_tells_its_day() -> None:
    expected = (AlertChange(event=AlertEvent.RAISED, alert=alert(day=1), at=NOW),)

    assert expected == evaluate(RULES, [row(1, 20)], Standing(), now=NOW)


@pytest.mark.parametrize(
    ("failed", "sessions", "expected"),
    [
        (10, 1000, None),
        (11, 1000, Severity.WARNING),
        (50, 1000, Severity.WARNING),
        (51, 1000, Severity.CRITICAL),
        (1000, 1000, Severity.CRITICAL),
        (0, 1000, None),
        (0, 0, None),
        (9, 9, None),
        (2, 10, Severity.CRITICAL),
        (1, 10, None),
    ],
)
def test_a_rate_must_exceed_its_threshold(failed: int, sessions: int, expected: Severity | None) -> None:
    """An equal rate does not; nor does a day of fewer than 10 sessions, or a single failure."""
    assert expected == DEFAULT_THRESHOLDS.severity_of(failed, sessions)


def test_thresholds_are_compared_exactly() -> None:
    """A third of three hundred thousand million is not above a third."""
    third = Thresholds(
        warning=Fraction(1, 3), critical=Fraction(1), minimum_sessions=1, minimum_failed_sessions=1
    )

    assert (None, Severity.WARNING) == (
        third.severity_of(10**11, 3 * 10**11),
        third.severity_of(10**11 + 1, 3 * 10**11),
    )


def test_the_rate_of_a_day_is_that_of_all_its_organizations() -> None:
    quiet = row(1, 0, 9000, organization="Microsoft Corporation")

    assert [] == events(row(1, 60), quiet)


def test_a_domain_has_at_most_one_open_alert() -> None:
    assert [] == events(row(3, 20), row(2, 20), row(1, 20), standing=STANDING)


def test_each_domain_has_its_own() -> None:
    rows = [row(1, 20, domain="example.net"), row(1, 20)]

    assert ["example.com", "example.net"] == [
        change.alert.policy_domain for change in evaluate(RULES, rows, Standing(), now=NOW)
    ]


def test_a_higher_threshold_escalates_once() -> None:
    (change,) = evaluate(RULES, [row(3, 20), row(1, 300)], STANDING, now=NOW)

    assert (AlertEvent.ESCALATED, Severity.CRITICAL, days_ago(1), 2) == (
        change.event,
        change.alert.severity,
        change.alert.day,
        change.alert.changes,
    )
    assert [] == events(row(3, 20), row(1, 300), standing=Standing(open_alerts=(change.alert,)))


def test_a_lower_rate_does_not_deescalate() -> None:
    standing = Standing(open_alerts=(alert(Severity.CRITICAL, failed=300),))

    assert [] == events(row(3, 300), row(2, 20), standing=standing)


def test_two_clean_days_clear_it_with_the_same_id() -> None:
    (change,) = evaluate(RULES, [row(3, 20), row(2, 0), row(1, 1)], STANDING, now=NOW)

    assert (AlertEvent.CLEARED, alert().alert_id, days_ago(1), NOW) == (
        change.event,
        change.alert.alert_id,
        change.alert.day,
        change.alert.cleared_at,
    )


def test_one_clean_day_does_not_clear_it() -> None:
    assert [] == events(row(3, 20), row(2, 0), standing=STANDING)


def test_silence_does_not_clear_it() -> None:
    assert [] == events(row(3, 20), standing=STANDING)


def test_it_is_not_cleared_before_each_organization_that_saw_it_has_reported_again() -> None:
    seen_by_microsoft = row(3, 20, organization="Microsoft Corporation")
    google_clean = [row(2, 0), row(1, 0)]

    assert [] == events(seen_by_microsoft, *google_clean, standing=STANDING)
    assert [AlertEvent.CLEARED] == events(
        seen_by_microsoft,
        *google_clean,
        row(1, 0, organization="Microsoft Corporation"),
        standing=STANDING,
    )


def test_a_day_that_was_told_and_cleared_does_not_raise_again() -> None:
    standing = Standing(told_through={"example.com": days_ago(3)})

    assert [] == events(row(3, 20), row(2, 0), row(1, 0), standing=standing)


def test_a_later_day_raises_a_new_alert() -> None:
    standing = Standing(told_through={"example.com": days_ago(3)})

    assert [AlertEvent.RAISED] == events(row(3, 20), row(1, 20), standing=standing)


def test_what_was_mended_before_we_heard_of_it_alerts_nobody() -> None:
    assert [] == events(row(5, 300), row(4, 0), row(3, 0), row(2, 0))


def test_a_late_report_changes_history_not_alerts() -> None:
    """Microsoft's may come 24 days late."""
    assert [] == events(row(8, 1000))


def test_an_mx_host_is_judged_within_its_domain() -> None:
    (change,) = evaluate(RULES, [row(1, 0), row(1, 500, host="mx1.example.com")], Standing(), now=NOW)

    assert ("example.com", 500) == (change.alert.policy_domain, change.alert.failed_sessions)


def test_the_nearest_domain_above_sets_the_thresholds() -> None:
    lenient = Thresholds(
        warning=Fraction(1, 2), critical=Fraction(9, 10), minimum_sessions=1, minimum_failed_sessions=1
    )
    rules = Rules(by_domain={"example.com": lenient})

    assert [] == events(row(1, 400, domain="lists.example.com"), rules=rules)


@given(
    st.lists(
        st.builds(
            row,
            st.integers(0, 10),
            st.integers(0, 1000),
            domain=st.sampled_from(["example.com", "example.net"]),
            organization=st.sampled_from(["a", "b"]),
        )
    )
)
def test_evaluating_again_changes_nothing(rows: list[DayTraffic]) -> None:
    changes = evaluate(RULES, rows, Standing(), now=NOW)
    standing = Standing(open_alerts=tuple(change.alert for change in changes))

    assert () == evaluate(RULES, rows, standing, now=NOW)
