"""What may stand in a field: texts, names, durations, shares, sizes, addresses, paths."""

import ipaddress
import re
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import PydanticKnownError

from collector.alerting.rule import MAXIMUM_AGE
from collector.tlsrpt.names import normalise_name


class Settings(BaseModel):
    """The base of all settings: frozen, no unknown keys, nothing turned silently into something else."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        frozen=True, extra="forbid", strict=True, hide_input_in_errors=True
    )


class Refused(ValueError):
    """A value that a field does not take; the message says what it would take."""


def text_of(value: object) -> str:
    """Return a text that is not empty."""
    if not isinstance(value, str):
        raise PydanticKnownError("string_type")
    return _not_empty(value)


def absolute_path(value: object, info: ValidationInfo) -> Path:
    """Return a path; a relative one starts at the folder of the configuration file."""
    folder = (info.context or {}).get("folder")
    path = Path(text_of(value))
    return path if folder is None else folder / path


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine, so that nobody listens in between (RFC 6761 §6.3)."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


# ── Texts and names ──────────────────────────────────────────────────────────


def _not_empty(text: str) -> str:
    if not text.strip():
        raise Refused("a text is wanted, not an empty one")
    return text


# Names become labels of metrics, keys in the store and words in the log.
_NAME_PATTERN = r"[A-Za-z0-9._-]{1,64}"


def _name(text: str) -> str:
    if re.fullmatch(_NAME_PATTERN, text) is None:
        raise Refused("a name of letters, digits, dots, hyphens and underscores is wanted, 64 at most")
    return text


def _domain(text: str) -> str:
    if (name := normalise_name(text)) is None:
        raise Refused("a domain name is wanted, like example.com")
    return name


def _host(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        name = normalise_name(text)
    if name is None:
        raise Refused(
            "a host name or an IP address is wanted, like imap.example.com; the port has its own key"
        )
    return name


# RFC 5321 §4.1.2: the atoms and dots of a local part; quoted ones are not met.
_LOCAL_PART = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}")


def _mail_address(text: str) -> str:
    local_part, _, domain = text.rpartition("@")
    name = normalise_name(domain)
    if name is None or _LOCAL_PART.fullmatch(local_part) is None:
        raise Refused("a mail address is wanted, like postmaster@example.com, and nothing beside it")
    return f"{local_part}@{name}"


def _not_yet(value: object) -> None:
    if value is not None:
        raise Refused("is not available in this version: write null, or leave it out")


# Options that a later version brings: their keys are known, so that a file says plainly what it misses.
NotYet = Annotated[None, PlainValidator(_not_yet), WithJsonSchema({"type": "null"})]

Text = Annotated[str, AfterValidator(_not_empty), Field(json_schema_extra={"minLength": 1})]
Name = Annotated[str, AfterValidator(_name), Field(json_schema_extra={"pattern": f"^{_NAME_PATTERN}$"})]
DomainName = Annotated[str, AfterValidator(_domain), Field(json_schema_extra={"minLength": 1})]
HostName = Annotated[str, AfterValidator(_host), Field(json_schema_extra={"minLength": 1})]
MailAddress = Annotated[
    str, AfterValidator(_mail_address), Field(json_schema_extra={"pattern": "^[^@\\s]+@[^@\\s]+$"})
]
Port = Annotated[int, Field(ge=1, le=65535)]


# ── Durations, shares, sizes ─────────────────────────────────────────────────

# The largest first.
_SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1}
_DURATION_PATTERN = r"([0-9]{1,6})([smhd])"


def _duration(value: object) -> timedelta:
    """Read ``30s``, ``5m``, ``48h`` or ``7d``."""
    if isinstance(value, int | Decimal):
        raise Refused("a number has no unit: write 30s, 5m, 48h or 7d")
    found = re.fullmatch(_DURATION_PATTERN, value) if isinstance(value, str) else None
    if found is None:
        raise Refused("a duration is wanted, like 30s, 5m, 48h or 7d")
    return timedelta(seconds=int(found[1]) * _SECONDS[found[2]])


def _interval(duration: timedelta) -> timedelta:
    return _between(duration, _SHORTEST, _LONGEST_INTERVAL, "between 1s and 31d")


def _timeout(duration: timedelta) -> timedelta:
    return _between(duration, _SHORTEST, _LONGEST_TIMEOUT, "between 1s and 1h")


def _retention(duration: timedelta) -> timedelta:
    return _between(duration, _SHORTEST_RETENTION, _LONGEST_RETENTION, "between 1d and 36500d")


def _judged_retention(duration: timedelta) -> timedelta:
    return _between(
        duration, _SHORTEST_JUDGED, _LONGEST_RETENTION, f"between {_SHORTEST_JUDGED.days}d and 36500d"
    )


def _between(duration: timedelta, shortest: timedelta, longest: timedelta, words: str) -> timedelta:
    if not shortest <= duration <= longest:
        raise Refused(f"a duration {words} is wanted")
    return duration


_SHORTEST = timedelta(seconds=1)
# A mailbox visited less than once a month is a mistake of units.
_LONGEST_INTERVAL = timedelta(days=31)
# Retention goes by whole days.
_SHORTEST_RETENTION = timedelta(days=1)
# A hundred years; a calendar ends if one counts further back.
_LONGEST_RETENTION = timedelta(days=36_500)
# Alerts are judged by the days within this, and raised again if it is forgotten that they were told.
_SHORTEST_JUDGED = MAXIMUM_AGE + timedelta(days=1)
# Nobody waits longer for a server; sockets refuse timeouts of more than 24 days.
_LONGEST_TIMEOUT = timedelta(hours=1)

_SHARE_PATTERN = r"[0-9]{1,12}(?:\.[0-9]{1,12})?"


def _share(value: object) -> Fraction:
    """Read ``5%``, ``0.5%`` or ``0.05`` exactly."""
    text = str(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value
    if not isinstance(text, str) or re.fullmatch(f"{_SHARE_PATTERN}%?", text) is None:
        raise Refused("a share is wanted, like 5%, 0.5% or 0.05")
    share = Fraction(text.removesuffix("%"))
    if text.endswith("%"):
        share /= 100
    elif share >= 1:
        raise Refused(f"a bare number of 1 or more is no share: write {text}%")
    if share > 1:
        raise Refused("a share is at most 100%")
    return share


_BYTES = {
    "GB": 1_000_000_000,
    "MB": 1_000_000,
    "KB": 1_000,
    "GiB": 1 << 30,
    "MiB": 1 << 20,
    "KiB": 1 << 10,
}
_SIZE_PATTERN = r"([1-9][0-9]{0,8})(KB|MB|GB|KiB|MiB|GiB)"


def _size(value: object) -> int:
    """Read ``512KB`` or ``25MB`` (powers of 1000), ``32MiB`` (powers of 1024)."""
    if isinstance(value, int | Decimal):
        raise Refused("a number has no unit: write 512KB, 25MB or 32MiB")
    found = re.fullmatch(_SIZE_PATTERN, value) if isinstance(value, str) else None
    if found is None:
        raise Refused("a size is wanted, like 512KB, 25MB or 32MiB")
    return int(found[1]) * _BYTES[found[2]]


def written_duration(duration: timedelta) -> str:
    """Write a duration in the largest unit that divides it."""
    seconds = int(duration.total_seconds())
    return next(f"{seconds // size}{unit}" for unit, size in _SECONDS.items() if seconds % size == 0)


def written_share(share: Fraction) -> str:
    """Write a share in percent."""
    percent = Decimal(share.numerator * 100) / Decimal(share.denominator)
    return f"{percent.normalize():f}%"


def _written_size(size: int) -> str:
    """Write a size in the largest unit that divides it; decimal units come first."""
    return next(f"{size // factor}{unit}" for unit, factor in _BYTES.items() if size % factor == 0)


_DURATION_SCHEMA = WithJsonSchema({"type": "string", "pattern": f"^{_DURATION_PATTERN}$"})

Interval = Annotated[
    timedelta,
    PlainValidator(_duration),
    AfterValidator(_interval),
    PlainSerializer(written_duration),
    _DURATION_SCHEMA,
]
Timeout = Annotated[
    timedelta,
    PlainValidator(_duration),
    AfterValidator(_timeout),
    PlainSerializer(written_duration),
    _DURATION_SCHEMA,
]
Retention = Annotated[
    timedelta,
    PlainValidator(_duration),
    AfterValidator(_retention),
    PlainSerializer(written_duration),
    _DURATION_SCHEMA,
]
JudgedRetention = Annotated[
    timedelta,
    PlainValidator(_duration),
    AfterValidator(_judged_retention),
    PlainSerializer(written_duration),
    _DURATION_SCHEMA,
]
Share = Annotated[
    Fraction,
    PlainValidator(_share),
    PlainSerializer(written_share),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "pattern": f"^{_SHARE_PATTERN}%?$"},
                {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
            ]
        }
    ),
]
Size = Annotated[
    int,
    PlainValidator(_size),
    PlainSerializer(_written_size),
    WithJsonSchema({"type": "string", "pattern": f"^{_SIZE_PATTERN}$"}),
]


# ── Addresses and paths ──────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenAddress:
    """Where a server listens; port 0 lets the system choose."""

    host: str
    port: int

    def __str__(self) -> str:
        """Write it as it is configured, an IPv6 address in brackets."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


_LISTEN = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:]+)):([0-9]{1,5})")
_HIGHEST_PORT = 65535


def _listen_address(value: object) -> ListenAddress:
    """Read ``127.0.0.1:8460`` or ``[::1]:8460``."""
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        raise Refused(f'write the address too: "127.0.0.1:{value}"')
    found = _LISTEN.fullmatch(text_of(value))
    if found is None or int(found[3]) > _HIGHEST_PORT:
        raise Refused('an address and a port are wanted, like "127.0.0.1:8460" or "[::1]:8460"')
    return ListenAddress(host=_host(found[1] or found[2]), port=int(found[3]))


def _web_url(text: str) -> str:
    """Check the address of a web server (RFC 9110 §4.2)."""
    try:
        parts = urlsplit(text)
        port_is_fine = parts.port is None or parts.port > 0
    except ValueError:
        raise Refused("an address is wanted, like https://host/path") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_fine:
        raise Refused("an address that begins with https:// or http:// is wanted, like https://host/path")
    if parts.username is not None or parts.password is not None:
        raise Refused("a user name or password within the address is not sent: remove it")
    if parts.fragment or not text.isascii() or re.search(r"\s", text):
        raise Refused("an address as it is sent is wanted: ASCII, without blanks and without #")
    _host(parts.hostname)
    return text


def _page_url(text: str) -> str:
    return _web_url(text).rstrip("/")


_URL_SCHEMA = Field(json_schema_extra={"pattern": "^https?://"})

Listen = Annotated[
    ListenAddress,
    PlainValidator(_listen_address),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "pattern": "^(\\[[0-9A-Fa-f:.]+\\]|[^\\[\\]:]+):[0-9]{1,5}$"}),
]
WebUrl = Annotated[str, AfterValidator(_web_url), _URL_SCHEMA]
PageUrl = Annotated[str, AfterValidator(_page_url), _URL_SCHEMA]
FilePath = Annotated[
    Path,
    PlainValidator(absolute_path),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "minLength": 1}),
]
