"""Values as columns hold them, and back."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import msgspec
from sqlalchemy import Column, ColumnElement, func

_EPOCH = date(1970, 1, 1)

# A row in an index of PostgreSQL has at most 2,704 bytes: two domain names, numbers, and this in UTF-8.
_MAX_LABEL_CHARACTERS = 250

# SQLite adds in 64 bits and refuses what is beyond; some hundred forged reports get there. Halves do not.
_HALF = 2**32


def seconds_of(time: datetime) -> int:
    """Return a time as Unix seconds; fractions are dropped."""
    return int(time.timestamp())


def time_of(seconds: int) -> datetime:
    """Return Unix seconds as a time in UTC."""
    return datetime.fromtimestamp(seconds, UTC)


def number_of(day: date) -> int:
    """Return a day as the number of days since 1970-01-01."""
    return (day - _EPOCH).days


def day_of(number: int) -> date:
    """Return the day of a number."""
    return _EPOCH + timedelta(days=number)


def storable(text: str) -> str:
    """Replace what no database takes in a text: NUL (PostgreSQL), lone surrogates (both)."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def storable_or_none(text: str | None) -> str | None:
    """Do the same for a text that may be absent."""
    return None if text is None else storable(text)


def index_label(text: str) -> str:
    """Return a storable text as short as an index needs it; what is longer than any name is cut."""
    return storable(text[:_MAX_LABEL_CHARACTERS])


def json_of(words: Sequence[str]) -> str:
    """Return a list of words as JSON text."""
    return msgspec.json.encode([storable(word) for word in words]).decode()


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a JSON list."""
    return msgspec.json.decode(text, type=tuple[str, ...])


def summed(column: Column[int]) -> tuple[ColumnElement[int], ColumnElement[int]]:
    """Return what adds a column up, whatever comes of it: the sums of its upper and lower halves."""
    return (
        func.sum(column // _HALF).label(f"{column.name}_upper"),
        func.sum(column % _HALF).label(f"{column.name}_lower"),
    )


def sum_of(upper: int, lower: int) -> int:
    """Return the sum of a column from the sums of its halves; PostgreSQL gives them as decimals."""
    return int(upper) * _HALF + int(lower)
