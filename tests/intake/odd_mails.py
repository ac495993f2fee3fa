"""Makes mails for the readers of MIME: well formed but for a few things that are odd, broken or hostile."""

import base64
import quopri
from collections.abc import Sequence
from typing import TypeVar

from hypothesis import strategies as st

from tests.build import mail, report_json
from tests.intake.mails import PACKED, plain_mails

_Choice = TypeVar("_Choice")

# Each list begins with what is usual; the rest is odd.

_TYPES = ["multipart/report", "multipart/mixed", "Multipart/Related", "multipart/digest", "multipart"]
_TYPES += ["text/plain", "multipart/report ", "multipart/x/y", "message/rfc822", "application/tlsrpt+gzip"]

_BOUNDARIES = ["x", "=report=", "a--", "x'y", "x/y=?", "x" * 70]
_BOUNDARIES += ["--", "a b", "", "(x)", "<x>", "x" * 71, "\xe4", "x;y", "-"]

_PARAMETERS = ["boundary={}", 'boundary="{}"', "Boundary={}", "report-type=tlsrpt; boundary={}"]
_PARAMETERS += ['\r\n boundary="{}";\r\n\treport-type="tlsrpt"', 'boundary="{}" ; a=b', "boundary= {}"]
_PARAMETERS += ["boundary ={}", "boundary={} ", 'boundary="{}', "boundary='{}'", "boundary={};"]
_PARAMETERS += [";boundary={}"]
_PARAMETERS += ["boundary={}; boundary=z", "boundary=z; boundary={}", "boundary*={}"]
_PARAMETERS += ["boundary*=us-ascii''{}"]
_PARAMETERS += ["boundary*0={}", "boundary*0=x; boundary*1={}", "boundary*=y; boundary*0={}"]
_PARAMETERS += ["boundary={} (comment)", "(comment) boundary={}", 'a="b; boundary={}"']
_PARAMETERS += ['a="b\\";boundary={}"']
_PARAMETERS += ['a="b;c"; boundary={}', 'boundary="{} "', "xboundary={}", "a=boundary={}"]
_PARAMETERS += ["boundary*=\0'x'{}"]

_MEDIA_TYPES = ["application/tlsrpt+gzip", "APPLICATION/TLSRPT+JSON; x=y", "text/plain"]
_MEDIA_TYPES += ['\r\n text/html;\r\n\tx="y"']
_MEDIA_TYPES += ["text", "a/b/c", "", " ;", "x /y", "text/\xe4", "a/b\x1c", "text/plain\x0b", "multipart /x"]
_MEDIA_TYPES += ["multipart/mixed", "multipart/mixed; boundary=x", "message/rfc822"]
_MEDIA_TYPES += ["message/delivery-status"]
_MEDIA_TYPES += ["text/plain; charset*=x", 'text/plain; charset="\0"', "message/partial", "Message/Rfc822 "]

_ENCODINGS = ["base64", "BASE64", "base64", "7bit", "8bit", "binary", "quoted-printable"]
_ENCODINGS += ["base64 ", "\r\n base64", "x-uuencode", "", "base64; x", "\tbase64", "base64\r\n ", "7bit "]

_VALUES = ["x", "", " x  y ", "a\r\n b", "a\n\tb\n c", "\r\n x", "a\x1cb\x1f", "a\x0bb", "\x7f"]
_VALUES += ["\r\n \r\n x"]
_VALUES += ["=?utf-8?b?YQ==?=", "=?utf-8?b?A?=", "=?x?q?=ff?=", "=?", "=?\xff?q?a?=", "\xff\xfe", "a\0b"]
_VALUES += ["a\x85b"]
_VALUES += ["x" * 997, "y " * 700, "z" * 5000, "\n \n x", "a\rb", "x\r\nTo: y", "x\r\n\r\n{}"]

_NAMES = ["X-Other", "From", "SUBJECT", "Message-ID", "TLS-Report-Domain", "TLS-Report-Submitter"]
_NAMES += ["Content-Type", "Content-Transfer-Encoding", "From ", "", "N\xe4me", ">From", "X Other"]

# After two hyphens and the boundary.
_AFTER_BOUNDARY = [b"", b" ", b"\t ", b"\x0b", b"y", b"-", b"--"]

_CLOSINGS = [b"--", b"-- ", b"", b"---", b"----", b"--x", None]

_LINE_ENDS = [b"\r\n", b"\n", b"\r", b"", b"\n\n", b" \n", b"\n\r"]

_CONTENTS = [PACKED, b'{"a": 1}', b" \r\n{", b"text", b"", b"\x1f\x8b", b"{=\n}=3D=zz", b"\r\n", b"\n\n"]
_CONTENTS += [b"\xe4{"]
_CONTENTS += [b"begin 644 x\n#0V%T\n`\nend\n", b"--x", b"{\n--x\n", b"{\n--x--", b"--x--y\n{", b"{\n --x\n"]
_CONTENTS += [b"{\r", b"{\0"]
_CONTENTS += [mail(report_json()), b"Content-Type: multipart/mixed; boundary=x\n\n--x\n\n{}\n--x--\n"]
_CONTENTS += [b"From x\n{"]

_JUNK = [b"", b"=", b"==", b"====", b"!", b" ", b"A", b"\0", b"\r", b"-_", b"\nThis list is\n", b"\x80"]
_JUNK += [b"\n\n"]


@st.composite
def multipart_mails(draw: st.DrawFn) -> bytes:
    """Multipart mails with two odd things at most, which may be the same at several places."""
    odd = draw(st.sets(st.sampled_from(_PLACES), max_size=2))
    end = draw(st.sampled_from(_LINE_ENDS[:2]))

    def choose(place: str, choices: Sequence[_Choice], *, usual: int) -> _Choice:
        return draw(st.sampled_from(choices if place in odd else choices[:usual]))

    def field(name: str, value: str) -> bytes:
        return f"{name}: {value}".encode("latin-1") + choose("field end", [end, *_LINE_ENDS], usual=1)

    def fields() -> list[bytes]:
        count = draw(st.integers(0, 2))
        names = [choose("name", _NAMES, usual=6) for _ in range(count)]
        return [field(name, choose("value", _VALUES, usual=9)) for name in dict.fromkeys(names)]

    def leaf() -> bytes:
        encoding = choose("encoding", _ENCODINGS, usual=7)
        content = choose("content", _CONTENTS, usual=10)
        body = _encoded(content, encoding, end)
        junk, at = choose("junk", _JUNK, usual=1), draw(st.integers(-6, 30))
        head = fields()
        if choose("no type", (False, False, True), usual=3):
            head.append(field("Content-Type", choose("media type", _MEDIA_TYPES, usual=4)))
        if encoding != "7bit" or choose("no encoding", (True, False), usual=2):
            head.append(field("Content-Transfer-Encoding", encoding))
        return (
            b"".join(head) + choose("empty line", [end, *_LINE_ENDS], usual=1) + body[:at] + junk + body[at:]
        )

    boundary = choose("boundary", _BOUNDARIES, usual=6)
    content_type = choose("type", _TYPES, usual=3) + "; "
    content_type += choose("parameter", _PARAMETERS, usual=6).format(boundary)
    delimiter = b"--" + boundary.encode("latin-1")
    content = [*fields(), field("Content-Type", content_type)]
    content += [choose("second type", (b"", b"Content-Type: text/plain" + end), usual=1)]
    content += [choose("separator", [end, *_LINE_ENDS, b"no field" + end], usual=1)]
    content += [choose("preamble", (b"", b"notice" + end, end, delimiter, delimiter + b"--" + end), usual=3)]
    for _ in range(draw(st.integers(1, 3))):
        after = choose("after boundary", _AFTER_BOUNDARY, usual=3)
        content += [delimiter, after, end, leaf(), choose("part end", [end, *_LINE_ENDS], usual=2)]
    closing = choose("closing", _CLOSINGS, usual=2)
    content += [b"" if closing is None else delimiter + closing]
    content += [
        choose("epilogue", (b"", end, end + b"more" + end, end + delimiter + end + end + b"{}"), usual=4)
    ]
    return b"".join(content)


_PLACES = ["field end", "name", "value", "encoding", "content", "junk", "media type", "empty line"]
_PLACES += ["boundary"]
_PLACES += ["type", "parameter", "second type", "separator", "preamble", "after boundary", "part end"]
_PLACES += ["closing"]


def _encoded(content: bytes, encoding: str, end: bytes) -> bytes:
    if "base64" in encoding.lower():
        return base64.encodebytes(content).replace(b"\n", end)
    if encoding == "quoted-printable":
        return quopri.encodestring(content)
    return content


@st.composite
def altered_mails(draw: st.DrawFn) -> bytes:
    """A mail of the common shape, with a few of its lines cut, doubled, moved or written over."""
    lines = draw(st.sampled_from(plain_mails())).splitlines(keepends=True)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(lines) - 1))
        lines[at : at + 1] = draw(
            st.sampled_from(_alterations(lines[at], draw(st.integers(0, len(lines[at])))))
        )
        lines = lines or [b""]
    return b"".join(lines)[: draw(st.one_of(st.none(), st.none(), st.integers(0, 4000)))]


def _alterations(line: bytes, middle: int) -> list[list[bytes]]:
    """Ways to alter one line, some of them at a place in its middle."""
    bare = line.rstrip(b"\r\n")
    left, right = line[:middle], line[middle:]
    inserted = (
        b"\r\n ",
        b"\n\t",
        b"\0",
        b"\r\nX: y\r\n",
        b"\r",
        b"\xff",
        b" ",
        b'"',
        b";",
        b"=",
        b"\r\n\r\n",
        b"\x0b",
    )
    altered = [
        [],
        [left],
        [right],
        [b" " + line],
        [line.lower()],
        [line.upper()],
        [bare + b"\r"],
        [bare + b"\n"],
    ]
    altered += [[line, line], [b"\r\n", line], [bare, b" \t\r\n"], [right, left]]
    return altered + [[left + junk + right] for junk in inserted]
