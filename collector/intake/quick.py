"""Reads a report mail of the common shape at a fraction of the standard library's cost (RFC 2045, RFC 2046).

The standard library copies a mail line by line and takes most of the time that reading a
report takes. Nearly all report mails are plain: ASCII header fields, one multipart, two or
three parts without parts of their own. Those are read here, straight from the bytes.
Whatever is the least bit unusual is given up, so that there is one judge of odd mails:
where this module answers, the answer is that of the standard library, and a test holds the
two against each other.
"""

import binascii
import quopri
import re
from collections.abc import Iterator

from collector.intake.report_file import (
    MAX_ATTACHMENT_BYTES,
    MAX_HEADER_CHARACTERS,
    Extracted,
    MailFacts,
    ReportFile,
    may_be_a_report,
    one_line,
)

# Report mails have two or three parts; one with more than a signature and a notice beside them is odd.
_MAX_PARTS = 10

# A mail's header after ten hops, with all their signatures, has some 15 KB.
_MAX_HEADER_BYTES = 64 * 1024

# RFC 5322 §2.2: name ":" value, where a line that begins with white space goes on with the value.
# Sought at the start of a line alone: sought everywhere, one line of 64 KB without a colon took 20 s.
_FIELD = re.compile(rb"^([!-9;-~]+):([^\n]*(?:\n[ \t][^\n]*)*)\n", re.MULTILINE)

# The colon and the line end, which are in neither name nor value.
_PUNCTUATION = 2

_EMPTY_LINE = re.compile(rb"\n\r?\n")

# What decides how a mail is to be read: given twice, readers differ.
_STRUCTURE = frozenset({b"content-type", b"content-transfer-encoding"})
_FACTS = frozenset({b"from", b"subject", b"message-id", b"tls-report-domain", b"tls-report-submitter"})
_WANTED = _STRUCTURE | _FACTS

# RFC 2045 §5.1: *(";" parameter), without comments, escapes and the forms of RFC 2231.
_PARAMETERS = (
    r"""((?:;[ \t\r\n]*[A-Za-z0-9-]+=(?:[A-Za-z0-9!#$&+./:=?^_`{|}~-]+|"[^"\\;<>\x00-\x1f]*")[ \t\r\n]*)*)"""
)
_MULTIPART = re.compile(
    rf"[ \t\r\n]*multipart/(?:report|mixed|related|alternative)[ \t\r\n]*{_PARAMETERS}", re.IGNORECASE
)
# RFC 2046 §5.1.1: boundary = 0*69<bchars> bcharsnospace; here without blanks and parentheses.
_BOUNDARY = re.compile(
    r""";[ \t\r\n]*boundary=("?)([A-Za-z0-9'+_,./:=?-]{1,70})\1[ \t\r\n]*(?![^;])""", re.IGNORECASE
)

_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+")

# RFC 2045 §5.2: a part that does not say what it is.
_DEFAULT_MEDIA_TYPE = "text/plain"

# RFC 2045 §6.2: encodings that change nothing; the empty one stands for none.
_AS_IT_IS = frozenset({"", "7bit", "8bit", "binary"})

# These hold parts of their own.
_NESTED = ("multipart/", "message/")

_Fields = dict[bytes, str]


class _Unusual(Exception):
    """The mail is not of the common shape."""


def extract_quickly(content: bytes) -> Extracted | None:
    """Find the report files in a mail of the common shape; None: ask the standard library."""
    try:
        _check_line_ends(content)
        fields, body = _header_and_body(content)
        parts = [_part(part) for part in _parts(body, _boundary(fields))]
        files = tuple(part for part in parts if may_be_a_report(part.content, part.media_type))
        # What is wrong with a mail that holds none is for the standard library's way to say.
        return Extracted(files=files, mail=_facts(fields)) if files else None
    except _Unusual:
        return None


# ── Its structure ─────────────────────────────────────────────────────────────


def _check_line_ends(content: bytes) -> None:
    """Give up on a CR alone: to the standard library it ends a line, to RFC 5322 §2.2 it has no place."""
    if content.count(b"\r") != content.count(b"\r\n"):
        raise _Unusual


def _header_and_body(entity: bytes) -> tuple[_Fields, bytes]:
    """Split a mail or a part at its first empty line."""
    end = _EMPTY_LINE.search(entity, 0, _MAX_HEADER_BYTES)
    if end is None:
        raise _Unusual
    return _fields(entity[: end.start() + 1]), entity[end.end() :]


def _fields(header: bytes) -> _Fields:
    """Read the fields that matter; each may be there once, and every line must belong to a field."""
    if not header.isascii():
        raise _Unusual
    fields: _Fields = {}
    length = 0
    for name, value in _FIELD.findall(header):
        length += len(name) + len(value) + _PUNCTUATION
        key = name.lower()
        if key not in _WANTED:
            continue
        if key in fields:
            raise _Unusual
        fields[key] = value.decode("ascii")
    # findall passes over what is no field; so less than the whole has been read.
    if length != len(header):
        raise _Unusual
    return fields


def _boundary(fields: _Fields) -> bytes:
    multipart = _MULTIPART.fullmatch(fields.get(b"content-type", ""))
    boundaries: list[tuple[str, str]] = [] if multipart is None else _BOUNDARY.findall(multipart[1])
    if len(boundaries) != 1:
        raise _Unusual
    _, boundary = boundaries[0]
    return boundary.encode("ascii")


def _parts(body: bytes, boundary: bytes) -> Iterator[bytes]:
    """Yield the parts, without the line end that belongs to the boundary after each (RFC 2046 §5.1.1)."""
    # The first boundary may stand right after the header's empty line: that line's end is put back.
    _, *sections = (b"\n" + body).split(b"\n--" + boundary, _MAX_PARTS + 1)
    for section in sections:
        after_boundary, _, part = section.partition(b"\n")
        after_boundary = after_boundary.rstrip(b" \t\r")
        if after_boundary == b"--":
            return
        if after_boundary:
            # A line that only begins like the boundary.
            raise _Unusual
        yield part.removesuffix(b"\r")
    # Cut off before its closing boundary, or too many parts.
    raise _Unusual


# ── Its contents ──────────────────────────────────────────────────────────────


def _part(part: bytes) -> ReportFile:
    fields, body = _header_and_body(part)
    return ReportFile(content=_decoded(fields, body), media_type=_media_type(fields))


def _media_type(fields: _Fields) -> str:
    content_type = fields.get(b"content-type")
    if content_type is None:
        return _DEFAULT_MEDIA_TYPE
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type.startswith(_NESTED) or _MEDIA_TYPE.fullmatch(media_type) is None:
        raise _Unusual
    return media_type


def _decoded(fields: _Fields, body: bytes) -> bytes:
    """Undo the Content-Transfer-Encoding (RFC 2045 §6) of a body within the limit."""
    if len(body) > MAX_ATTACHMENT_BYTES:
        raise _Unusual
    encoding = fields.get(b"content-transfer-encoding", "").lstrip(" \t").rstrip("\r\n").lower()
    if encoding == "base64":
        return _base64(body)
    if encoding == "quoted-printable":
        return quopri.decodestring(body)
    if encoding not in _AS_IT_IS:
        raise _Unusual
    return body


def _base64(body: bytes) -> bytes:
    """Decode what is base64 and nothing else: stray characters and missing padding are guessed elsewhere."""
    try:
        return binascii.a2b_base64(body.translate(None, b"\r\n"), strict_mode=True)
    except binascii.Error:
        raise _Unusual from None


def _facts(fields: _Fields) -> MailFacts:
    return MailFacts(
        from_address=_fact(fields, b"from"),
        subject=_fact(fields, b"subject"),
        message_id=_fact(fields, b"message-id"),
        tls_report_domain=_fact(fields, b"tls-report-domain"),
        tls_report_submitter=_fact(fields, b"tls-report-submitter"),
    )


def _fact(fields: _Fields, name: bytes) -> str | None:
    value = fields.get(name)
    if value is None:
        return None
    # An encoded word (RFC 2047 §2), or so long that it would be cut.
    if "=?" in value or len(value) > MAX_HEADER_CHARACTERS:
        raise _Unusual
    return one_line(value)
