"""Report files are found in mails by their content and their type, within bounds."""

import base64
import gzip
import json
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import Corrupt, InvalidReport, Malformed, NotAReport, TooLarge
from collector.intake.delivery import DeliveryKind
from collector.intake.extract import MAX_MIME_PARTS, Extracted, MailFacts, ReportFile, extract
from tests.build import delivery, mail, packed, report_json

REPORT = report_json()


def raw_mail(body: bytes, *headers: str) -> bytes:
    lines = ["From: tlsrpt@example.net", "MIME-Version: 1.0", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def files_of(content: bytes) -> list[bytes]:
    return [file.content for file in extract(delivery(content)).files]


def test_a_mail_as_the_rfc_wants_it_gives_its_file_and_its_facts() -> None:
    """RFC 8460 §5.3."""
    expected = Extracted(
        files=(ReportFile(content=packed(REPORT), media_type="application/tlsrpt+gzip"),),
        mail=MailFacts(
            from_address="noreply-smtp-tls-reporting@google.com",
            subject="Report Domain: example.com Submitter: google.com Report-ID: <2026-05-11_example.com>",
            message_id="<2026-05-11_example.com.example.com@google.com>",
            tls_report_domain="example.com",
            tls_report_submitter="google.com",
        ),
    )

    assert expected == extract(delivery(mail(REPORT)))


def test_a_file_that_is_no_mail_is_taken_whole() -> None:
    content = packed(REPORT)

    expected = (ReportFile(content=content, media_type=""),)

    assert expected == extract(delivery(content, kind=DeliveryKind.FILE)).files


def test_every_attachment_is_found_in_its_order() -> None:
    message = EmailMessage()
    message.set_content("two reports")
    first, second = packed(report_json(report_id="1")), packed(report_json(report_id="2"))
    for content in (first, second):
        message.add_attachment(content, maintype="application", subtype="tlsrpt+gzip")

    assert [first, second] == files_of(message.as_bytes())


@pytest.mark.parametrize(
    "media_type", ["application/octet-stream", "application/gzip", "text/plain", "image/png"]
)
def test_gzip_is_found_under_any_media_type(media_type: str) -> None:
    body = base64.encodebytes(packed(REPORT))

    found = files_of(raw_mail(body, f"Content-Type: {media_type}", "Content-Transfer-Encoding: base64"))

    assert [packed(REPORT)] == found


def test_plain_json_is_found_in_a_mail_that_is_not_multipart() -> None:
    text = json.dumps(REPORT).encode()

    assert [text] == files_of(raw_mail(text, "Content-Type: application/tlsrpt+json"))


def test_a_report_in_a_forwarded_mail_is_found() -> None:
    inner = mail(REPORT)
    body = b"--x\r\nContent-Type: message/rfc822\r\n\r\n" + inner + b"\r\n--x--\r\n"

    assert [packed(REPORT)] == files_of(raw_mail(body, "Content-Type: multipart/mixed; boundary=x"))


def test_an_unterminated_multipart_is_read_to_its_end() -> None:
    """Mail.ru leaves out the two hyphens of the last boundary."""
    content = mail(REPORT)
    cut = content[: content.rindex(b"--=report=--")] + b"--=report=\n"

    assert [packed(REPORT)] == files_of(cut)


def test_a_mail_without_a_report_is_not_a_report() -> None:
    with pytest.raises(NotAReport):
        extract(delivery(raw_mail(b"Lunch on Thursday?\r\n", "Subject: Lunch")))


def test_a_mail_that_announces_a_report_and_has_none_is_invalid() -> None:
    with pytest.raises(InvalidReport, match="announces a report"):
        extract(delivery(raw_mail(b"text only\r\n", "TLS-Report-Domain: example.com")))


def test_headers_are_one_line_of_text() -> None:
    encoded = raw_mail(
        json.dumps(REPORT).encode(),
        "Subject: =?utf-8?b?UmVwb3J0DQpCY2M6IHg=?=\r\n folded",
        "TLS-Report-Domain: example.com",
    )

    assert extract(delivery(encoded)).mail.subject == "Report Bcc: x folded"


def test_a_header_of_raw_eight_bit_text_does_no_harm() -> None:
    content = b"Subject: \xff\xfe\r\n\r\n" + json.dumps(REPORT).encode()

    assert extract(delivery(content)).mail.subject is not None


def test_too_many_parts_are_refused() -> None:
    part = b"--x\r\n\r\n.\r\n"
    content = raw_mail(part * (MAX_MIME_PARTS + 1) + b"--x--", "Content-Type: multipart/mixed; boundary=x")

    with pytest.raises(TooLarge, match="MIME parts"):
        extract(delivery(content))


@pytest.mark.parametrize("depth", [60, 2_000])
def test_deep_nesting_is_refused(depth: int) -> None:
    levels = range(depth)
    head = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in levels)

    with pytest.raises(TooLarge, match="nested"):
        extract(delivery(head + b"\r\n.\r\n"))


@given(st.binary() | st.binary(max_size=300).map(lambda tail: mail(REPORT)[:600] + tail))
def test_any_bytes_give_files_or_malformed(content: bytes) -> None:
    try:
        extracted = extract(delivery(content))
    except Malformed:
        return
    assert extracted.files


def test_gzip_of_a_mail_is_not_mistaken_for_text() -> None:
    assert gzip.decompress(files_of(mail(REPORT))[0]) == json.dumps(REPORT).encode()


@pytest.mark.parametrize(
    "word", ["=?utf-8?b?A?=", "=?utf-8?b?YWJj5?=", "=?x-none?q?=41?=", "=?utf-8?q?=ff?="]
)
def test_an_encoded_word_that_cannot_be_decoded_stays_as_it_is(word: str) -> None:
    content = raw_mail(json.dumps(REPORT).encode(), f"Subject: {word}")

    assert word == extract(delivery(content)).mail.subject


@pytest.mark.parametrize("charset", ["charset*=utf-8''x", 'charset="\0"', "charset=idna"])
def test_a_part_of_an_odd_character_set_is_read(charset: str) -> None:
    text = json.dumps(REPORT, ensure_ascii=False).encode() + b"\xff"

    assert [text] == files_of(raw_mail(text, f"Content-Type: text/plain; {charset}"))


def test_a_mail_that_the_standard_library_cannot_take_is_corrupt() -> None:
    """Of its boundary in parts (RFC 2231 §3) one has no number: email raises TypeError."""
    content = raw_mail(b"--xy--\r\n", "Content-Type: multipart/mixed; boundary*=x; boundary*0=y")

    with pytest.raises(Corrupt, match="taken apart"):
        extract(delivery(content))
