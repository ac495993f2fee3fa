"""Text from strangers has no power over a terminal or a spreadsheet."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.plain import csv_cell, one_line


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Google Inc.", "Google Inc."),
        ("Müller & Söhne 株式会社", "Müller & Söhne 株式会社"),
        ("two\r\nlines", "two\\r\\nlines"),
        ("clear \x1b[2J", "clear \\x1b[2J"),
        ("end\x00", "end\\x00"),
        ("turned \u202egnp.exe", "turned \\u202egnp.exe"),
        ("half \ud800", "half \\ud800"),
        ("separated\u2028", "separated\\u2028"),
    ],
)
def test_what_steers_a_terminal_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert shown == one_line(text)


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("example.com", "example.com"),
        ("=1+1", "'=1+1"),
        ("  +1", "'  +1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("＝1+1", "'＝1+1"),  # noqa: RUF001  the wide form is meant
        ("\t=1+1", "\\t=1+1"),
        ("1-1", "1-1"),
    ],
)
def test_a_formula_is_shown_and_not_run(text: str, cell: str) -> None:
    assert cell == csv_cell(text)


@given(st.text(st.characters()))
def test_any_text_becomes_one_line_of_printable_characters(text: str) -> None:
    assert one_line(text).isprintable()
    assert csv_cell(text).isprintable()
    assert not csv_cell(text).startswith(("=", "+", "-", "@"))
