"""Host and domain names as reports are compared by them: lower-case A-labels (RFC 5890 §2.3.2.1)."""

import re
from collections.abc import Iterator
from functools import lru_cache

import idna

# RFC 1035 §2.3.4: 255 octets on the wire are 253 characters of text.
MAX_NAME_CHARACTERS = 253

# A cache for the names of a few thousand domains and hosts; a flood of others only evicts.
_CACHED_NAMES = 16_384

# A name as sent may be longer than its A-labels, by blanks round it; a cache of more is a stranger's memory.
_MAX_TEXT_CHARACTERS = 4 * MAX_NAME_CHARACTERS

# RFC 1123 §2.1: letters, digits, hyphen; 63 octets to a label.
_LDH_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_LDH_NAME = re.compile(rf"{_LDH_LABEL}(?:\.{_LDH_LABEL})*")

# DNS itself takes an underscore too (RFC 8552), and some hosts are named so.
_DNS_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_DNS_NAME = re.compile(rf"{_DNS_LABEL}(?:\.{_DNS_LABEL})*")


def normalise_name(text: str) -> str | None:
    """Return a name in lower-case A-labels without a trailing dot, None where DNS takes no such name."""
    return None if len(text) > _MAX_TEXT_CHARACTERS else _normalised(text)


@lru_cache(maxsize=_CACHED_NAMES)
def _normalised(text: str) -> str | None:
    name = text.strip().removesuffix(".").lower()
    if not name.isascii():
        name = _to_a_labels(name)
    if len(name) > MAX_NAME_CHARACTERS or _DNS_NAME.fullmatch(name) is None:
        return None
    return name


def normalise_pattern(text: str) -> str | None:
    """Return an MX pattern (RFC 8461 §4.1) as :func:`normalise_name` would, its ``*.`` kept."""
    wildcard, star, rest = text.strip().partition("*.")
    if star and not wildcard:
        name = normalise_name(rest)
        return None if name is None else f"*.{name}"
    return normalise_name(text)


def matches_pattern(pattern: str, mx_host: str) -> bool:
    """Tell whether an MX host is covered by a policy's pattern (RFC 8461 §4.1).

    A wildcard stands for exactly one label: ``*.example.net`` covers
    ``mx1.example.net`` but neither ``example.net`` nor ``a.b.example.net``.
    """
    if pattern.startswith("*."):
        return mx_host.partition(".")[2] == pattern[2:]
    return mx_host == pattern


def is_ldh_name(text: str) -> bool:
    """Tell whether a name is letters, digits and hyphens alone, and so safe to show in a command."""
    return len(text) <= MAX_NAME_CHARACTERS and _LDH_NAME.fullmatch(text) is not None


def belongs_to(name: str, domain: str) -> bool:
    """Tell whether a name is a domain or lies below it; both in A-labels."""
    return name == domain or name.endswith(f".{domain}")


def upwards(name: str) -> Iterator[str]:
    """Yield a name and every name above it, nearest first: ``a.b``, ``b``."""
    while name:
        yield name
        name = name.partition(".")[2]


def _to_a_labels(name: str) -> str:
    try:
        return idna.encode(name, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return ""
