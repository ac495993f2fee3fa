"""Names are compared as lower-case A-labels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.tlsrpt.names import (
    belongs_to,
    is_ldh_name,
    matches_pattern,
    normalise_name,
    normalise_pattern,
    upwards,
)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("example.com", "example.com"),
        ("Example.COM.", "example.com"),
        (" example.com ", "example.com"),
        ("gr\u00e4pher.test", "xn--grpher-cua.test"),
        ("xn--gpher-jua.test", "xn--gpher-jua.test"),
        ("_dmarc.example.com", "_dmarc.example.com"),
        ("localhost", "localhost"),
        ("", None),
        (".", None),
        ("a..b", None),
        ("-a.example", None),
        ("a b.example", None),
        ("mx.example; curl x|sh", None),
        ("../../etc/passwd", None),
        ("x" * 64 + ".example", None),
        ("a." * 127 + "example", None),
        ("example.com\n", "example.com"),
        ("exa\nmple.com", None),
        ("\u202eexample.com", None),
    ],
)
def test_a_name_is_normalised_or_null(sent: str, expected: str | None) -> None:
    assert expected == normalise_name(sent)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ("*.Example.com", "*.example.com"),
        ("mx.example.com.", "mx.example.com"),
        ("a.*.example", None),
        ("*", None),
    ],
)
def test_a_pattern_keeps_its_wildcard(sent: str, expected: str | None) -> None:
    assert expected == normalise_pattern(sent)


@pytest.mark.parametrize(
    ("pattern", "mx_host", "expected"),
    [
        ("*.example.net", "mx1.example.net", True),
        ("*.example.net", "example.net", False),
        ("*.example.net", "a.b.example.net", False),
        ("mx.example.net", "mx.example.net", True),
        ("mx.example.net", "mx2.example.net", False),
    ],
)
def test_a_wildcard_stands_for_exactly_one_label(pattern: str, mx_host: str, *, expected: bool) -> None:
    """RFC 8461 §4.1."""
    assert expected == matches_pattern(pattern, mx_host)


@pytest.mark.parametrize(
    ("text", "expected"),
    [("mx1.example.com", True), ("_25._tcp.example.com", False), ("$(id)", False), ("a" * 254, False)],
)
def test_only_plain_host_names_are_ldh(text: str, *, expected: bool) -> None:
    assert expected == is_ldh_name(text)


def test_a_name_belongs_to_itself_and_to_what_is_above_it() -> None:
    assert (True, True, False) == (
        belongs_to("example.com", "example.com"),
        belongs_to("mx.example.com", "example.com"),
        belongs_to("badexample.com", "example.com"),
    )


def test_upwards_names_the_nearest_first() -> None:
    assert ["a.b.c", "b.c", "c"] == list(upwards("a.b.c"))


@given(st.text())
def test_any_text_gives_a_name_that_is_its_own_normal_form_or_null(text: str) -> None:
    name = normalise_name(text)
    assert name is None or name == normalise_name(name)
