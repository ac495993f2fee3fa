"""What settings demand of each other.

Asked of the plain values, before they become settings: so that these problems are told
together with all the others, even where a neighbour is wrong.
"""

from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import chain

from pydantic import TypeAdapter, ValidationError

from collector.alerting.rule import DEFAULT_THRESHOLDS
from collector.config.document import Location
from collector.config.fields import Share, is_loopback
from collector.tlsrpt.names import normalise_name

Complaint = tuple[Location, str]
"""Where, and what is wrong there."""

_SHARE: TypeAdapter[Fraction] = TypeAdapter(Share)


def complaints(values: Mapping[str, object]) -> Iterator[Complaint]:
    """Yield what is wrong between the settings of a file."""
    yield from _doubles(values)
    yield from _missing_channels(values)
    yield from _crossed_thresholds(values)
    yield from _given_twice((), values, "store")
    for location, entry in chain(_entries(values, "sources"), _entries(values, "channels")):
        yield from _given_twice(location, entry, "password")
        yield from _given_twice(location, entry, "secret")
        yield from _half_logins(location, entry)
        yield from _open_lines(location, entry)
        yield from _circles(location, entry)


def _doubles(values: Mapping[str, object]) -> Iterator[Complaint]:
    """Find two of a family with one name: they cannot be told apart."""
    for family in ("domains", "sources", "channels"):
        names: set[str] = set()
        for location, name in _names(values, family):
            if name in names:
                yield location, f"{name!r} is there already: give it another name, or remove one"
            names.add(name)


def _missing_channels(values: Mapping[str, object]) -> Iterator[Complaint]:
    """Find channels of domains that are not there."""
    known = {name for _, name in _names(values, "channels")}
    for location, entry in _entries(values, "domains"):
        channels = entry.get("channels")
        for index, name in enumerate(channels if isinstance(channels, tuple) else ()):
            if isinstance(name, str) and name not in known:
                there = ", ".join(sorted(map(repr, known))) or "none"
                yield (*location, "channels", index), f"there is no channel of this name; there are: {there}"


def _crossed_thresholds(values: Mapping[str, object]) -> Iterator[Complaint]:
    """Find warnings above what is critical, a domain's own values laid over the general ones."""
    general = _shares(values.get("thresholds"))
    warning = general.get("warning", DEFAULT_THRESHOLDS.warning)
    critical = general.get("critical", DEFAULT_THRESHOLDS.critical)
    if warning > critical:
        key = "warning" if "warning" in general else "critical"
        yield ("thresholds", key), "warning must not be above critical"
        return
    for location, entry in _entries(values, "domains"):
        own = _shares(entry.get("thresholds"))
        if own and own.get("warning", warning) > own.get("critical", critical):
            key = "warning" if "warning" in own else "critical"
            yield (*location, "thresholds", key), "warning must not be above critical for this domain"


def _given_twice(location: Location, entry: Mapping[str, object], key: str) -> Iterator[Complaint]:
    """Find secrets that are given in more than one way."""
    for second in _ways(entry, key)[1:]:
        yield (*location, second), f"give only one of {key}, {key}_file, {key}_env and {key}_credential"


def _half_logins(location: Location, entry: Mapping[str, object]) -> Iterator[Complaint]:
    """Find logins that lack their password or their name; a mail server may do without either."""
    password = _ways(entry, "password")
    mailbox = location[0] == "sources" and entry.get("kind") != "directory"
    if not password and (mailbox or entry.get("username") is not None):
        yield (
            (*location, "password"),
            "is missing: add password_file, password_env, password_credential or password",
        )
    if (
        password
        and location[0] == "channels"
        and entry.get("kind") == "email"
        and entry.get("username") is None
    ):
        yield (*location, "username"), "is missing: a password needs the user name that it belongs to"


def _open_lines(location: Location, entry: Mapping[str, object]) -> Iterator[Complaint]:
    """Find servers elsewhere that are spoken to without TLS, unless the operator insists."""
    host = entry.get("host")
    if entry.get("tls") != "none" or entry.get("insecure") is True or not isinstance(host, str):
        return
    if not is_loopback(normalise_name(host) or host):
        message = "without TLS the password can be read on the way: use implicit or starttls"
        yield (*location, "tls"), f"{message}, or add insecure: true if that is meant"


def _circles(location: Location, entry: Mapping[str, object]) -> Iterator[Complaint]:
    """Find mailboxes whose mail is moved to where it is read."""
    if location[0] != "sources" or entry.get("kind") == "directory":
        return
    folder = entry.get("folder", "INBOX")
    for key in ("processed_folder", "rejected_folder"):
        if entry.get(key) is not None and entry.get(key) == folder:
            yield (*location, key), "is the folder that is read: name another, or it is read again and again"


# ── Plain values, of which nothing is certain yet ────────────────────────────


def _entries(values: Mapping[str, object], family: str) -> Iterator[tuple[Location, Mapping[str, object]]]:
    listed = values.get(family)
    for index, entry in enumerate(listed if isinstance(listed, tuple) else ()):
        if isinstance(entry, dict):
            yield (family, index), entry


def _names(values: Mapping[str, object], family: str) -> Iterator[tuple[Location, str]]:
    """Yield where each name stands; domains may be named without a mapping round it."""
    listed = values.get(family)
    for index, entry in enumerate(listed if isinstance(listed, tuple) else ()):
        name = entry.get("name") if isinstance(entry, dict) else entry
        location: Location = (family, index, "name") if isinstance(entry, dict) else (family, index)
        if isinstance(name, str):
            yield location, (normalise_name(name) or name) if family == "domains" else name


def _ways(entry: Mapping[str, object], key: str) -> list[str]:
    """Return the keys by which a secret is given, in file order."""
    ways = {key, f"{key}_file", f"{key}_env", f"{key}_credential"}
    return [way for way, value in entry.items() if way in ways and value is not None]


def _shares(thresholds: object) -> dict[str, Fraction]:
    shares = {}
    for key in ("warning", "critical"):
        value = thresholds.get(key) if isinstance(thresholds, dict) else None
        try:
            if value is not None:
                shares[key] = _SHARE.validate_python(value)
        except ValidationError:
            continue  # told where the field itself is judged
    return shares
