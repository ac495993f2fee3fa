"""What every store keeps to when reports are added: which is which, and which counts."""

from collections import Counter, defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count
from threading import Barrier
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.alerting.traffic import FailedSessions
from collector.intake.delivery import Evidence
from collector.ports import Filter, Outcome, ReceivedReport
from collector.stores import SqlStore, open_store
from tests.build import NOW, failure_json, policy_json, received, report_json
from tests.stores.values import (
    DAY,
    day_traffic,
    everything,
    failure_row,
    long_text,
    on,
    policy_row,
    report_row,
    summary_row,
    variant,
    variant_row,
    with_policies,
    with_texts,
)

STORED, DUPLICATE, CONFLICT, FOREIGN = Outcome.STORED, Outcome.DUPLICATE, Outcome.CONFLICT, Outcome.FOREIGN

LATER = NOW + timedelta(hours=1)

_examples = count()


@dataclass(frozen=True, slots=True)
class Arrival:
    """A report of a small alphabet: which key, which content of it, with which evidence."""

    key: int
    content: int
    evidence: Evidence


arrivals = st.lists(
    st.builds(Arrival, st.integers(0, 1), st.integers(0, 2), st.sampled_from(Evidence)),
    min_size=1,
    max_size=12,
)


class AddingContract:
    """Facts about adding to any store."""

    def test_a_new_report_is_stored(self, store: SqlStore) -> None:
        assert (STORED,) == store.reports.add([received()])

        assert (
            [report_row()],
            [policy_row()],
            [],
            [summary_row(100)],
            {"example.com": NOW},
            [],
        ) == everything(store)

    def test_nothing_to_add_is_fine(self, store: SqlStore) -> None:
        assert () == store.reports.add([])
        assert [] == list(store.questions.reports(Filter()))

    def test_the_same_content_again_is_a_duplicate_and_changes_nothing(self, store: SqlStore) -> None:
        store.reports.add([variant(1)])
        before = everything(store)

        assert (DUPLICATE,) == store.reports.add([variant(1, at=LATER)])

        assert before == everything(store)

    def test_the_same_content_twice_in_a_batch_is_a_duplicate(self, store: SqlStore) -> None:
        assert (STORED, DUPLICATE) == store.reports.add([variant(1), variant(1)])

        assert [summary_row(10, 1)] == list(store.questions.summary(Filter()))

    @pytest.mark.parametrize("batches", [[2], [1, 1]])
    def test_of_two_contents_of_one_key_the_first_counts(self, store: SqlStore, batches: list[int]) -> None:
        outcomes = added(store, [variant(1), variant(2, at=LATER)], batches)

        assert [STORED, CONFLICT] == outcomes
        assert (
            [variant_row(1)],
            [policy_row(successful_sessions=9, failed_sessions=1)],
            [failure_row(failed_sessions=1)],
            [summary_row(10, 1)],
            {"example.com": NOW},
            [day_traffic(10, 1)],
        ) == everything(store)

    @pytest.mark.parametrize("batches", [[2], [1, 1]])
    def test_better_evidence_displaces_what_counted_and_its_traffic_with_it(
        self, store: SqlStore, batches: list[int]
    ) -> None:
        better = variant(2, evidence=Evidence.SIGNED, at=LATER)

        assert [STORED, CONFLICT] == added(store, [variant(1), better], batches)

        assert (
            [variant_row(2, evidence="signed")],
            [policy_row(successful_sessions=18, failed_sessions=2)],
            [failure_row(failed_sessions=2)],
            [summary_row(20, 2)],
            {"example.com": LATER},
            [day_traffic(20, 2)],
        ) == everything(store)
        assert [2] == [row.failed_sessions for row in store.traffic.failed_sessions("example.com", DAY)]

    def test_what_was_displaced_is_kept_and_known(self, store: SqlStore) -> None:
        store.reports.add([variant(1), variant(2, evidence=Evidence.SIGNED)])
        before = everything(store)

        assert (DUPLICATE, DUPLICATE) == store.reports.add([variant(1), variant(2)])

        assert before == everything(store)

    @pytest.mark.parametrize("batches", [[3], [2, 1], [1, 1, 1]])
    def test_better_evidence_for_a_duplicate_makes_it_count(
        self, store: SqlStore, batches: list[int]
    ) -> None:
        proven = variant(2, evidence=Evidence.VERIFIED, at=LATER + timedelta(hours=1))

        outcomes = added(store, [variant(1), variant(2, at=LATER), proven], batches)

        assert [STORED, CONFLICT, DUPLICATE] == outcomes
        assert (
            [variant_row(2, evidence="verified")],
            [policy_row(successful_sessions=18, failed_sessions=2)],
            [failure_row(failed_sessions=2)],
            [summary_row(20, 2)],
            {"example.com": LATER},
            [day_traffic(20, 2)],
        ) == everything(store)

    @pytest.mark.parametrize("batches", [[3], [2, 1], [1, 1, 1]])
    def test_at_equal_evidence_in_the_end_the_first_counts_again(
        self, store: SqlStore, batches: list[int]
    ) -> None:
        signed = Evidence.SIGNED
        reports = [variant(1), variant(2, evidence=signed, at=LATER), variant(1, evidence=signed, at=LATER)]

        assert [STORED, CONFLICT, DUPLICATE] == added(store, reports, batches)

        assert [variant_row(1, evidence="signed")] == list(store.questions.reports(Filter()))
        assert {"example.com": NOW} == store.questions.last_reports()

    def test_worse_evidence_for_a_duplicate_changes_nothing(self, store: SqlStore) -> None:
        store.reports.add([variant(1, evidence=Evidence.VERIFIED)])

        assert (DUPLICATE,) == store.reports.add([variant(1, evidence=Evidence.SIGNED)])

        assert [variant_row(1, evidence="verified")] == list(store.questions.reports(Filter()))

    def test_a_foreign_report_is_listed_and_counts_nowhere(self, store: SqlStore) -> None:
        foreign = received(report_json(policy_json(failed=50)), foreign=True)

        assert (FOREIGN,) == store.reports.add([foreign])

        assert (
            [report_row(sessions=150, failed_sessions=50, foreign=True)],
            [policy_row(failed_sessions=50)],
            [failure_row(failed_sessions=50)],
            [],
            {},
            [],
        ) == everything(store)
        assert [] == list(store.traffic.failed_sessions("example.com", DAY))

    def test_better_evidence_does_not_make_a_foreign_report_ours(self, store: SqlStore) -> None:
        one = report_json(policy_json(failed=50))
        store.reports.add([received(one, foreign=True)])

        store.reports.add([received(one, foreign=True, evidence=Evidence.SIGNED)])

        assert ["signed"] == [row.evidence for row in store.questions.reports(Filter())]
        assert [] == list(store.questions.summary(Filter()))
        assert {} == store.questions.last_reports()

    def test_the_time_of_the_latest_report_of_a_domain_is_known(self, store: SqlStore) -> None:
        both = report_json(policy_json("b.example"), policy_json("a.example"))
        other = report_json(policy_json("b.example"), report_id="other")
        store.reports.add([received(other, received_at=LATER)])

        store.reports.add([received(both)])

        assert [("a.example", NOW), ("b.example", LATER)] == list(store.questions.last_reports().items())

    def test_a_batch_of_five_hundred_is_stored_in_order(self, store: SqlStore) -> None:
        def numbered(number: int) -> ReceivedReport:
            rows = [failure_json(failed=number + 1, mx_host=f"mx{host}.example.com") for host in range(3)]
            policy = policy_json(successful=number, failed=3 * (number + 1), failures=rows)
            return received(report_json(policy, report_id=f"{number:03}"))

        assert {STORED: 500} == Counter(store.reports.add([numbered(n) for n in range(500)]))

        assert [f"{n:03}" for n in range(500)] == [r.report_id for r in store.questions.reports(Filter())]
        assert [
            failure_row(failed_sessions=n + 1, receiving_mx_hostname=f"mx{host}.example.com")
            for n in range(500)
            for host in range(3)
        ] == list(store.questions.failures(Filter()))
        failed = 3 * sum(range(501))
        assert [summary_row(sum(range(500)) + failed, failed)] == list(store.questions.summary(Filter()))

    def test_two_threads_that_add_the_same_reports_store_each_once(self, store: SqlStore) -> None:
        reports = [variant(n, report_id=f"{n:03}") for n in range(1, 121)]
        together = Barrier(2)

        def add(size: int) -> list[Outcome]:
            together.wait()
            parts = [reports[start : start + size] for start in range(0, len(reports), size)]
            return [outcome for part in parts for outcome in store.reports.add(part)]

        with ThreadPoolExecutor(2) as threads:
            outcomes = [outcome for found in threads.map(add, (7, 10)) for outcome in found]

        assert {STORED: 120, DUPLICATE: 120} == Counter(outcomes)
        assert [f"{n:03}" for n in range(1, 121)] == [r.report_id for r in store.questions.reports(Filter())]

    def test_two_openings_that_add_at_once_store_each_report_once(
        self, store: SqlStore, store_url: str
    ) -> None:
        reports = [variant(n, report_id=f"{n:03}") for n in range(1, 61)]
        together = Barrier(2)

        def add(opened: SqlStore) -> list[Outcome]:
            together.wait()
            return [outcome for one in reports for outcome in opened.reports.add([one])]

        other = open_store(store_url)
        try:
            with ThreadPoolExecutor(2) as threads:
                outcomes = [outcome for found in threads.map(add, (store, other)) for outcome in found]
        finally:
            other.close()

        assert {STORED: 60, DUPLICATE: 60} == Counter(outcomes)

    def test_who_asks_while_others_add_sees_what_was_there_when_it_began(self, store: SqlStore) -> None:
        """More rows than are fetched at once."""
        store.reports.add([variant(1, report_id=f"{n:04}") for n in range(1_100)])
        answer = store.questions.reports(Filter())
        first = next(answer)

        store.reports.add([variant(1, report_id="later")])

        assert [f"{n:04}" for n in range(1_100)] == [row.report_id for row in (first, *answer)]
        assert 1_101 == len(list(store.questions.reports(Filter())))

    def test_sums_of_the_largest_counts_are_exact(self, store: SqlStore) -> None:
        policy = policy_json(successful=10**12 - 1, failed=10**12)
        reports = [received(report_json(*[policy] * 10, report_id=str(n))) for n in range(20)]

        store.reports.add(reports)

        sessions, failed = 200 * (2 * 10**12 - 1), 200 * 10**12
        assert [summary_row(sessions, failed)] == list(store.questions.summary(Filter()))
        assert [day_traffic(sessions, failed)] == list(store.traffic.recent_traffic(DAY))
        causes = store.traffic.failed_sessions("example.com", DAY)
        assert [10 * 10**12] * 20 == [row.failed_sessions for row in causes]

    def test_sums_beyond_64_bits_are_exact(self, store: SqlStore) -> None:
        """Some hundred forged reports of ten thousand policies each get there."""
        half = 2**62 - 1
        forged = (
            with_policies(variant(1, report_id=str(n)), successful_sessions=half, failed_sessions=half)
            for n in range(5)
        )

        store.reports.add(list(forged))

        assert [summary_row(10 * half, 5 * half)] == list(store.questions.summary(Filter()))
        assert [day_traffic(10 * half, 5 * half)] == list(store.traffic.recent_traffic(DAY))

    def test_text_that_no_database_takes_is_stored_with_marks_in_its_place(self, store: SqlStore) -> None:
        hostile = "Evil\0Corp\ud800 \u202e'); DROP TABLE reports;--"
        kept = "Evil\ufffdCorp? \u202e'); DROP TABLE reports;--"
        one = with_texts(variant(1), organization_name=hostile, report_id=hostile, contact_info=hostile)
        one = with_policies(one, policy_type=hostile, policy_strings=(hostile,))

        assert (STORED,) == store.reports.add([one])

        row = variant_row(1, organization_name=kept, report_id=kept, contact_info=kept, policy_types=(kept,))
        assert [row] == list(store.questions.reports(Filter()))
        assert [row] == list(store.questions.reports(Filter(organization=hostile)))
        assert [kept] == [found.policy_details for found in store.questions.policies(Filter())]
        assert [summary_row(10, 1, organizations=(kept,))] == list(store.questions.summary(Filter()))

    def test_the_longest_texts_are_stored_whole(self, store: SqlStore) -> None:
        """PostgreSQL takes no such text into an index: there a name is cut, and told so in the summary."""
        name, report_id, contact, information = map(long_text, range(4))
        texts: dict[str, Any] = {"additional-information": information, "failure-reason-code": contact}
        one = report_json(
            policy_json(failed=1, failures=[failure_json(**texts)]),
            organization=name,
            report_id=report_id,
            contact_info=contact,
        )

        assert (STORED,) == store.reports.add([received(one)])

        assert [
            report_row(
                organization_name=name,
                report_id=report_id,
                contact_info=contact,
                sessions=101,
                failed_sessions=1,
            )
        ] == list(store.questions.reports(Filter(organization=name)))
        assert [contact] == [row.failure_reason_code for row in store.questions.failures(Filter())]
        assert [(name[:250],)] == [row.organizations for row in store.questions.summary(Filter())]
        assert [name[:250]] == [row.organization for row in store.traffic.recent_traffic(DAY)]

    def test_a_report_of_ten_thousand_details_is_stored(self, store: SqlStore) -> None:
        details = [failure_json(failed=1, mx_host=f"mx{n % 7}.example.com") for n in range(10_000)]

        store.reports.add([received(report_json(policy_json(failed=10_000, failures=details)))])

        counts = {
            row.receiving_mx_hostname: row.failed_sessions
            for row in store.traffic.failed_sessions("example.com", DAY)
        }
        assert Counter(f"mx{n % 7}.example.com" for n in range(10_000)) == counts

    def test_a_report_about_no_policy_is_listed_and_counts_nowhere(self, store: SqlStore) -> None:
        store.reports.add([received(report_json() | {"policies": []})])

        row = report_row(policy_domains=(), policy_types=(), sessions=0, successful_sessions=0)
        assert ([row], [], [], [], {}, []) == everything(store)

    @settings(
        deadline=None,
        max_examples=40,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.differing_executors],
    )
    @given(sequence=arrivals, batches=st.lists(st.integers(1, 4), min_size=12, max_size=12))
    def test_of_each_key_the_first_of_the_best_evidence_counts_whatever_comes(
        self, store: SqlStore, sequence: list[Arrival], batches: list[int]
    ) -> None:
        name = f"organization {next(_examples)}"
        reports = [
            variant(
                arrival.content + 1,
                evidence=arrival.evidence,
                at=NOW + timedelta(minutes=minute),
                organization=name,
                report_id=str(arrival.key),
            )
            for minute, arrival in enumerate(sequence)
        ]

        outcomes = added(store, reports, batches)

        contents: dict[int, dict[int, Evidence]] = defaultdict(dict)
        expected = []
        for arrival in sequence:
            known = contents[arrival.key]
            expected.append(DUPLICATE if arrival.content in known else CONFLICT if known else STORED)
            known[arrival.content] = max(known.get(arrival.content, Evidence.NONE), arrival.evidence)
        counting = {key: max(known, key=lambda c: known[c]) for key, known in sorted(contents.items())}
        total = sum(content + 1 for content in counting.values())
        assert expected == outcomes
        assert [
            variant_row(
                content + 1, organization_name=name, report_id=str(key), evidence=contents[key][content].word
            )
            for key, content in counting.items()
        ] == list(store.questions.reports(Filter(organization=name)))
        assert [summary_row(10 * total, total, organizations=(name,))] == list(
            store.questions.summary(Filter(organization=name))
        )


class ServedHostContract:
    """Facts about MX hosts that are reported beside the domain they serve (RFC 8460 §1.1)."""

    def test_a_served_host_has_a_row_of_its_own_and_is_judged_within_its_domain(
        self, store: SqlStore
    ) -> None:
        domain = policy_json(
            successful=90, failed=10, failures=[failure_json(failed=10, mx_host="mx1.example.com")]
        )
        host = policy_json(
            "mx1.example.com",
            "tlsa",
            successful=60,
            failed=4,
            failures=[failure_json("validation-failure", failed=4, mx_host=None)],
        )

        store.reports.add([received(report_json(domain, host))])

        assert [
            summary_row(100, 10),
            summary_row(64, 4, domain="mx1.example.com", served=True),
        ] == list(store.questions.summary(Filter()))
        assert [day_traffic(100, 10), day_traffic(64, 4, host="mx1.example.com")] == list(
            store.traffic.recent_traffic(DAY)
        )
        assert [
            failed_sessions(10, mx_host="mx1.example.com"),
            failed_sessions(4, "tlsa", "validation-failure"),
        ] == list(store.traffic.failed_sessions("example.com", DAY))
        assert [] == list(store.traffic.failed_sessions("mx1.example.com", DAY))
        assert [100] == [row.sessions for row in store.questions.reports(Filter())]

    def test_a_host_that_is_a_domain_of_its_own_in_another_report_is_not_served(
        self, store: SqlStore
    ) -> None:
        host = policy_json("mx1.example.com", "tlsa", successful=60)
        store.reports.add(
            [
                received(report_json(policy_json(), host)),
                received(report_json(host, report_id="alone")),
            ]
        )

        assert [
            summary_row(100),
            summary_row(120, domain="mx1.example.com", served=False),
        ] == list(store.questions.summary(Filter()))

    def test_without_a_domain_a_report_counts_namelessly_last_and_raises_nothing(
        self, store: SqlStore
    ) -> None:
        store.reports.add(
            [received(report_json(policy_json(None, failed=100), policy_json("zebra.example")))]
        )

        assert [
            summary_row(100, domain="zebra.example"),
            summary_row(200, 100, domain=None),
        ] == list(store.questions.summary(Filter()))
        assert [] == list(store.traffic.recent_traffic(date.min))
        assert {"zebra.example": NOW} == store.questions.last_reports()
        assert [None, "zebra.example"] == [row.policy_domain for row in store.questions.policies(Filter())]


class TrafficContract:
    """Facts about what evaluation asks."""

    def test_recent_traffic_is_that_of_domains_that_failed_by_day_and_organization(
        self, store: SqlStore
    ) -> None:
        bad, well = policy_json("bad.example", failed=10), policy_json("bad.example", successful=50)
        healthy = policy_json("healthy.example")
        store.reports.add(
            [
                received(report_json(bad, day=on(-1), report_id="1")),
                received(report_json(bad, healthy, day=on(-1), report_id="2")),
                received(report_json(well, day=on(-1), report_id="3", organization="Zwei")),
                received(report_json(well, day=on(0), report_id="4")),
                received(report_json(bad, day=on(-9), report_id="5")),
                received(report_json(healthy, day=on(0), report_id="6")),
            ]
        )

        before = DAY - timedelta(days=1)
        assert [
            day_traffic(220, 20, domain="bad.example", day=before),
            day_traffic(50, 0, domain="bad.example", day=before, organization="Zwei"),
            day_traffic(50, 0, domain="bad.example"),
        ] == list(store.traffic.recent_traffic(before))
        assert [] == list(store.traffic.recent_traffic(DAY))

    def test_failure_details_are_added_up_by_report_type_result_and_host(self, store: SqlStore) -> None:
        rows = [
            failure_json(failed=1, mx_host="mx1.example.com", **{"sending-mta-ip": "198.51.100.8"}),
            failure_json(failed=2, mx_host="mx1.example.com"),
            failure_json(failed=4, mx_host="mx2.example.com"),
            failure_json("validation-failure", failed=8, mx_host=None),
        ]
        elsewhere = policy_json("other.example", failed=3)
        store.reports.add(
            [
                received(report_json(policy_json(failed=15, failures=rows), elsewhere)),
                received(report_json(policy_json(failed=9), organization="Zwei")),
                received(report_json(policy_json(failed=7), day=on(1))),
            ]
        )

        assert [
            failed_sessions(3, mx_host="mx1.example.com"),
            failed_sessions(4, mx_host="mx2.example.com"),
            failed_sessions(8, result_type="validation-failure"),
            failed_sessions(9, mx_host="mx1.example.com", report=2, organization="Zwei"),
        ] == list(store.traffic.failed_sessions("example.com", DAY))


def added(store: SqlStore, reports: list[ReceivedReport], batches: list[int]) -> list[Outcome]:
    """Add reports in batches of these sizes, which hold them all."""
    outcomes: list[Outcome] = []
    waiting = list(reports)
    for size in batches:
        outcomes += store.reports.add(waiting[:size])
        waiting = waiting[size:]
    assert waiting == []
    return outcomes


def failed_sessions(
    failed: int,
    policy_type: str | None = "sts",
    result_type: str | None = "certificate-expired",
    *,
    mx_host: str | None = None,
    report: int = 1,
    organization: str = "Google Inc.",
) -> FailedSessions:
    return FailedSessions(
        report=report,
        organization=organization,
        policy_type=policy_type,
        result_type=result_type,
        receiving_mx_hostname=mx_host,
        failed_sessions=failed,
    )
