"""Reports are read as RFC 8460 §4.4 says, and what is otherwise is said."""

import json
from datetime import datetime
from ipaddress import ip_address
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import InvalidReport, Malformed, NotAReport, TooLarge
from collector.tlsrpt.deviations import Deviation
from collector.tlsrpt.parse import MAX_SESSIONS, parse, with_mail_domain
from collector.tlsrpt.report import Failure, Period, Policy, Report
from tests.build import failure_json, policy_json, report_json, sha256, utc


def read(report: object, *, claimed: bool = False) -> Report:
    text = report if isinstance(report, bytes) else json.dumps(report).encode()
    return parse(text, content_hash=sha256(text), claimed=claimed)


def only_policy(**policy: Any) -> Policy:
    """The policy of a report whose only entry differs from the default in these members."""
    entry = policy_json()
    entry["policy"] |= {name.replace("_", "-"): value for name, value in policy.items()}
    return read(report_json(entry)).policies[0]


def only_failure(**members: Any) -> Failure:
    row = failure_json() | {name.replace("_", "-"): value for name, value in members.items()}
    return read(report_json(policy_json(failed=1, failures=[row]))).policies[0].failures[0]


def test_a_report_that_follows_the_rfc_is_read_whole_and_has_no_deviation() -> None:
    row = failure_json(
        "starttls-not-supported",
        failed=3,
        mx_host="MX2.example.com.",
        **{
            "receiving-mx-helo": "mx2",
            "additional-information": "https://reports.example/1",
            "failure-reason-code": "454 4.7.0",
        },
    )
    expected = Report(
        organization_name="Google Inc.",
        report_id="2026-05-11_example.com",
        contact_info="smtp-tls-reporting@google.com",
        period=Period(
            start=utc(2026, 5, 11),
            end=datetime.fromisoformat("2026-05-11T23:59:59Z").replace(tzinfo=utc(1, 1, 1).tzinfo),
        ),
        policies=(
            Policy(
                policy_type="sts",
                policy_domain="example.com",
                policy_strings=("version: STSv1", "mode: enforce", "mx: *.example.com", "max_age: 604800"),
                mx_hosts=("*.example.com",),
                successful_sessions=100,
                failed_sessions=3,
                failures=(
                    Failure(
                        result_type="starttls-not-supported",
                        sending_mta_ip=ip_address("198.51.100.7"),
                        receiving_mx_hostname="mx2.example.com",
                        receiving_mx_helo="mx2",
                        receiving_ip=ip_address("203.0.113.25"),
                        failed_sessions=3,
                        additional_information="https://reports.example/1",
                        failure_reason_code="454 4.7.0",
                    ),
                ),
            ),
        ),
        deviations=(),
    )

    assert expected == read(report_json(policy_json(failed=3, failures=[row])))


@pytest.mark.parametrize(
    ("sent", "start", "deviations"),
    [
        ("2026-05-11T00:00:00Z", utc(2026, 5, 11), ()),
        ("2026-05-11t00:00:00z", utc(2026, 5, 11), ()),
        ("2026-05-11T02:00:00+02:00", utc(2026, 5, 11), ()),
        ("2026-05-10T19:00:00.25-0500", utc(2026, 5, 11), ()),
        ("2026-05-10T23:59:60Z", utc(2026, 5, 11), ()),
        ("2026-05-11T00:00:00", utc(2026, 5, 11), (Deviation.MISSING_TIME_ZONE,)),
        ("2026-05-11", utc(2026, 5, 11), (Deviation.DATE_WITHOUT_TIME,)),
        (1778457600, utc(2026, 5, 11), (Deviation.UNIX_TIME,)),
    ],
)
def test_a_time_is_read_in_utc(sent: object, start: datetime, deviations: tuple[Deviation, ...]) -> None:
    """Microsoft leaves out the offset that RFC 3339 §5.6 requires."""
    report = read(report_json(date_range={"start-datetime": sent, "end-datetime": "2026-05-12T00:00:00Z"}))

    assert (start, deviations) == (report.period.start, report.deviations)


@pytest.mark.parametrize(
    "sent",
    [
        "yesterday",
        "",
        None,
        "2026-13-01T00:00:00Z",
        "2026-05-11T25:00:00Z",
        1e30,
        [],
        "0001-01-01T00:00:00+14:00",
    ],
)
def test_no_readable_start_is_invalid(sent: object) -> None:
    with pytest.raises(InvalidReport, match="start-datetime"):
        read(report_json(date_range={"start-datetime": sent, "end-datetime": "2026-05-12T00:00:00Z"}))


def test_no_readable_end_is_null_and_a_deviation() -> None:
    report = read(report_json(date_range={"start-datetime": "2026-05-11T00:00:00Z", "end-datetime": "soon"}))

    assert (None, (Deviation.MISSING_END,)) == (report.period.end, report.deviations)


def test_an_end_before_the_start_is_kept_and_a_deviation() -> None:
    report = read(
        report_json(
            date_range={"start-datetime": "2026-05-11T00:00:00Z", "end-datetime": "2026-05-10T00:00:00Z"}
        )
    )

    assert (utc(2026, 5, 10), (Deviation.END_BEFORE_START,)) == (report.period.end, report.deviations)


@pytest.mark.parametrize(
    ("members", "deviation"),
    [
        ({"organization_name": None}, Deviation.MISSING_ORGANIZATION_NAME),
        ({"organization_name": ""}, Deviation.MISSING_ORGANIZATION_NAME),
        ({"contact_info": None}, Deviation.MISSING_CONTACT_INFO),
        ({"report_id": ""}, Deviation.MISSING_REPORT_ID),
        ({"report_id": 17}, Deviation.REPORT_ID_NUMBER),
        ({"policies": []}, Deviation.EMPTY_POLICIES),
        ({"policies": policy_json()}, Deviation.SINGLE_POLICY_OBJECT),
        ({"policies": [policy_json(), 7]}, Deviation.UNREADABLE_POLICY),
        ({"policies": [policy_json(), {"policy": None}]}, Deviation.UNREADABLE_POLICY),
    ],
)
def test_a_top_level_deviation_is_named(members: dict[str, Any], deviation: Deviation) -> None:
    assert (deviation,) == read(report_json(**members)).deviations


def test_a_missing_report_id_is_the_hash_of_the_content() -> None:
    text = json.dumps(report_json(report_id=None)).encode()

    assert f"sha256-{sha256(text)[:16]}" == read(text).report_id


def test_one_bad_entry_does_not_lose_the_others() -> None:
    report = read(report_json(policies=["x", policy_json(domain="example.net")]))

    assert ("example.net",) == report.policy_domains


def test_microsofts_packed_tlsa_records_are_unpacked() -> None:
    """The whole RRset is a JSON array inside the only string."""
    entry = policy_json(policy_type="tlsa")
    entry["policy"]["policy-string"] = ['["3 1 1 AB","3 1 1 CD"]']
    report = read(report_json(entry))

    assert (("3 1 1 AB", "3 1 1 CD"), (Deviation.PACKED_TLSA_RECORDS,)) == (
        report.policies[0].policy_strings,
        report.deviations,
    )


@pytest.mark.parametrize(
    ("mx_host", "expected"),
    [
        (["*.example.com"], ("*.example.com",)),
        ("mx.example.com", ("mx.example.com",)),
        (["mx: mx.example.com"], ("mx.example.com",)),
        ("[mx.example.com]", ("mx.example.com",)),
        ([], ()),
        (None, ()),
        (["no host!"], ()),
    ],
)
def test_mx_hosts_are_bare_names(mx_host: object, expected: tuple[str, ...]) -> None:
    assert expected == only_policy(mx_host=mx_host).mx_hosts


def test_policy_strings_lose_the_carriage_return_of_the_published_policy() -> None:
    assert ("version: STSv1",) == only_policy(policy_string=["version: STSv1\r", " "]).policy_strings


@pytest.mark.parametrize(
    ("sent", "expected"),
    [("sts", "sts"), ("STS", "sts"), ("none-policy-found", "none-policy-found"), (None, None), ("", None)],
)
def test_a_policy_type_is_kept_as_sent_but_for_its_case(sent: object, expected: str | None) -> None:
    assert expected == only_policy(policy_type=sent).policy_type


def test_an_unknown_result_type_is_kept_as_sent() -> None:
    """RFC 8460 §4.3 expects the list to grow."""
    assert only_failure(result_type="Quantum-Error").result_type == "Quantum-Error"


@pytest.mark.parametrize(
    ("sent", "expected"),
    [("", None), (None, None), ("nowhere", None), ("2001:DB8:0::1", ip_address("2001:db8::1"))],
)
def test_an_address_is_read_or_null(sent: object, expected: object) -> None:
    assert expected == only_failure(sending_mta_ip=sent).sending_mta_ip


def test_socketlabs_spelling_of_the_mx_host_name_is_read() -> None:
    row = failure_json(mx_host=None) | {"receiving-mx-host-name": "mx1.example.com"}
    report = read(report_json(policy_json(failed=1, failures=[row])))

    assert ("mx1.example.com", (Deviation.MISSPELT_MEMBER,)) == (
        report.policies[0].failures[0].receiving_mx_hostname,
        report.deviations,
    )


def test_an_absent_failure_total_is_the_sum_of_the_detail_rows() -> None:
    entry = policy_json(failures=[failure_json(failed=2), failure_json(failed=3)])
    del entry["summary"]["total-failure-session-count"]
    report = read(report_json(entry))

    assert (5, (Deviation.MISSING_SUMMARY,)) == (report.policies[0].failed_sessions, report.deviations)


def test_a_detail_row_without_a_count_is_one() -> None:
    assert only_failure(failed_session_count=None).failed_sessions == 1


@pytest.mark.parametrize("count", [-1, MAX_SESSIONS + 1, 1.5, 10**30, True, [], {}])
def test_a_count_that_is_none_is_invalid_and_says_where(count: object) -> None:
    entry = policy_json()
    entry["summary"]["total-successful-session-count"] = count

    with pytest.raises(InvalidReport) as caught:
        read(report_json(entry))

    assert caught.value.where == "$.policies[0].summary.total-successful-session-count"


def test_the_largest_count_is_read() -> None:
    assert read(report_json(policy_json(successful=MAX_SESSIONS))).policies[0].successful_sessions == 10**12


def test_the_mails_domain_stands_in_for_a_missing_policy_domain() -> None:
    """Postfix with tlsrpt-reporter passes none for no-policy-found."""
    body = read(report_json(policy_json(domain=None, policy_type="no-policy-found")))
    report = with_mail_domain(body, "Example.COM")

    assert (("example.com",), (Deviation.MISSING_POLICY_DOMAIN, Deviation.POLICY_DOMAIN_FROM_MAIL)) == (
        report.policy_domains,
        report.deviations,
    )


def test_a_mails_domain_never_replaces_that_of_the_body() -> None:
    """RFC 8460 §5.6: the report body is authoritative."""
    body = read(report_json())

    assert body == with_mail_domain(body, "example.net")


@pytest.mark.parametrize(
    "text", [b"", b"{}", b"[]", b"null", b"7", b"{", b"hello", b'{"feedback": {}}', b"\xff\xfe"]
)
def test_something_else_is_not_a_report(text: bytes) -> None:
    with pytest.raises(NotAReport):
        read(text)


@pytest.mark.parametrize("text", [b"", b"{}", b"[]", b"null", b"{", b"hello", b"\xff\xfe{"])
def test_something_else_under_a_reports_label_is_invalid(text: bytes) -> None:
    with pytest.raises(InvalidReport):
        read(text, claimed=True)


@pytest.mark.parametrize("policies", [None, 7, "x"])
def test_no_policies_is_invalid(policies: object) -> None:
    with pytest.raises(InvalidReport, match="policies"):
        read(report_json(policies=policies))


def test_a_cut_report_is_invalid() -> None:
    with pytest.raises(InvalidReport, match="JSON"):
        read(json.dumps(report_json()).encode()[:-10])


def test_a_byte_order_mark_is_passed_over() -> None:
    assert read(b"\xef\xbb\xbf" + json.dumps(report_json()).encode()).report_id == "2026-05-11_example.com"


def test_deep_json_is_refused() -> None:
    text = json.dumps(report_json()).encode()[:-1] + b', "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"

    with pytest.raises(TooLarge, match="nested"):
        read(text)


def test_many_policies_are_refused() -> None:
    with pytest.raises(TooLarge, match="policies"):
        read(report_json(*[policy_json()] * 10_001))


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@st.composite
def _distorted(draw: st.DrawFn) -> bytes:
    """A report in which some member is anything at all."""
    report = report_json(policy_json(failed=1))
    place: Any = report
    while True:
        keys = list(range(len(place))) if isinstance(place, list) else list(place)
        key = draw(st.sampled_from(keys))
        inner = place[key]
        if not isinstance(inner, dict | list) or not inner or draw(st.booleans()):
            place[key] = draw(_json)
            return json.dumps(report).encode()
        place = inner


@given(st.binary() | _distorted())
def test_any_bytes_give_a_report_or_malformed(text: bytes) -> None:
    try:
        report = read(text, claimed=True)
    except Malformed:
        return
    assert all(0 <= policy.failed_sessions <= MAX_SESSIONS for policy in report.policies)
