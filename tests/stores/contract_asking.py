"""What every store keeps to when it is asked: each question, each filter, the order of rows."""

from datetime import date, timedelta
from typing import Any

import pytest

from collector.errors import StoreUnavailable
from collector.ports import Filter
from collector.stores import SqlStore, open_store
from collector.stores.questions import policy_details
from tests.build import failure_json, policy_json, received, report_json
from tests.stores.values import DAY, failure_row, on, policy_row, report_row, summary_row

GOOGLE, MICROSOFT = "Google Inc.", "Microsoft Corporation"

# Sorted by code point; a dictionary has another order, and so has a lower-case one.
NAMES = ("B", "a", "z", "Ä", "ß", "é", "\u4e2d", "\U0001f600")


class AskingContract:
    """Facts about the answers of any store."""

    @pytest.fixture
    def filled(self, store: SqlStore) -> SqlStore:
        """Three days, two organizations, three domains, one of them written in Chinese."""
        store.reports.add(
            [
                received(report_json(policy_json(failed=5), day=on(-2), report_id="1")),
                received(report_json(policy_json(), day=on(-1), report_id="2")),
                received(report_json(policy_json("例え.example", failed=1), day=on(-1), report_id="3")),
                received(
                    report_json(
                        policy_json(failed=2),
                        policy_json(policy_type="tlsa", successful=101, failed=1),
                        policy_json("other.example", "no-policy-found"),
                        report_id="4",
                        organization=MICROSOFT,
                        contact_info="tlsrpt@microsoft.com",
                    )
                ),
            ]
        )
        return store

    @pytest.mark.parametrize(
        ("wanted", "report_ids"),
        [
            (Filter(), "4231"),
            (Filter(since=DAY - timedelta(days=1)), "423"),
            (Filter(until=DAY - timedelta(days=1)), "231"),
            (Filter(since=DAY - timedelta(days=1), until=DAY - timedelta(days=1)), "23"),
            (Filter(domain="example.com"), "421"),
            (Filter(domain="EXAMPLE.com."), "421"),
            (Filter(domain="例え.example"), "3"),
            (Filter(domain="xn--r8jz45g.example"), "3"),
            (Filter(domain="other.example"), "4"),
            (Filter(domain="nowhere.example"), ""),
            (Filter(domain="no name at all"), ""),
            (Filter(domain=""), ""),
            (Filter(domain="%"), ""),
            (Filter(organization="google INC."), "231"),
            (Filter(organization="google"), ""),
            (Filter(organization="Goo\0gle\ud800"), ""),
            (Filter(failures_only=True), "431"),
            (Filter(failures_only=True, domain="example.com", organization=GOOGLE, since=date.min), "1"),
        ],
    )
    def test_a_filter_takes_the_reports_it_names(
        self, filled: SqlStore, wanted: Filter, report_ids: str
    ) -> None:
        assert report_ids == "".join(row.report_id for row in filled.questions.reports(wanted))

    def test_the_rows_of_reports_follow_the_counting_rule(self, filled: SqlStore) -> None:
        assert report_row(
            report_id="4",
            organization_name=MICROSOFT,
            contact_info="tlsrpt@microsoft.com",
            policy_domains=("example.com", "other.example"),
            policy_types=("sts", "tlsa", "no-policy-found"),
            sessions=202,
            successful_sessions=200,
            failed_sessions=2,
        ) == next(filled.questions.reports(Filter()))

    def test_the_rows_of_policies_are_as_sent(self, filled: SqlStore) -> None:
        microsoft = {"organization_name": MICROSOFT}
        assert [
            policy_row(failed_sessions=2, **microsoft),
            policy_row(
                policy_type="tlsa",
                policy_details="1 TLSA record",
                successful_sessions=101,
                failed_sessions=1,
                **microsoft,
            ),
            policy_row(
                policy_domain="other.example", policy_type="no-policy-found", policy_details="", **microsoft
            ),
            policy_row(date=DAY - timedelta(days=1)),
            policy_row(
                date=DAY - timedelta(days=1),
                policy_domain="xn--r8jz45g.example",
                policy_details="mode=enforce; mx=*.例え.example; max_age=604800",
                failed_sessions=1,
            ),
            policy_row(date=DAY - timedelta(days=2), failed_sessions=5),
        ] == list(filled.questions.policies(Filter()))

    def test_a_filter_takes_the_policies_it_names(self, filled: SqlStore) -> None:
        def asked(wanted: Filter) -> list[tuple[str | None, str | None]]:
            return [(row.policy_domain, row.policy_type) for row in filled.questions.policies(wanted)]

        assert [("other.example", "no-policy-found")] == asked(Filter(domain="Other.Example"))
        assert [("example.com", "sts"), ("example.com", "tlsa")] == asked(
            Filter(failures_only=True, organization=MICROSOFT)
        )
        assert [("example.com", "sts")] == asked(Filter(until=DAY - timedelta(days=2)))
        assert [] == asked(Filter(domain="-"))

    def test_the_rows_of_failures_are_as_sent(self, store: SqlStore) -> None:
        bare: dict[str, Any] = {"result-type": None, "sending-mta-ip": None, "receiving-ip": None}
        rows = [
            failure_json(
                failed=3,
                mx_host="mx9.example.com",
                **{"receiving-ip": "2001:db8::1", "failure-reason-code": "X509_V_ERR_CERT_HAS_EXPIRED"},
            ),
            failure_json(failed=0, mx_host=None, **bare),
        ]
        store.reports.add([received(report_json(policy_json(failed=3, failures=rows)))])

        first = failure_row(
            receiving_mx_hostname="mx9.example.com",
            receiving_ip="2001:db8::1",
            failed_sessions=3,
            failure_reason_code="X509_V_ERR_CERT_HAS_EXPIRED",
        )
        second = failure_row(
            result_type=None,
            sending_mta_ip=None,
            receiving_mx_hostname=None,
            receiving_ip=None,
            failed_sessions=0,
        )
        assert [first, second] == list(store.questions.failures(Filter()))
        assert [first] == list(store.questions.failures(Filter(failures_only=True)))

    def test_a_filter_takes_the_failures_it_names(self, filled: SqlStore) -> None:
        def asked(wanted: Filter) -> list[tuple[date, int]]:
            return [(row.date, row.failed_sessions) for row in filled.questions.failures(wanted)]

        before, earlier = DAY - timedelta(days=1), DAY - timedelta(days=2)
        assert [(DAY, 2), (DAY, 1), (before, 1), (earlier, 5)] == asked(Filter())
        assert [(before, 1)] == asked(Filter(domain="例え.EXAMPLE"))
        assert [(before, 1), (earlier, 5)] == asked(Filter(organization="GOOGLE INC."))
        assert [(earlier, 5)] == asked(Filter(until=earlier))

    def test_the_rows_of_the_summary_are_by_domain_and_then_by_day(self, filled: SqlStore) -> None:
        before, earlier = DAY - timedelta(days=1), DAY - timedelta(days=2)
        microsoft = (MICROSOFT,)
        by_name = [
            summary_row(105, 5, day=earlier),
            summary_row(100, day=before),
            summary_row(102, 2, organizations=microsoft),
            summary_row(100, domain="other.example", organizations=microsoft),
            summary_row(101, 1, domain="xn--r8jz45g.example", day=before),
        ]
        asked = filled.questions
        assert by_name == list(asked.summary(Filter()))
        assert by_name[:3] == list(asked.summary(Filter(domain="Example.COM")))
        assert by_name[4:] == list(asked.summary(Filter(domain="例え.example")))
        assert [] == list(asked.summary(Filter(domain="no name")))
        assert [by_name[1], by_name[4]] == list(asked.summary(Filter(since=before, until=before)))
        assert by_name[2:4] == list(asked.summary(Filter(organization="microsoft corporation")))
        assert [by_name[n] for n in (0, 2, 4)] == list(asked.summary(Filter(failures_only=True)))

    def test_a_day_without_sessions_has_no_rate(self, store: SqlStore) -> None:
        store.reports.add([received(report_json(policy_json(successful=0)))])

        (row,) = store.questions.summary(Filter())

        assert (summary_row(0), None) == (row, row.failure_rate)

    def test_a_day_names_each_organization_once_by_name(self, store: SqlStore) -> None:
        names = (*reversed(NAMES), *NAMES, 'say "x", y\\')
        store.reports.add(
            [received(report_json(organization=name, report_id=str(n))) for n, name in enumerate(names)]
        )

        (row,) = store.questions.summary(Filter())

        assert tuple(sorted({*names})) == row.organizations

    def test_without_a_name_an_organization_is_told_by_its_contact(self, store: SqlStore) -> None:
        nameless = report_json(contact_info="mailto:Reports@Sender.Example", report_id="1")
        nobody = report_json(report_id="2")
        del nameless["organization-name"], nobody["organization-name"], nobody["contact-info"]
        store.reports.add([received(nameless), received(nobody)])

        (row,) = store.questions.summary(Filter())

        assert ("sender.example",) == row.organizations
        assert ["1"] == [r.report_id for r in store.questions.reports(Filter(organization="SENDER.example"))]
        assert ["2"] == [r.report_id for r in store.questions.reports(Filter(organization=""))]
        assert [None, None] == [r.organization_name for r in store.questions.reports(Filter())]

    def test_reports_of_a_day_are_sorted_by_organization_without_case_and_then_by_id(
        self, store: SqlStore
    ) -> None:
        names = sorted(NAMES, key=str.casefold)
        rows = [(name, report_id) for name in names for report_id in NAMES]
        store.reports.add(
            [received(report_json(organization=name, report_id=report_id)) for name, report_id in rows[::-1]]
        )

        assert rows == [(row.organization_name, row.report_id) for row in store.questions.reports(Filter())]

    def test_domains_are_sorted_by_code_point(self, store: SqlStore) -> None:
        """A dictionary would ignore the hyphen, the dot and the underscore."""
        domains = ("a-b.example", "a.example", "a_b.example", "ab.example", "xn--r8jz45g.example", "z-")
        names = domains[:-1]
        store.reports.add(
            [received(report_json(policy_json(name, failed=1), report_id=name)) for name in reversed(names)]
        )

        assert list(names) == [row.domain for row in store.questions.summary(Filter())]
        assert list(names) == list(store.questions.last_reports())
        assert list(names) == [row.judged_domain for row in store.traffic.recent_traffic(DAY)]

    def test_answers_that_nobody_reads_to_the_end_give_their_connections_back(self, store: SqlStore) -> None:
        store.reports.add([received(report_json(report_id=str(n))) for n in range(3)])

        for _ in range(50):
            next(store.questions.reports(Filter()))

        assert 3 == len(list(store.questions.reports(Filter())))

    def test_too_many_questions_at_once_are_told_to_wait(self, store_url: str) -> None:
        store = open_store(store_url, busy_seconds=0.01)
        store.reports.add([received()])
        open_answers = [store.questions.reports(Filter()) for _ in range(46)]
        for answer in open_answers[:45]:
            next(answer)

        with pytest.raises(StoreUnavailable, match="in use"):
            next(open_answers[45])

        del open_answers, answer
        store.questions.ping()
        store.close()

    def test_a_store_answers_a_ping(self, store: SqlStore) -> None:
        store.questions.ping()


@pytest.mark.parametrize(
    ("policy_type", "strings", "told"),
    [
        (
            "sts",
            ("version: STSv1", "mode: testing", "mx: mx1.example.com", "mx:*.example.com", "max_age:86400"),
            "mode=testing; mx=mx1.example.com, *.example.com; max_age=86400",
        ),
        ("sts", ("mode: enforce", "mode: none"), "mode=enforce"),
        ("sts", ("nothing of the kind",), ""),
        ("sts", (), ""),
        ("tlsa", ("3 1 1 AB",), "1 TLSA record"),
        ("tlsa", ("3 1 1 AB", "2 1 1 CD"), "2 TLSA records"),
        ("tlsa", (), ""),
        ("no-policy-found", (), ""),
        ("quantum", ("a", "b"), "a; b"),
        (None, ("a",), "a"),
    ],
)
def test_a_policy_is_told_in_a_few_words(
    policy_type: str | None, strings: tuple[str, ...], told: str
) -> None:
    assert told == policy_details(policy_type, strings)
