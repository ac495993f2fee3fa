"""Every seam of the program: where knowledge meets the world.

Each Protocol is as narrow as its one caller needs. Whatever fails behind a seam is
raised as one of the families of :mod:`collector.errors`: what a source sends wrong is
``Malformed``, what is away is ``Unavailable``, what the operator must mend ``Misconfigured``.
"""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction
from typing import Protocol

from collector.alerting.alert import Alert, Notification
from collector.alerting.evaluate import Standing
from collector.alerting.traffic import DayTraffic, FailedSessions
from collector.intake.delivery import Delivery, Evidence, Settlement, Withheld
from collector.intake.extract import MailFacts
from collector.intake.unpack import Document
from collector.tlsrpt.identity import ReportKey
from collector.tlsrpt.report import Report

Clock = Callable[[], datetime]
"""Tells the time, aware and in UTC."""

# ── In: mailboxes ─────────────────────────────────────────────────────────────

Batch = tuple[Delivery | Withheld, ...]
"""The unit of cost: bounded in number and in bytes."""


class Source(Protocol):
    """Where deliveries come from. Used by one thread at a time."""

    @property
    def name(self) -> str:
        """The name that the operator gave it."""
        ...

    def deliveries(self, *, alone: frozenset[str]) -> Generator[Batch, None, None]:
        """Yield what is new, batch by batch; references in ``alone`` come in batches of one."""
        ...

    def settle(self, settlements: Sequence[Settlement]) -> None:
        """Put the deliveries of the latest batch where their fate wants them."""
        ...


class Memory(Protocol):
    """What a source remembers of a folder whose mail it leaves in place (RFC 9051 §2.3.1.1)."""

    def remembered(self, source: str, folder: str, uid_validity: int) -> frozenset[int]:
        """Return the UIDs already settled under this UIDVALIDITY."""
        ...

    def remember(self, source: str, folder: str, uid_validity: int, uids: Sequence[int]) -> None:
        """Add UIDs; those of another UIDVALIDITY are forgotten, they mean nothing any more."""
        ...


class Flights(Protocol):
    """Which deliveries are being parsed, so that one that kills the process is found out."""

    def suspects(self, source: str) -> Mapping[str, int]:
        """Return how often each delivery was in flight when the process died.

        What is still noted in flight now has just died; it is counted and the note removed.
        """
        ...

    def take_off(self, source: str, references: Sequence[str]) -> None:
        """Note deliveries as in flight, in one write."""
        ...

    def land(self, source: str) -> None:
        """Remove the note: every delivery in flight has been parsed, or has failed cleanly."""
        ...

    def crashed(self, source: str, reference: str) -> int:
        """Count a bug met while reading a delivery; return in how many rounds so far."""
        ...

    def forget(self, source: str, references: Sequence[str]) -> None:
        """Forget the deaths and crashes of deliveries that are settled."""
        ...


# ── Down: archive and store ───────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceivedReport:
    """A report with all that is known of how it came.

    ``report`` may have a policy domain from the mail; ``body`` is the report as its JSON
    alone says, from which the key and the archive's names are built.
    """

    source: str
    received_at: datetime
    mail: MailFacts
    document: Document
    content_hash: str
    body: Report
    report: Report
    key: ReportKey
    evidence: Evidence
    foreign: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """What could not be read, and why; ``content`` is None when it was never brought in."""

    source: str
    reference: str
    received_at: datetime
    content: bytes | None
    kind: str
    reason: str


class Archive(Protocol):
    """Keeps reports as they came, and what could not be read beside them."""

    def keep(self, reports: Sequence[ReceivedReport]) -> None:
        """Keep a batch; on return all of it is durable. To keep a report again changes nothing."""
        ...

    def put_aside(self, unreadable: Sequence[Unreadable]) -> None:
        """Put deliveries into the quarantine; on return all of them are durable."""
        ...


class Outcome(StrEnum):
    """What adding a report to the store came to."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    FOREIGN = "foreign"


class ReportStore(Protocol):
    """Holds what reports say, ready to be asked."""

    def add(self, reports: Sequence[ReceivedReport]) -> tuple[Outcome, ...]:
        """Add a batch in one transaction; one outcome a report, in order."""
        ...


# ── Over the years: retention, and archive against store ──────────────────────


class ReportRetention(Protocol):
    """Removes what the store has held long enough, a little at a time."""

    def remove_reports(self, before: date) -> int:
        """Remove some reports of days before ``before`` with all they hold; return how many."""
        ...

    def remove_alerts(self, cleared_before: datetime) -> int:
        """Remove some alerts that were cleared before a time, with their history; return how many."""
        ...


class FileRetention(Protocol):
    """Removes files that the archive has held long enough, some at a time."""

    def remove_reports(self, before: date) -> Iterator[int]:
        """Remove the reports of days before ``before``; yield how many files, after every few."""
        ...

    def remove_quarantine(self, before: date) -> Iterator[int]:
        """Remove what came before ``before`` and could not be read; yield how many files, after every few."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptReport:
    """A report in the archive, by its name alone.

    ``digits`` are the first of its content hash; None where the name is none that the archive gives.
    """

    path: str
    day: date
    digits: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What only the delivery of an archived report knew.

    ``order`` tells which of two reports received at one moment was kept first: the one with the lower.
    """

    source: str
    received_at: datetime
    order: int
    mail: MailFacts
    evidence: Evidence
    foreign: bool
    content_hash: str


class KeptReports(Protocol):
    """The reports in an archive, day by day. What cannot be read of one of them is ``Malformed``."""

    def days(self) -> Sequence[date]:
        """Return the days that there are reports of, in order."""
        ...

    def kept_on(self, day: date) -> Sequence[KeptReport]:
        """Return the reports of one day."""
        ...

    def content(self, kept: KeptReport) -> bytes:
        """Return a report's bytes as they are kept."""
        ...

    def facts(self, kept: KeptReport) -> Facts | None:
        """Return what is kept beside a report; None when nothing is."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredContent:
    """A report in the store, as the archive knows it."""

    content_hash: str
    organization: str
    report_id: str
    foreign: bool


class StoredContents(Protocol):
    """The reports in the store, day by day; those too that do not count."""

    def days(self) -> Sequence[date]:
        """Return the days that there are reports of, in order."""
        ...

    def contents_on(self, day: date) -> Sequence[StoredContent]:
        """Return the reports of one day."""
        ...


# ── Across: alerts ────────────────────────────────────────────────────────────


class Traffic(Protocol):
    """What evaluation asks of the store; only reports that count."""

    def recent_traffic(self, since: date) -> Sequence[DayTraffic]:
        """Return the days from ``since`` on, of the domains that failed in them or have an open alert."""
        ...

    def failed_sessions(self, domain: str, day: date) -> Sequence[FailedSessions]:
        """Return the failure details of a domain's day, and of the MX hosts judged within it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """One notification owed to one channel. ``attempts`` counts the failed ones so far."""

    channel: str
    notification: Notification
    attempts: int


class AlertLedger(Protocol):
    """Alerts as stored facts, and what of them is still to be told."""

    def standing(self) -> Standing:
        """Return the open alerts, and the last day already told of each domain."""
        ...

    def record(self, notifications: Sequence[Notification], channels: Sequence[str]) -> None:
        """Store changes and owe each to every channel, in one transaction.

        A change that is already there (same alert, same number) is left as it is.
        """
        ...

    def due(self, now: datetime) -> Sequence[Dispatch]:
        """Return what is to be sent now, oldest first; within an alert and a channel one after the other."""
        ...

    def sent(self, dispatch: Dispatch, at: datetime) -> None:
        """Note that a channel took it."""
        ...

    def postponed(self, dispatch: Dispatch, until: datetime, error: str) -> None:
        """Note a failed attempt and when to try again."""
        ...

    def given_up(self, dispatch: Dispatch, at: datetime, error: str) -> None:
        """Note that a channel refuses it for good."""
        ...


class Channel(Protocol):
    """A way out for alerts."""

    @property
    def name(self) -> str:
        """The name that the operator gave it."""
        ...

    def send(self, notification: Notification, *, now: datetime) -> None:
        """Hand over one notification.

        Raises ``ChannelUnavailable`` when it may work later, ``ChannelRefused`` when not.
        """
        ...


# ── Aside: what happens, for the metrics ──────────────────────────────────────


class Meter(Protocol):
    """Counts what happens in this process."""

    def report_added(self, received: ReceivedReport, outcome: Outcome) -> None:
        """Count a report that reached the store."""
        ...

    def delivery_quarantined(self) -> None:
        """Count a delivery, or a file in it, that could not be read."""
        ...

    def source_succeeded(self, source: str, at: datetime) -> None:
        """Note a round that a source answered to its end."""
        ...

    def notification_attempted(self, channel: str, outcome: str) -> None:
        """Count an attempt to send: ``sent``, ``postponed`` or ``refused``."""
        ...


class Pulse(Protocol):
    """How the running program fares, for ``/healthz`` and ``/readyz``."""

    def stalled(self) -> Sequence[str]:
        """Name the threads that no longer make progress; none when all is well."""
        ...

    def troubles(self) -> Mapping[str, str]:
        """Tell what is not to be had now (a source, the store) and why; empty when all is well."""
        ...


# ── Up: questions of people and scripts ───────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which reports a question is about. ``until`` includes its day; names compare without case."""

    domain: str | None = None
    since: date | None = None
    until: date | None = None
    organization: str | None = None
    failures_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportRow:
    """One report, by the counting rule."""

    date: date
    organization_name: str | None
    report_id: str
    contact_info: str | None
    policy_domains: tuple[str, ...]
    policy_types: tuple[str, ...]
    sessions: int
    successful_sessions: int
    failed_sessions: int
    evidence: str
    foreign: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRow:
    """One policy entry as sent; entries of one report may tell of the same sessions."""

    date: date
    organization_name: str | None
    policy_domain: str | None
    policy_type: str | None
    policy_details: str
    successful_sessions: int
    failed_sessions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureRow:
    """One failure detail as sent."""

    date: date
    organization_name: str | None
    policy_domain: str | None
    policy_type: str | None
    result_type: str | None
    sending_mta_ip: str | None
    receiving_mx_hostname: str | None
    receiving_ip: str | None
    failed_sessions: int
    failure_reason_code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SummaryRow:
    """One domain's day over all that reported it.

    ``served`` marks an MX host whose sessions are told again in its domain's row: a total leaves it out.
    """

    domain: str | None
    day: date
    sessions: int
    failed_sessions: int
    failure_rate: Fraction | None
    organizations: tuple[str, ...]
    served: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRecord:
    """An alert with what became of telling it."""

    alert: Alert
    notifications: tuple[Notification, ...]


class Questions(Protocol):
    """What people and scripts ask of the store, newest first unless said otherwise."""

    def reports(self, wanted: Filter) -> Iterator[ReportRow]:
        """Yield the reports that count."""
        ...

    def policies(self, wanted: Filter) -> Iterator[PolicyRow]:
        """Yield their policy entries."""
        ...

    def failures(self, wanted: Filter) -> Iterator[FailureRow]:
        """Yield their failure details."""
        ...

    def summary(self, wanted: Filter) -> Iterator[SummaryRow]:
        """Yield a row a domain and day, by domain (the nameless last) and then by day."""
        ...

    def alerts(self, *, open_only: bool) -> Iterator[Alert]:
        """Yield the alerts, the latest raised first."""
        ...

    def alert(self, alert_id: str) -> AlertRecord | None:
        """Return one alert with its history, None when there is none of that id."""
        ...

    def last_reports(self) -> Mapping[str, datetime]:
        """Tell for each policy domain when its latest report that counts was received."""
        ...

    def ping(self) -> None:
        """Ask the store for a sign of life; raises ``StoreUnavailable``."""
        ...
