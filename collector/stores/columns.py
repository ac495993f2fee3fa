"""Values as columns hold them, and back."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

_EPOCH = date(1970, 1, 1)


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
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()


def storable_or_none(text: str | None) -> str | None:
    """Do the same for a text that may be absent."""
    return None if text is None else storable(text)


def json_of(words: Sequence[str]) -> str:
    """Return a list of words as JSON text."""
    return json.dumps([storable(word) for word in words], ensure_ascii=False)


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a JSON list."""
    return tuple(json.loads(text))
