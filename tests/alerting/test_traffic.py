"""The counting rule: which sessions count, and which are told twice."""

from fractions import Fraction
from typing import Any

import pytest

from collector.alerting.traffic import (
    Cause,
    DomainTraffic,
    FailedSessions,
    causes,
    domain_traffic,
    failure_rate,
    total,
)
from tests.build import failure_json, policy_json, received, report_json


def traffic_of(*policies: dict[str, Any]) -> tuple[DomainTraffic, ...]:
    return domain_traffic(received(report_json(policies=list(policies))).report)


def counts_of(*policies: dict[str, Any]) -> tuple[int, int]:
    """Sessions and failed sessions of the only domain."""
    (row,) = traffic_of(*policies)
    return row.sessions, row.failed_sessions


@pytest.mark.parametrize(
    ("policies", "expected"),
    [
        pytest.param([("sts", 97, 3)], (100, 3), id="one policy"),
        pytest.param([("sts", 7, 0), ("tlsa", 7, 0)], (7, 0), id="sts and tlsa tell of the same sessions"),
        pytest.param([("tlsa", 5, 2), ("sts", 7, 0)], (7, 2), id="each maximum is taken by itself"),
        pytest.param(
            [("no-policy-found", 4, 1), ("sts", 10, 0), ("tlsa", 9, 1)], (15, 2), id="no-policy-found adds"
        ),
        pytest.param([("sts", 10, 0), ("sts", 5, 1)], (16, 1), id="several policies of one type add up"),
        pytest.param(
            [("sts", 10, 0), ("sts", 5, 1), ("tlsa", 12, 0)], (16, 1), id="adding comes before the maximum"
        ),
        pytest.param([("STS", 7, 0), ("tlsa", 7, 0)], (7, 0), id="letter case does not make another type"),
        pytest.param(
            [("quantum", 3, 1), ("sts", 7, 0)], (11, 1), id="an unknown type counts like no-policy-found"
        ),
        pytest.param([("sts", 0, 0)], (0, 0), id="nothing happened"),
    ],
)
def test_sessions_are_counted_once(policies: list[tuple[str, int, int]], expected: tuple[int, int]) -> None:
    entries = [policy_json(policy_type=kind, successful=s, failed=f) for kind, s, f in policies]

    assert expected == counts_of(*entries)


def test_detail_rows_explain_and_the_summary_counts() -> None:
    """RFC 8460 §4: a session may fail in several ways."""
    rows = [failure_json(failed=1), failure_json("validation-failure", failed=1)]

    assert (1, 1) == counts_of(policy_json(successful=0, failed=1, failures=rows))


def test_each_domain_has_its_row_and_the_nameless_is_last() -> None:
    expected = (
        DomainTraffic(policy_domain="example.com", sessions=2, failed_sessions=0),
        DomainTraffic(policy_domain="example.net", sessions=1, failed_sessions=0),
        DomainTraffic(policy_domain=None, sessions=3, failed_sessions=0),
    )

    assert expected == traffic_of(
        policy_json(None, "no-policy-found", successful=3),
        policy_json("example.net", successful=1),
        policy_json("example.com", successful=2),
    )


@pytest.mark.parametrize(
    "domain_entry",
    [
        pytest.param(policy_json("example.com", successful=9, failed=1), id="by the policy's MX pattern"),
        pytest.param(policy_json("example.com", "no-policy-found", successful=10), id="by its name"),
    ],
)
def test_an_mx_host_as_policy_domain_has_a_row_that_a_total_leaves_out(domain_entry: dict[str, Any]) -> None:
    """RFC 8460 §1.1: for DANE the policy domain is the MX host."""
    rows = traffic_of(domain_entry, policy_json("mx1.example.com", "tlsa", successful=8, failed=2))

    assert (
        DomainTraffic(
            policy_domain="mx1.example.com", sessions=10, failed_sessions=2, served_domain="example.com"
        )
        == rows[1]
    )
    assert 10 == total(rows)[0]


def test_an_mx_host_under_another_name_is_known_by_a_failure_that_names_it() -> None:
    failing = policy_json(
        "example.com",
        "no-policy-found",
        successful=9,
        failed=1,
        failures=[failure_json(mx_host="mx.provider.example")],
    )
    rows = traffic_of(failing, policy_json("mx.provider.example", "tlsa", successful=10))

    assert [None, "example.com"] == [row.served_domain for row in rows]


def test_a_domain_of_its_own_is_not_taken_for_a_host() -> None:
    rows = traffic_of(policy_json("example.com"), policy_json("mail.example.com", "sts"))

    assert [None, None] == [row.served_domain for row in rows]


def test_zero_of_zero_has_no_rate() -> None:
    assert failure_rate(0, 0) is None


def test_rates_are_exact() -> None:
    assert Fraction(1, 3) == failure_rate(1, 3)


def failed(report: int, policy_type: str, count: int, **more: Any) -> FailedSessions:
    row: dict[str, Any] = {
        "organization": "Google Inc.",
        "result_type": "certificate-expired",
        "receiving_mx_hostname": "mx1.example.com",
    }
    return FailedSessions(report=report, policy_type=policy_type, failed_sessions=count, **(row | more))


def test_a_cause_takes_the_greater_of_sts_and_tlsa_in_each_report() -> None:
    expected = (
        Cause(
            result_type="certificate-expired",
            receiving_mx_hostname="mx1.example.com",
            failed_sessions=3 + 4,
            organizations=("Google Inc.", "Microsoft Corporation"),
        ),
    )
    rows = [
        failed(1, "sts", 3),
        failed(1, "tlsa", 2),
        failed(2, "tlsa", 4, organization="Microsoft Corporation"),
    ]

    assert expected == causes(rows)


def test_the_largest_cause_comes_first() -> None:
    rows = [failed(1, "sts", 1), failed(1, "sts", 5, result_type="validation-failure")]

    assert ["validation-failure", "certificate-expired"] == [cause.result_type for cause in causes(rows)]
