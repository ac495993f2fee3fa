"""What makes two reports one, whose they are, and how the archive names them."""

from typing import Any

import pytest

from collector.tlsrpt.filename import MAX_NAME_BYTES, archive_domain, archive_name
from collector.tlsrpt.identity import concerns, report_key
from tests.build import policy_json, received, report_json, utc

HASH = "0123456789abcdef" * 4


def digest(**members: Any) -> str:
    return received(report_json(**members)).key.digest


def test_the_key_is_made_of_the_body_alone() -> None:
    key = report_key(received(report_json(report_id="7")).body)

    assert ("google inc.", "7", utc(2026, 5, 11), ("example.com",)) == (
        key.organization,
        key.report_id,
        key.start,
        key.policy_domains,
    )


def test_letter_case_of_the_organization_does_not_matter() -> None:
    assert digest() == digest(organization_name="GOOGLE INC.")


@pytest.mark.parametrize(
    "members",
    [{"report_id": "2"}, {"organization_name": "Other"}, {"policies": [policy_json("example.net")]}],
)
def test_another_id_organization_or_domain_is_another_report(members: dict[str, Any]) -> None:
    assert digest() != digest(**members)


def test_without_an_organization_the_contacts_domain_stands_in() -> None:
    assert "google.com" == received(report_json(organization_name=None)).key.organization


def test_parts_of_a_key_cannot_run_into_each_other() -> None:
    assert digest(organization_name="a\x1f1:b", report_id="c") != digest(
        organization_name="a", report_id="b\x1fc"
    )


@pytest.mark.parametrize(
    ("watched", "expected"),
    [
        (frozenset(), True),
        (frozenset({"example.com"}), True),
        (frozenset({"com"}), True),
        (frozenset({"example.net"}), False),
    ],
)
def test_a_report_concerns_us_when_its_domain_is_watched(watched: frozenset[str], *, expected: bool) -> None:
    assert expected == concerns(received().report, watched)


def test_the_archives_name_is_that_of_rfc_8460_with_the_hash_as_unique_part() -> None:
    expected = "google.com!example.com!1778457600!1778543999!0123456789abcdef"

    assert expected == archive_name(received().body, HASH)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"contact_info": None}, "google-inc"),
        ({"contact_info": "x@../../etc"}, "google-inc"),
        ({"contact_info": None, "organization_name": "../..\x00/\u202e"}, "unknown"),
        ({"contact_info": "mailto:x@Example.NET."}, "example.net"),
    ],
)
def test_the_sender_in_it_is_safe(members: dict[str, Any], expected: str) -> None:
    assert expected == archive_name(received(report_json(**members)).body, HASH).split("!")[0]


def test_a_very_long_name_stays_within_its_bounds() -> None:
    label = "a" * 60
    domain = ".".join([label] * 4)
    body = received(report_json(policy_json(domain), contact_info=f"x@{domain}")).body

    assert MAX_NAME_BYTES == len(archive_name(body, HASH))


def test_a_report_without_a_domain_is_unknown() -> None:
    assert "_unknown" == archive_domain(received(report_json(policies=[])).body)
