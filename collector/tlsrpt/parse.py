"""Reads a report's JSON into a :class:`Report` (RFC 8460 §4.4); the one place that knows its member names.

Three steps: the wire (what the JSON may look like), the reading of it, and the repairs,
each of which leaves a :class:`Deviation`.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Annotated, Any, TypeVar

import msgspec

from collector.errors import InvalidReport, NotAReport, TooLarge
from collector.tlsrpt.deviations import Deviation
from collector.tlsrpt.names import normalise_name, normalise_pattern
from collector.tlsrpt.report import (
    REGISTERED_POLICY_TYPES,
    STS,
    TLSA,
    Failure,
    Period,
    Policy,
    Report,
)

# No sender has a million million sessions a day; and a sum of many such counts still fits in 64 bits.
MAX_SESSIONS = 10**12

# One report of a large provider covers one domain and a few policies.
MAX_POLICIES = 10_000

# Some 30 MB of JSON, the most that is expanded.
MAX_FAILURE_DETAILS = 200_000

# Two of the five top-level members of RFC 8460 §4.4 say "I am a TLS report".
_MEMBERS = (b'"organization-name"', b'"date-range"', b'"contact-info"', b'"report-id"', b'"policies"')
_MEMBERS_THAT_CLAIM = 2

# Reports of one day share their two times, and those of one domain its senders and MX hosts: what was
# read once is not read again. A flood of others only evicts.
_CACHED_TIMES = 1_024
_CACHED_ADDRESSES = 4_096

# Longer than any address or time that is sent in earnest: what is longer is read, and not remembered.
_MAX_CACHED_CHARACTERS = 64

_UTF8_BOM = b"\xef\xbb\xbf"

# How much of the content hash stands in for a missing report-id.
_STAND_IN_DIGITS = 16

_IPAddress = IPv4Address | IPv6Address
_Value = TypeVar("_Value")
_Count = Annotated[int, msgspec.Meta(ge=0, le=MAX_SESSIONS)]


class _WireFailure(msgspec.Struct, rename="kebab"):
    result_type: str | None = None
    sending_mta_ip: str | None = None
    receiving_mx_hostname: str | None = None
    receiving_mx_host_name: str | None = None
    receiving_mx_helo: str | None = None
    receiving_ip: str | None = None
    failed_session_count: _Count | None = None
    additional_information: str | None = None
    additional_info_uri: str | None = None
    failure_reason_code: str | None = None
    failure_error_code: str | None = None


class _WirePolicy(msgspec.Struct, rename="kebab"):
    policy_type: str | None = None
    policy_string: list[str] | str | None = None
    policy_domain: str | None = None
    mx_host: list[str] | str | None = None
    mx_host_pattern: list[str] | str | None = None


class _WireSummary(msgspec.Struct, rename="kebab"):
    total_successful_session_count: _Count | None = None
    total_failure_session_count: _Count | None = None


class _WireEntry(msgspec.Struct, rename="kebab"):
    policy: _WirePolicy
    summary: _WireSummary | None = None
    failure_details: list[_WireFailure] | None = None


class _WirePeriod(msgspec.Struct, rename="kebab"):
    start_datetime: str | int | float | None = None
    end_datetime: str | int | float | None = None


class _WireReport(msgspec.Struct, rename="kebab"):
    organization_name: str | None = None
    date_range: _WirePeriod | None = None
    contact_info: str | None = None
    report_id: str | int | float | None = None
    policies: list[_WireEntry] | None = None


_decoder = msgspec.json.Decoder(_WireReport)


@dataclass(slots=True)
class _Receipt:
    """Collects what had to be repaired, each deviation once, in the order met."""

    deviations: dict[Deviation, None] = field(default_factory=dict)

    def note(self, deviation: Deviation) -> None:
        self.deviations[deviation] = None


def parse(text: bytes, *, content_hash: str, claimed: bool = False) -> Report:
    """Read the JSON text of one report.

    ``claimed`` says that a media type or a mail header called it a TLS report.
    Raises :class:`NotAReport` for anything else that is whole, :class:`InvalidReport`
    (with the JSON path) for what cannot be repaired, :class:`TooLarge` beyond a limit.
    """
    text = text.removeprefix(_UTF8_BOM)
    if not (claimed or _claims_by_members(text)):
        raise NotAReport("neither its members nor its labels are those of a TLS report")
    receipt = _Receipt()
    wire = _read(text, receipt)
    if wire.policies is None:
        raise InvalidReport("no policies", where="$.policies")
    _check_counts(wire.policies)
    return Report(
        organization_name=_wanted(
            _text(wire.organization_name), Deviation.MISSING_ORGANIZATION_NAME, receipt
        ),
        report_id=_report_id(wire.report_id, content_hash, receipt),
        contact_info=_wanted(_text(wire.contact_info), Deviation.MISSING_CONTACT_INFO, receipt),
        period=_period(wire.date_range, receipt),
        policies=_policies(wire.policies, receipt),
        deviations=tuple(receipt.deviations),
    )


def with_mail_domain(report: Report, tls_report_domain: str | None) -> Report:
    """Give the policies without a policy-domain that of the mail's TLS-Report-Domain (RFC 8460 §5.3).

    Postfix with tlsrpt-reporter leaves it out. The report's key stays that of the body.
    """
    domain = None if tls_report_domain is None else normalise_name(tls_report_domain)
    if domain is None or all(p.policy_domain is not None for p in report.policies):
        return report
    return replace(
        report,
        policies=tuple(
            p if p.policy_domain is not None else replace(p, policy_domain=domain) for p in report.policies
        ),
        deviations=(*report.deviations, Deviation.POLICY_DOMAIN_FROM_MAIL),
    )


def _claims_by_members(text: bytes) -> bool:
    return sum(member in text for member in _MEMBERS) >= _MEMBERS_THAT_CLAIM


# ── The wire ──────────────────────────────────────────────────────────────────


def _read(text: bytes, receipt: _Receipt) -> _WireReport:
    try:
        try:
            return _decoder.decode(text)
        except msgspec.ValidationError:
            return _read_leniently(msgspec.json.decode(text), receipt)
    except RecursionError:
        raise TooLarge("JSON nested too deep") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidReport(f"no JSON: {error}") from error


def _read_leniently(loose: Any, receipt: _Receipt) -> _WireReport:  # noqa: ANN401  JSON of any shape
    """Read a report of another shape than the wire's, leaving out the entries that are none."""
    if isinstance(loose, dict):
        loose["policies"] = _entries(loose.get("policies"), receipt)
    try:
        return msgspec.convert(loose, _WireReport)
    except msgspec.ValidationError as error:
        message, _, path = str(error).partition(" - at `")
        raise InvalidReport(message, where=path.rstrip("`") or "$") from error


def _entries(policies: Any, receipt: _Receipt) -> Any:  # noqa: ANN401  JSON of any shape
    if isinstance(policies, dict):
        receipt.note(Deviation.SINGLE_POLICY_OBJECT)
        policies = [policies]
    if not isinstance(policies, list):
        return policies
    entries = [e for e in policies if isinstance(e, dict) and isinstance(e.get("policy"), dict)]
    if len(entries) < len(policies):
        receipt.note(Deviation.UNREADABLE_POLICY)
    return entries


def _check_counts(entries: list[_WireEntry]) -> None:
    if len(entries) > MAX_POLICIES:
        raise TooLarge(f"{len(entries)} policies, the limit is {MAX_POLICIES}")
    details = sum(len(entry.failure_details or ()) for entry in entries)
    if details > MAX_FAILURE_DETAILS:
        raise TooLarge(f"{details} failure details, the limit is {MAX_FAILURE_DETAILS}")


# ── Its parts ─────────────────────────────────────────────────────────────────


def _policies(entries: list[_WireEntry], receipt: _Receipt) -> tuple[Policy, ...]:
    if not entries:
        receipt.note(Deviation.EMPTY_POLICIES)
    return tuple(_policy(entry, receipt) for entry in entries)


def _policy(entry: _WireEntry, receipt: _Receipt) -> Policy:
    policy_type = _policy_type(entry.policy.policy_type, receipt)
    failures = tuple(_failure(row, receipt) for row in entry.failure_details or ())
    successful, failed = _sessions(entry.summary, failures, receipt)
    if failed and entry.failure_details is None:
        receipt.note(Deviation.MISSING_FAILURE_DETAILS)
    return Policy(
        policy_type=policy_type,
        policy_domain=_policy_domain(entry.policy.policy_domain, receipt),
        policy_strings=_policy_strings(entry.policy.policy_string, policy_type, receipt),
        mx_hosts=_mx_hosts(entry.policy, policy_type, receipt),
        successful_sessions=successful,
        failed_sessions=failed,
        failures=failures,
    )


def _policy_type(sent: str | None, receipt: _Receipt) -> str | None:
    if _text(sent) is None:
        receipt.note(Deviation.MISSING_POLICY_TYPE)
        return None
    assert sent is not None
    if sent in REGISTERED_POLICY_TYPES:
        return sent
    if sent.lower() in REGISTERED_POLICY_TYPES:
        receipt.note(Deviation.POLICY_TYPE_CASE)
        return sent.lower()
    return sent


def _policy_domain(sent: str | None, receipt: _Receipt) -> str | None:
    if _text(sent) is None:
        receipt.note(Deviation.MISSING_POLICY_DOMAIN)
    return _name(sent, receipt)


def _sessions(
    summary: _WireSummary | None, failures: tuple[Failure, ...], receipt: _Receipt
) -> tuple[int, int]:
    """Tell how many sessions succeeded and failed; the summary counts, the details explain (§4)."""
    successful = None if summary is None else summary.total_successful_session_count
    failed = None if summary is None else summary.total_failure_session_count
    if successful is None or failed is None:
        receipt.note(Deviation.MISSING_SUMMARY)
    if failed is None:
        failed = min(sum(failure.failed_sessions for failure in failures), MAX_SESSIONS)
    return successful or 0, failed


def _policy_strings(
    sent: list[str] | str | None, policy_type: str | None, receipt: _Receipt
) -> tuple[str, ...]:
    if sent is None:
        if policy_type in {STS, TLSA}:
            receipt.note(Deviation.MISSING_POLICY_STRING)
        return ()
    if isinstance(sent, str):
        receipt.note(Deviation.POLICY_STRING_NOT_A_LIST)
        sent = [sent]
    return tuple(line for raw in sent for line in _policy_lines(raw, policy_type, receipt) if line)


def _policy_lines(raw: str, policy_type: str | None, receipt: _Receipt) -> Iterable[str]:
    """Strip one policy string; unpack a TLSA RRset that is a JSON array inside it."""
    line = raw.strip()
    if policy_type != TLSA or not line.startswith("["):
        return (line,)
    try:
        records = msgspec.json.decode(line.encode(), type=list[str])
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return (line,)
    receipt.note(Deviation.PACKED_TLSA_RECORDS)
    return tuple(record.strip() for record in records)


def _mx_hosts(policy: _WirePolicy, policy_type: str | None, receipt: _Receipt) -> tuple[str, ...]:
    sent = _either(policy.mx_host, policy.mx_host_pattern, receipt)
    if sent is None:
        if policy_type == STS:
            receipt.note(Deviation.MISSING_MX_HOST)
        return ()
    if isinstance(sent, str):
        receipt.note(Deviation.MX_HOST_NOT_A_LIST)
        sent = [sent]
    hosts = (_mx_host(raw, receipt) for raw in sent)
    return tuple(host for host in hosts if host is not None)


def _mx_host(raw: str, receipt: _Receipt) -> str | None:
    text = raw.strip()
    bare = text.removeprefix("mx:").strip().removeprefix("[").removesuffix("]").strip()
    if bare != text:
        receipt.note(Deviation.MX_HOST_DECORATED)
    if not bare:
        return None
    pattern = normalise_pattern(bare)
    if pattern is None:
        receipt.note(Deviation.UNREADABLE_NAME)
    return pattern


def _failure(row: _WireFailure, receipt: _Receipt) -> Failure:
    hostname = _either(row.receiving_mx_hostname, row.receiving_mx_host_name, receipt)
    information = _either(row.additional_information, row.additional_info_uri, receipt)
    reason = _either(row.failure_reason_code, row.failure_error_code, receipt)
    failed = row.failed_session_count
    if failed is None:
        receipt.note(Deviation.MISSING_FAILED_SESSION_COUNT)
        failed = 1
    return Failure(
        result_type=_wanted(_text(row.result_type), Deviation.MISSING_RESULT_TYPE, receipt),
        sending_mta_ip=_ip_address(row.sending_mta_ip, receipt),
        receiving_mx_hostname=_name(hostname, receipt),
        receiving_mx_helo=_text(row.receiving_mx_helo),
        receiving_ip=_ip_address(row.receiving_ip, receipt),
        failed_sessions=failed,
        additional_information=_text(information),
        failure_reason_code=_text(reason),
    )


# ── Its words ─────────────────────────────────────────────────────────────────


def _text(sent: str | None) -> str | None:
    """Return the text without white space round it; an empty string is null."""
    return None if sent is None else sent.strip() or None


def _wanted(text: str | None, deviation: Deviation, receipt: _Receipt) -> str | None:
    if text is None:
        receipt.note(deviation)
    return text


def _either(right: _Value | None, misspelt: _Value | None, receipt: _Receipt) -> _Value | None:
    """Take a member under its right name, else under the other one that senders use."""
    if right is None and misspelt is not None:
        receipt.note(Deviation.MISSPELT_MEMBER)
        return misspelt
    return right


def _name(sent: str | None, receipt: _Receipt) -> str | None:
    text = _text(sent)
    if text is None:
        return None
    return _wanted(normalise_name(text), Deviation.UNREADABLE_NAME, receipt)


def _ip_address(sent: str | None, receipt: _Receipt) -> _IPAddress | None:
    text = _text(sent)
    if text is None:
        return None
    address = _cached_address(text) if len(text) <= _MAX_CACHED_CHARACTERS else _read_address(text)
    if address is None:
        receipt.note(Deviation.UNREADABLE_IP_ADDRESS)
    return address


def _read_address(text: str) -> _IPAddress | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


_cached_address = lru_cache(maxsize=_CACHED_ADDRESSES)(_read_address)


def _report_id(sent: str | float | None, content_hash: str, receipt: _Receipt) -> str:
    if isinstance(sent, int | float):
        receipt.note(Deviation.REPORT_ID_NUMBER)
        return str(sent)
    text = _text(sent)
    if text is None:
        receipt.note(Deviation.MISSING_REPORT_ID)
        return f"sha256-{content_hash[:_STAND_IN_DIGITS]}"
    return text


# ── Its times ─────────────────────────────────────────────────────────────────

# RFC 3339 §5.6: full-date "T" full-time; the offset and the time itself are missing at some senders.
_RFC_3339 = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[Tt ](\d\d):(\d\d):(\d\d)(?:\.\d+)?\s*(?:([Zz])|([+-])(\d\d):?(\d\d))?)?",
    re.ASCII,
)
_LEAP_SECOND = 60


def _period(sent: _WirePeriod | None, receipt: _Receipt) -> Period:
    if sent is None:
        raise InvalidReport("no date-range", where="$.date-range")
    start = _time(sent.start_datetime, receipt)
    if start is None:
        raise InvalidReport("no readable start", where="$.date-range.start-datetime")
    end = _time(sent.end_datetime, receipt)
    if end is None:
        receipt.note(Deviation.MISSING_END)
    elif end < start:
        receipt.note(Deviation.END_BEFORE_START)
    return Period(start=start, end=end)


def _time(sent: str | float | None, receipt: _Receipt) -> datetime | None:
    if sent is None:
        return None
    if isinstance(sent, int | float):
        return _unix_time(sent, receipt)
    text = sent.strip()
    read = _cached_time(text) if len(text) <= _MAX_CACHED_CHARACTERS else _read_time(text)
    if read is None:
        return None
    time, deviation = read
    if deviation is not None:
        receipt.note(deviation)
    return time


def _unix_time(sent: float, receipt: _Receipt) -> datetime | None:
    try:
        time = datetime.fromtimestamp(int(sent), UTC)
    except (ValueError, OverflowError, OSError):
        return None
    receipt.note(Deviation.UNIX_TIME)
    return time


def _read_time(text: str) -> tuple[datetime, Deviation | None] | None:
    """Read a time and tell in what it deviates; None when it is none."""
    match = _RFC_3339.fullmatch(text)
    try:
        return None if match is None else _rfc_3339_time(match)
    except (ValueError, OverflowError):
        return None


_cached_time = lru_cache(maxsize=_CACHED_TIMES)(_read_time)


def _rfc_3339_time(match: re.Match[str]) -> tuple[datetime, Deviation | None]:
    year, month, day = (int(part) for part in match.group(1, 2, 3))
    if match[4] is None:
        return datetime(year, month, day, tzinfo=UTC), Deviation.DATE_WITHOUT_TIME
    hour, minute, second = (int(part) for part in match.group(4, 5, 6))
    leap = second == _LEAP_SECOND
    local = datetime(year, month, day, hour, minute, 59 if leap else second, tzinfo=_zone(match))
    without_zone = match[7] is None and match[8] is None
    time = local.astimezone(UTC) + timedelta(seconds=leap)
    return time, Deviation.MISSING_TIME_ZONE if without_zone else None


def _zone(match: re.Match[str]) -> timezone:
    if match[8] is None:
        return UTC
    offset = timedelta(hours=int(match[9]), minutes=int(match[10]))
    return timezone(offset if match[8] == "+" else -offset)
