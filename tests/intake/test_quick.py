"""The quick way to read a mail answers as the standard library does, or not at all."""

import base64
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import Malformed
from collector.intake.extract import extract, extract_thoroughly
from collector.intake.quick import extract_quickly
from collector.intake.report_file import MAX_ATTACHMENT_BYTES
from tests.build import delivery, mail, report_json
from tests.intake.mails import google_mail, plain_mails
from tests.intake.odd_mails import altered_mails, multipart_mails


def assert_agrees(content: bytes) -> None:
    quick = extract_quickly(content)
    if quick is not None:
        assert extract_thoroughly(content) == quick


@pytest.mark.parametrize("content", plain_mails())
def test_a_mail_of_the_common_shape_is_read_the_quick_way(content: bytes) -> None:
    assert extract_thoroughly(content) == extract_quickly(content)


@given(multipart_mails())
def test_a_composed_mail_is_read_alike_both_ways(content: bytes) -> None:
    assert_agrees(content)


@given(altered_mails())
def test_an_altered_mail_is_read_alike_both_ways(content: bytes) -> None:
    assert_agrees(content)


@given(st.one_of(multipart_mails(), altered_mails()))
def test_any_mail_gives_files_or_malformed(content: bytes) -> None:
    """The standard library's own exceptions do not come through."""
    try:
        extracted = extract(delivery(content))
    except Malformed:
        return
    assert extracted.files


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        (b"multipart/report", b"multipart/digest"),
        (b'boundary="=report="', b"boundary*=us-ascii''%3Dreport%3D"),
        (b'boundary="=report="', b'boundary="=report="; boundary=x'),
        (b"MIME-Version: 1.0\n", b"MIME-Version: 1.0\nContent-Type: text/plain\n"),
        (b"MIME-Version: 1.0\n", b"MIME-Version: 1.0\nno field\n"),
        (b"MIME-Version: 1.0\n", b"MIME-Version: 1.0\rX: y\n"),
        (b"Report Domain", b"=?utf-8?q?Report?= Domain"),
        (b"Report Domain", b"R\xe9port Domain"),
        (b"Report Domain", b"Report" * 200),
        (b"text/plain", b"message/rfc822"),
        (b"text/plain", b"multipart/mixed"),
        (b"Encoding: base64", b"Encoding: x-uuencode"),
        (b"Encoding: base64\n", b"Encoding: base64 \n"),
        (b"H4sI", b"H4s!I"),
        (b"H4sI", b"H4s"),
        (b"--=report=--", b"--=report="),
        (b"--=report=--", b"--=report=x\n--=report=--"),
    ],
)
def test_what_is_unusual_is_left_to_the_standard_library(line: bytes, instead: bytes) -> None:
    usual = mail(report_json())
    unusual = usual.replace(line, instead, 1)

    assert (True, None) == (usual != unusual, extract_quickly(unusual))
    assert extract_quickly(usual) is not None


def test_an_attachment_that_may_be_too_large_is_left_to_the_standard_library() -> None:
    large = base64.encodebytes(b"{" * (MAX_ATTACHMENT_BYTES * 3 // 4 + 100))
    head, _, tail = google_mail().partition(b"H4sI")

    assert extract_quickly(head + large + tail) is None


def test_many_parts_are_left_to_the_standard_library() -> None:
    boundary = b"--000000000000a1b2b00634f1d2e1\r\n"

    content = google_mail().replace(boundary, (boundary + b"X: y\r\n\r\n.\r\n") * 11 + boundary, 1)

    assert extract_quickly(content) is None


@pytest.mark.parametrize(
    "header",
    [
        b"a" * 65_000,
        b"X:" + b"\r\n " * 20_000,
        b"Content-Type: multipart/mixed" + b";a=b" * 15_000 + b";",
        b"Content-Type: multipart/mixed;" + b" " * 60_000,
        b"Content-Type: multipart/mixed; a=" + b"a" * 60_000 + b"\x01",
    ],
)
def test_a_hostile_header_is_given_up_at_once(header: bytes) -> None:
    """Work that grows with the square of a line's length would take 20 seconds here."""
    began = process_time()

    assert (None, True) == (extract_quickly(header + b"\r\n\r\n{}"), process_time() - began < 1)
