"""A policy in a few words."""

import pytest

from collector.stores.questions import policy_details

LINES = ("version: STSv1", "mode: enforce", "mx: a.example", "mx: *.b.example", "max_age: 86400")
TOLD = "mode=enforce; mx=a.example, *.b.example; max_age=86400"


@pytest.mark.parametrize(
    ("policy_type", "strings", "expected"),
    [
        ("sts", LINES, TOLD),
        ("sts", ("\r\n".join(LINES),), TOLD),
        ("sts", (), ""),
        ("sts", ("mode: testing",), "mode=testing"),
        ("tlsa", ("3 1 1 AB",), "1 TLSA record"),
        ("tlsa", ("3 1 1 AB", "3 1 1 CD"), "2 TLSA records"),
        ("tlsa", (), ""),
        ("no-policy-found", (), ""),
        (None, ("a", "b"), "a; b"),
    ],
)
def test_a_policy_is_told_by_what_matters(
    policy_type: str | None, strings: tuple[str, ...], expected: str
) -> None:
    assert expected == policy_details(policy_type, strings)
