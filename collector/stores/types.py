"""How values lie in columns: alike on SQLite and PostgreSQL, and whatever a report says."""

import json
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from sqlalchemy import BigInteger, LargeBinary, Text
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator

# What PostgreSQL refuses in a text is written as U+FFFD, the character for "something stood here".
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

# PostgreSQL refuses an index entry above 2,704 bytes: three names in one stay below, at 4 bytes a character.
MAX_INDEXED_CHARACTERS = 200

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)

# Byte order, as SQLite has it: the same order of names on every machine.
_ORDERED_TEXT = Text().with_variant(Text(collation="C"), "postgresql")


def storable(text: str) -> str:
    """Return text that both engines take: NUL and lone surrogates are replaced."""
    if not text.isascii():
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\0", _REPLACEMENT) if "\0" in text else text


def indexed(text: str) -> str:
    """Return a name short enough for an index; what is longer is no name that anyone tells apart."""
    return text[:MAX_INDEXED_CHARACTERS]


class PlainText(TypeDecorator[str]):
    """Text, made storable on its way in."""

    impl = _ORDERED_TEXT
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Replace what an engine would refuse."""
        del dialect
        return None if value is None else storable(value)


class Lossless(TypeDecorator[str]):
    """Text kept to the last code unit, as bytes: a reference must come back as its source gave it."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        """Encode, lone surrogates of undecodable file names included."""
        del dialect
        return None if value is None else value.encode("utf-8", "surrogatepass")

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        """Decode what was encoded."""
        del dialect
        return None if value is None else value.decode("utf-8", "surrogatepass")


class TextList(TypeDecorator[tuple[str, ...]]):
    """Several texts as a JSON array, readable by hand and by both engines' JSON functions."""

    impl = _ORDERED_TEXT
    cache_ok = True

    def process_bind_param(self, value: tuple[str, ...] | None, dialect: Dialect) -> str | None:
        """Write the array in ASCII."""
        del dialect
        return None if value is None else json.dumps([storable(text) for text in value])

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[str, ...] | None:
        """Read the array."""
        del dialect
        return None if value is None else tuple(json.loads(value))


class UtcTime(TypeDecorator[datetime]):
    """A time as whole Unix seconds: SQLite would lose the zone of anything else."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Count the seconds; fractions are dropped."""
        del dialect
        return None if value is None else (value - _EPOCH) // _SECOND

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """Return the time, aware; also those that ``datetime.fromtimestamp`` refuses."""
        del dialect
        return None if value is None else _EPOCH + timedelta(seconds=value)


class Share(TypeDecorator[Fraction]):
    """An exact fraction as text, ``1/100``: a threshold is not to be rounded."""

    impl = _ORDERED_TEXT
    cache_ok = True

    def process_bind_param(self, value: Fraction | None, dialect: Dialect) -> str | None:
        """Write the fraction."""
        del dialect
        return None if value is None else str(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Fraction | None:
        """Read the fraction."""
        del dialect
        return None if value is None else Fraction(value)
