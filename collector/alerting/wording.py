"""Turns a notification into words, for every medium alike; no medium is known here.

Names in a report (organizations, host names, result types) are anyone's text. Here they
lose what could disturb a terminal or turn a line round, and their length is bounded;
each channel escapes them once more for where they go.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from collector.alerting.alert import Alert, AlertEvent, Notification
from collector.alerting.percent import rate_text, share_text
from collector.alerting.traffic import Cause
from collector.tlsrpt.result_types import commands, explain

# A person reads the largest few; they explain nearly all that failed.
MAX_CAUSES = 5

# One line of a mail holds about this many names.
MAX_ORGANIZATIONS = 5

# Enough for every honest name seen; a host name of 253 characters is cut, and told in full by "failures".
MAX_NAME_SHOWN = 80

# Unicode's control characters, formatting (bidirectional overrides, zero-width), lone surrogates,
# private use, unassigned.
_HIDDEN_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})

# ASCII, so that the subject of a mail stays ASCII.
_CUT = "..."

_NOT_STATED = "no result type stated"

_REPAIR_SHOWS_LATER = (
    "Senders report a day at a time: a repair shows in the reports of the next 48 to 72 hours. "
    "The alert is then cleared by itself, and you are told."
)
_CLEARED_CLOSING = "Nothing needs to be done. A new alert is raised should a later day exceed a threshold."
_TEST_CLOSING = "This was a test: nothing failed, and nothing needs to be done."


@dataclass(frozen=True, slots=True, kw_only=True)
class CauseWording:
    """One reason why sessions failed, and what to do about it.

    ``result_type`` and ``receiving_mx_hostname`` are printable, None where the report tells none.
    ``at_one_organization`` is None unless a single organization reported it.
    """

    result_type: str | None
    receiving_mx_hostname: str | None
    failed_sessions: int
    heading: str
    meaning: str
    cause: str
    action: str
    at_one_organization: str | None
    commands: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """What is to be told, in reading order; ``more_causes`` counts those left out."""

    title: str
    summary: str
    facts: tuple[tuple[str, str], ...]
    causes: tuple[CauseWording, ...]
    more_causes: int
    closing: str


def wording(notification: Notification) -> Wording:
    """Put a notification into words."""
    event = notification.change.event
    causes = () if event is AlertEvent.CLEARED else notification.causes
    return Wording(
        title=_title(notification),
        summary=_summary(notification),
        facts=tuple(_facts(notification)),
        causes=cause_wordings(notification, limit=MAX_CAUSES) if causes else (),
        more_causes=max(0, len(causes) - MAX_CAUSES),
        closing=_closing(event),
    )


def cause_wordings(notification: Notification, *, limit: int) -> tuple[CauseWording, ...]:
    """Put the largest causes of a notification into words, at most ``limit`` of them."""
    domain = notification.change.alert.policy_domain
    return tuple(_cause_wording(cause, domain) for cause in notification.causes[:limit])


def printable(text: str, limit: int = MAX_NAME_SHOWN) -> str:
    """Return a text from a report fit to be shown: one line, nothing hidden, at most ``limit`` characters."""
    spaced = (" " if character.isspace() else character for character in text)
    visible = (c for c in spaced if unicodedata.category(c) not in _HIDDEN_CATEGORIES)
    shown = " ".join("".join(visible).split())
    return shown if len(shown) <= limit else f"{shown[: max(0, limit - len(_CUT))]}{_CUT}"[:limit]


# ── Title and summary ─────────────────────────────────────────────────────────


def _title(notification: Notification) -> str:
    change = notification.change
    alert = change.alert
    domain = printable(alert.policy_domain)
    if change.event is AlertEvent.CLEARED:
        return f"CLEARED: TLS sessions to {domain} are at or below the threshold again"
    failed = f"{_failed_of_all(alert)} TLS sessions to {domain} failed ({_rate(alert)}) on {alert.day}"
    match change.event:
        case AlertEvent.TEST:
            return f"TEST (made up): {failed}"
        case AlertEvent.ESCALATED:
            return f"{alert.severity.name} (escalated): {failed}"
        case _:
            return f"{alert.severity.name}: {failed}"


def _summary(notification: Notification) -> str:
    alert = notification.change.alert
    match notification.change.event:
        case AlertEvent.CLEARED:
            return _cleared_summary(alert)
        case AlertEvent.TEST:
            return (
                "This is a test of this channel, sent on request: nothing failed. The domain, the numbers "
                "and the cause below are made up, to show what an alert looks like."
            )
        case AlertEvent.ESCALATED:
            return f"The alert about this domain is now {alert.severity.word}. {_exceeding_summary(alert)}"
        case _:
            return _exceeding_summary(alert)


def _exceeding_summary(alert: Alert) -> str:
    return (
        f"On {alert.day} (UTC) {_failed_of_all(alert)} TLS sessions to {printable(alert.policy_domain)} "
        f"failed. That is {_rate(alert)} and exceeds the {alert.severity.word} threshold of "
        f"{share_text(alert.threshold)}."
    )


def _cleared_summary(alert: Alert) -> str:
    """Say what the later days show; a day of too few sessions is not judged, and so may show more."""
    domain = printable(alert.policy_domain)
    latest = f"On {alert.day}, the latest of them, {_failed_of_all(alert)} failed ({_rate(alert)})."
    judged = "are at or below the threshold"
    if alert.failure_rate is not None and alert.failure_rate > alert.threshold:
        judged += ", or tell of too few sessions to be judged"
    return f"The report days of {domain} after {alert.last_exceeding_day} {judged}. {latest}"


def _closing(event: AlertEvent) -> str:
    if event is AlertEvent.CLEARED:
        return _CLEARED_CLOSING
    return _TEST_CLOSING if event is AlertEvent.TEST else _REPAIR_SHOWS_LATER


# ── Facts ─────────────────────────────────────────────────────────────────────


def _facts(notification: Notification) -> Iterator[tuple[str, str]]:
    alert = notification.change.alert
    yield "Domain", printable(alert.policy_domain)
    yield "Day", f"{alert.day} (UTC)"
    yield "Failed sessions", _failed_of_all(alert)
    yield "Failure rate", _rate(alert)
    yield "Threshold", f"{share_text(alert.threshold)} ({alert.severity.word}); a rate must exceed it"
    if notification.change.event is AlertEvent.CLEARED:
        yield "Last day above", str(alert.last_exceeding_day)
    if notification.organizations:
        yield "Reported by", _names(notification.organizations)
    yield "Raised", f"{alert.raised_at:%Y-%m-%d %H:%M} UTC"
    if alert.cleared_at is not None:
        yield "Cleared", f"{alert.cleared_at:%Y-%m-%d %H:%M} UTC"
    yield "Alert", alert.alert_id


def _names(names: Sequence[str]) -> str:
    shown = ", ".join(printable(name) or "(no name)" for name in names[:MAX_ORGANIZATIONS])
    more = len(names) - MAX_ORGANIZATIONS
    return f"{shown} and {more:,} more" if more > 0 else shown


def _failed_of_all(alert: Alert) -> str:
    return f"{alert.failed_sessions:,} of {alert.sessions:,}"


def _rate(alert: Alert) -> str:
    rate = alert.failure_rate
    return "no sessions" if rate is None else rate_text(rate, alert.threshold)


# ── Causes ────────────────────────────────────────────────────────────────────


def _cause_wording(cause: Cause, policy_domain: str) -> CauseWording:
    entry = explain(cause.result_type)
    result_type = _printable_or_none(cause.result_type)
    mx_host = _printable_or_none(cause.receiving_mx_hostname)
    return CauseWording(
        result_type=result_type,
        receiving_mx_hostname=mx_host,
        failed_sessions=cause.failed_sessions,
        heading=_heading(result_type, mx_host, cause.failed_sessions),
        meaning=entry.meaning,
        cause=entry.cause,
        action=entry.action,
        at_one_organization=_at_one_organization(cause, entry.at_one_organization),
        commands=commands(
            cause.result_type, policy_domain=policy_domain, mx_host=cause.receiving_mx_hostname
        ),
    )


def _heading(result_type: str | None, mx_host: str | None, failed_sessions: int) -> str:
    where = "" if mx_host is None else f" on {mx_host}"
    sessions = "1 session" if failed_sessions == 1 else f"{failed_sessions:,} sessions"
    return f"{result_type or _NOT_STATED}{where}: {sessions}"


def _at_one_organization(cause: Cause, hint: str) -> str | None:
    if len(cause.organizations) != 1:
        return None
    name = printable(cause.organizations[0]) or "one organization without a name"
    return f"Only {name} reports this. {hint}"


def _printable_or_none(text: str | None) -> str | None:
    return (printable(text) or None) if text is not None else None
