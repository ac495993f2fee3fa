"""Packed bytes are undone within bounds, or refused with the reason."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import Corrupt, Malformed, TooLarge
from collector.intake.unpack import MAX_EXPANDED_BYTES, MAX_GZIP_MEMBERS, unpack

TEXT = b'{"report-id": "1"}'


def test_gzip_is_expanded_and_the_received_bytes_are_kept() -> None:
    packed = gzip.compress(TEXT)

    document = unpack(packed)

    assert (TEXT, packed) == (document.text, document.received)


def test_plain_json_is_taken_as_it_is() -> None:
    assert TEXT == unpack(TEXT).text


def test_the_content_hash_does_not_depend_on_the_packing() -> None:
    assert unpack(TEXT).content_hash == unpack(gzip.compress(TEXT, 1)).content_hash


def test_several_members_are_one_text() -> None:
    assert TEXT == unpack(gzip.compress(TEXT[:5]) + gzip.compress(TEXT[5:])).text


@pytest.mark.parametrize("trailing", [b"\r\n", b"\n", b"\0" * 512])
def test_bytes_after_the_last_member_are_passed_over(trailing: bytes) -> None:
    """Mimecast appends CRLF to the gzip data."""
    assert TEXT == unpack(gzip.compress(TEXT) + trailing).text


def test_a_truncated_file_is_corrupt() -> None:
    with pytest.raises(Corrupt, match="cut off"):
        unpack(gzip.compress(TEXT)[:-4])


def test_a_wrong_checksum_is_corrupt() -> None:
    packed = bytearray(gzip.compress(TEXT))
    packed[-5] ^= 1

    with pytest.raises(Corrupt, match="gzip"):
        unpack(bytes(packed))


def test_a_bomb_is_refused_before_it_expands() -> None:
    """A gigabyte of zeros is a megabyte of gzip."""
    packer = zlib.compressobj(wbits=31)
    chunk = bytes(1024 * 1024)
    bomb = b"".join(packer.compress(chunk) for _ in range(128)) + packer.flush()

    with pytest.raises(TooLarge, match=str(MAX_EXPANDED_BYTES)):
        unpack(bomb)


def test_the_largest_text_that_is_allowed_is_read_and_one_byte_more_is_not() -> None:
    largest = b"{" + b" " * (MAX_EXPANDED_BYTES - 1)

    assert MAX_EXPANDED_BYTES == len(unpack(gzip.compress(largest, 1)).text)
    with pytest.raises(TooLarge):
        unpack(gzip.compress(largest + b" ", 1))


def test_many_empty_members_are_refused() -> None:
    """200,000 of them in 4 MB take seconds to walk."""
    with pytest.raises(TooLarge, match=str(MAX_GZIP_MEMBERS)):
        unpack(gzip.compress(b"") * 200_000)


@given(st.binary() | st.binary().map(lambda tail: b"\x1f\x8b" + tail) | st.binary().map(gzip.compress))
def test_any_bytes_give_a_document_or_malformed(content: bytes) -> None:
    try:
        document = unpack(content)
    except Malformed:
        return
    assert content == document.received
