"""Expands report files within bounds (RFC 1952, RFC 8460 §5.2)."""

import hashlib
import zlib
from dataclasses import dataclass

from collector.errors import Corrupt, TooLarge
from collector.intake.extract import looks_packed

# After expansion. mox accepts 20 MB; a report with 200,000 failure details has about 30.
MAX_EXPANDED_BYTES = 32 * 1024 * 1024

# Real reports have one member. Each further one copies the rest: 200,000 of them took 10 s.
MAX_GZIP_MEMBERS = 16

# zlib: 15 bits of window, plus 16 for "a gzip header and trailer, nothing else".
_GZIP_WINDOW_BITS = 31


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One expanded report: its JSON text, and the file as it was received."""

    text: bytes
    received: bytes

    @property
    def content_hash(self) -> str:
        """The SHA-256 of the expanded JSON in hexadecimal: what makes two reports the same."""
        return hashlib.sha256(self.text).hexdigest()


def unpack(content: bytes) -> Document:
    """Expand one report file; what is not packed is taken as it is.

    Raises :class:`TooLarge` beyond a limit, :class:`Corrupt` when it cannot be undone.
    """
    text = _gunzip(content) if looks_packed(content) else content
    if len(text) > MAX_EXPANDED_BYTES:
        raise _too_large()
    return Document(text=text, received=content)


def _gunzip(content: bytes) -> bytes:
    expanded = bytearray()
    rest = content
    for _ in range(MAX_GZIP_MEMBERS):
        rest = _gunzip_member(rest, expanded)
        if not looks_packed(rest):
            return bytes(expanded)
    raise TooLarge(f"more than {MAX_GZIP_MEMBERS} gzip members")


def _gunzip_member(packed: bytes, expanded: bytearray) -> bytes:
    """Expand one member onto ``expanded`` and return the bytes after it."""
    inflater = zlib.decompressobj(wbits=_GZIP_WINDOW_BITS)
    room = MAX_EXPANDED_BYTES - len(expanded)
    try:
        # One byte more than there is room for, so that "just full" and "too large" differ.
        expanded += inflater.decompress(packed, room + 1)
    except zlib.error as error:
        raise Corrupt(f"gzip: {error}") from error
    if len(expanded) > MAX_EXPANDED_BYTES:
        raise _too_large()
    if not inflater.eof:
        raise Corrupt("gzip: cut off before its end")
    return inflater.unused_data


def _too_large() -> TooLarge:
    return TooLarge(f"expands to more than {MAX_EXPANDED_BYTES} bytes")
