"""In which order things happen: take, collect, watch, notify.

Acknowledge last: a delivery is settled only after archive and store durably hold what is
in it. A batch is the unit of cost, a delivery the unit of fate. An alert is a stored
fact before it is a message.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from collector.alerting.alert import AlertChange, Notification
from collector.alerting.evaluate import evaluate
from collector.alerting.rule import Rules
from collector.alerting.traffic import causes, domain_traffic, total
from collector.errors import ChannelRefused, ChannelUnavailable, Malformed, NotAReport
from collector.intake.delivery import Delivery, Evidence, Fate, Settlement, Withheld
from collector.intake.extract import Extracted, ReportFile, extract
from collector.intake.unpack import unpack
from collector.ports import (
    AlertLedger,
    Archive,
    Batch,
    Channel,
    Dispatch,
    Flights,
    Meter,
    Outcome,
    ReceivedReport,
    ReportStore,
    Source,
    Traffic,
    Unreadable,
)
from collector.tlsrpt.identity import concerns, organization_of, report_key
from collector.tlsrpt.media import claims_a_report
from collector.tlsrpt.parse import parse, with_mail_domain

# A mail that was in flight at two deaths of the process is held to be their reason.
DEATHS_BEFORE_PUT_ASIDE = 2

# Whatever is noted as in flight at a death is suspect, so that few are: whoever kills the process twice
# by chance must not meet the same mail twice. A note costs some 400 µs, a mail 60 µs to read and 500 in all.
IN_FLIGHT_AT_ONCE = 16

# A bug may hit a mail by bad luck once or twice (memory, an update under way); not three times.
ROUNDS_BEFORE_PUT_ASIDE = 3

# A mail server that restarts is back within a minute; one that is away all day is asked hourly.
FIRST_RETRY = timedelta(minutes=1)
LAST_RETRY = timedelta(hours=1)

# After a week a failure is history, and the alert is in the store all the same.
GIVE_UP_AFTER = timedelta(days=7)

_log = structlog.get_logger()


# ── take: one delivery, read ──────────────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What one delivery held: its reports, and the first thing in it that could not be read."""

    reports: tuple[ReceivedReport, ...]
    failure: Malformed | None


def take(delivery: Delivery, *, watched: frozenset[str]) -> Taken:
    """Read everything in one delivery; one unreadable file in it does not lose the others."""
    try:
        extracted = extract(delivery)
    except Malformed as failure:
        return Taken(reports=(), failure=failure)
    reports: list[ReceivedReport] = []
    failures: list[Malformed] = []
    for file in extracted.files:
        try:
            reports.append(_read(file, extracted, delivery, watched))
        except Malformed as failure:
            failures.append(failure)
    broken = [failure for failure in failures if not isinstance(failure, NotAReport)]
    if broken:
        return Taken(reports=tuple(reports), failure=broken[0])
    return Taken(reports=tuple(reports), failure=None if reports else failures[0])


def _read(
    file: ReportFile, extracted: Extracted, delivery: Delivery, watched: frozenset[str]
) -> ReceivedReport:
    document = unpack(file.content)
    content_hash = document.content_hash
    claimed = claims_a_report(file.media_type) or extracted.mail.claims_a_report
    body = parse(document.text, content_hash=content_hash, claimed=claimed)
    report = with_mail_domain(body, extracted.mail.tls_report_domain)
    return ReceivedReport(
        source=delivery.source,
        received_at=delivery.received_at,
        mail=extracted.mail,
        document=document,
        content_hash=content_hash,
        body=body,
        report=report,
        key=report_key(body),
        evidence=Evidence.NONE,
        foreign=not concerns(report, watched),
    )


# ── collect: one round over one source ────────────────────────────────────────


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What one round over a source came to."""

    deliveries: int
    outcomes: Mapping[Outcome, int]
    fates: Mapping[Fate, int]

    @property
    def counts(self) -> dict[str, int]:
        """The deliveries, and how many met each fate, as a log event tells them."""
        return {"deliveries": self.deliveries} | {
            fate.replace("-", "_"): count for fate, count in self.fates.items()
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What collecting works with."""

    archive: Archive
    store: ReportStore
    flights: Flights
    meter: Meter
    watched: frozenset[str]


def collect(source: Source, parts: Parts, *, keep_going: Callable[[], bool]) -> Round:
    """Bring in what is new at a source: archive it, store it, settle it, batch by batch.

    ``keep_going`` is asked after each batch; the round ends early when it says no.
    """
    deaths = parts.flights.suspects(source.name)
    unmet = set(deaths)
    outcomes: Counter[Outcome] = Counter()
    fates: Counter[Fate] = Counter()
    # Closed at once whatever happens: the connection behind it is not left to the garbage collector.
    with closing(source.deliveries(alone=frozenset(deaths))) as batches:
        for batch in batches:
            read = _read_batch(source, batch, deaths, parts)
            _keep(read, parts, outcomes)
            settlements = [Settlement(reference=one.reference, fate=one.fate) for one in read]
            source.settle(settlements)
            _forget(source, settlements, deaths, parts.flights)
            unmet.difference_update(settlement.reference for settlement in settlements)
            fates.update(settlement.fate for settlement in settlements)
            if not keep_going():
                break
        else:
            # Someone else has moved them, or we did and died before they were forgotten.
            parts.flights.forget(source.name, sorted(unmet))
    return Round(deliveries=fates.total(), outcomes=outcomes, fates=fates)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """One delivery after reading: what to keep of it, and its fate."""

    reference: str
    fate: Fate
    reports: tuple[ReceivedReport, ...] = ()
    unreadable: Unreadable | None = None


def _read_batch(source: Source, batch: Batch, deaths: Mapping[str, int], parts: Parts) -> list[_Read]:
    """Read a batch, and judge each delivery by what it held.

    Judged afterwards: logging may wait for whoever reads the log, and nobody is in flight that long.
    """
    to_read = [
        delivery
        for delivery in batch
        if isinstance(delivery, Delivery) and deaths.get(delivery.reference, 0) < DEATHS_BEFORE_PUT_ASIDE
    ]
    taken = _take_all(source, to_read, parts)
    return [
        _judged(delivery, deaths.get(delivery.reference, 0), taken.get(delivery.reference), parts)
        for delivery in batch
    ]


def _take_all(source: Source, deliveries: Sequence[Delivery], parts: Parts) -> dict[str, Taken | Exception]:
    """Read deliveries, a few at a time noted as in flight: one that kills us is found out by that."""
    taken: dict[str, Taken | Exception] = {}
    try:
        for first in range(0, len(deliveries), IN_FLIGHT_AT_ONCE):
            few = deliveries[first : first + IN_FLIGHT_AT_ONCE]
            parts.flights.take_off(source.name, [delivery.reference for delivery in few])
            for delivery in few:
                taken[delivery.reference] = _attempted(delivery, parts)
    finally:
        if deliveries:
            parts.flights.land(source.name)
    return taken


def _attempted(delivery: Delivery, parts: Parts) -> Taken | Exception:
    try:
        return take(delivery, watched=parts.watched)
    except Exception as bug:  # noqa: BLE001  a bug in reading one mail must not stop the others
        return bug


def _judged(
    delivery: Delivery | Withheld, deaths: int, taken: Taken | Exception | None, parts: Parts
) -> _Read:
    """Tell the fate of a delivery; one that was not read was withheld, or is held to be deadly."""
    if isinstance(delivery, Withheld):
        return _rejected(delivery, delivery.reason.kind, str(delivery.reason))
    if taken is None:
        return _rejected(delivery, "crashed", f"the process died {deaths} times while reading it")
    if isinstance(taken, Exception):
        return _crashed(delivery, taken, parts.flights)
    if isinstance(taken.failure, NotAReport):
        return _Read(reference=delivery.reference, fate=Fate.NOT_A_REPORT)
    if taken.failure is not None:
        return _rejected(delivery, taken.failure.kind, str(taken.failure), taken.reports)
    return _Read(reference=delivery.reference, fate=Fate.PROCESSED, reports=taken.reports)


def _rejected(
    delivery: Delivery | Withheld,
    kind: str,
    reason: str,
    reports: tuple[ReceivedReport, ...] = (),
) -> _Read:
    _log.warning(
        "delivery_quarantined",
        source=delivery.source,
        reference=delivery.reference,
        kind=kind,
        reason=reason,
    )
    unreadable = Unreadable(
        source=delivery.source,
        reference=delivery.reference,
        received_at=delivery.received_at,
        content=delivery.content if isinstance(delivery, Delivery) else None,
        kind=kind,
        reason=reason,
    )
    return _Read(reference=delivery.reference, fate=Fate.REJECTED, reports=reports, unreadable=unreadable)


def _crashed(delivery: Delivery, bug: Exception, flights: Flights) -> _Read:
    """Leave a delivery that met a bug of ours in place; after three rounds put it aside."""
    rounds = flights.crashed(delivery.source, delivery.reference)
    _log.error(
        "delivery_crashed",
        source=delivery.source,
        reference=delivery.reference,
        rounds=rounds,
        exc_info=bug,
    )
    if rounds < ROUNDS_BEFORE_PUT_ASIDE:
        return _Read(reference=delivery.reference, fate=Fate.KEPT)
    return _rejected(delivery, "crashed", f"{type(bug).__name__} in {rounds} rounds")


def _keep(read: Sequence[_Read], parts: Parts, outcomes: Counter[Outcome]) -> None:
    """Archive, then store; on return all of it is durable."""
    reports = [report for one in read for report in one.reports]
    unreadable = [one.unreadable for one in read if one.unreadable is not None]
    if reports:
        parts.archive.keep(reports)
    if unreadable:
        parts.archive.put_aside(unreadable)
    for received, outcome in zip(reports, parts.store.add(reports), strict=True):
        _tell(received, outcome, parts.meter)
        outcomes[outcome] += 1
    for _ in unreadable:
        parts.meter.delivery_quarantined()


def _tell(received: ReceivedReport, outcome: Outcome, meter: Meter) -> None:
    meter.report_added(received, outcome)
    sessions, failed_sessions = total(domain_traffic(received.report))
    say = _log.warning if outcome is Outcome.CONFLICT else _log.info
    say(
        f"report_{outcome}",
        source=received.source,
        organization=organization_of(received.report),
        report_id=received.report.report_id,
        policy_domains=received.report.policy_domains,
        day=received.report.period.day.isoformat(),
        sessions=sessions,
        failed_sessions=failed_sessions,
    )


def _forget(
    source: Source, settlements: Sequence[Settlement], deaths: Mapping[str, int], flights: Flights
) -> None:
    """Drop the suspicion against deliveries that are settled."""
    settled = [order.reference for order in settlements if order.fate is not Fate.KEPT]
    if deaths:
        flights.forget(source.name, [reference for reference in settled if reference in deaths])


# ── watch: alerts as facts ────────────────────────────────────────────────────


def watch(
    rules: Rules,
    traffic: Traffic,
    ledger: AlertLedger,
    *,
    channels_of: Callable[[str], Sequence[str]],
    now: datetime,
) -> tuple[Notification, ...]:
    """Evaluate what is stored, and record every change of an alert with the channels it is owed to."""
    rows = traffic.recent_traffic((now - rules.maximum_age).date())
    changes = evaluate(rules, rows, ledger.standing(), now=now)
    notifications = tuple(_explained(change, traffic) for change in changes)
    for notification in notifications:
        alert = notification.change.alert
        ledger.record([notification], channels_of(alert.policy_domain))
        _log.warning(
            str(notification.change.event).replace(".", "_"),
            alert_id=alert.alert_id,
            severity=alert.severity.word,
            policy_domain=alert.policy_domain,
            day=alert.day.isoformat(),
            failed_sessions=alert.failed_sessions,
            sessions=alert.sessions,
        )
    return notifications


def _explained(change: AlertChange, traffic: Traffic) -> Notification:
    """Give a change the causes of its day, and the organizations that told of them."""
    rows = traffic.failed_sessions(change.alert.policy_domain, change.alert.day)
    organizations = sorted({row.organization for row in rows})
    return Notification(change=change, causes=causes(rows), organizations=tuple(organizations))


# ── notify: alerts as messages ────────────────────────────────────────────────


def notify(
    ledger: AlertLedger, channels: Mapping[str, Channel], meter: Meter, *, now: datetime
) -> tuple[str, ...]:
    """Send what the ledger owes; return the channels that could not take theirs."""
    failed: dict[str, None] = {}
    while dispatches := ledger.due(now):
        for dispatch in dispatches:
            if not _send(dispatch, channels, ledger, meter, now):
                failed[dispatch.channel] = None
    return tuple(failed)


def _send(
    dispatch: Dispatch,
    channels: Mapping[str, Channel],
    ledger: AlertLedger,
    meter: Meter,
    now: datetime,
) -> bool:
    """Send one message and note in the ledger what came of it."""
    log = _log.bind(channel=dispatch.channel, message_id=dispatch.notification.change.message_id)
    channel = channels.get(dispatch.channel)
    if channel is None:
        ledger.given_up(dispatch, now, "the channel is no longer configured")
        log.warning("notification_given_up", reason="the channel is no longer configured")
        return True
    try:
        channel.send(dispatch.notification, now=now)
    except (ChannelUnavailable, ChannelRefused) as error:
        _postpone(dispatch, error, ledger, meter, now)
        return False
    ledger.sent(dispatch, now)
    meter.notification_attempted(dispatch.channel, "sent")
    log.info("notification_sent")
    return True


def _postpone(
    dispatch: Dispatch,
    error: ChannelUnavailable | ChannelRefused,
    ledger: AlertLedger,
    meter: Meter,
    now: datetime,
) -> None:
    """Note a failed attempt; a refusal too is tried again, for the operator may mend it."""
    refused = isinstance(error, ChannelRefused)
    outcome = "refused" if refused else "postponed"
    meter.notification_attempted(dispatch.channel, outcome)
    log = _log.bind(channel=dispatch.channel, message_id=dispatch.notification.change.message_id)
    if now - dispatch.notification.change.at > GIVE_UP_AFTER:
        ledger.given_up(dispatch, now, str(error))
        log.error("notification_given_up", reason=str(error))
        return
    until = now + (LAST_RETRY if refused else retry_delay(dispatch.attempts))
    ledger.postponed(dispatch, until, str(error))
    log.error("notification_failed", outcome=outcome, reason=str(error), next_attempt_at=until.isoformat())


def retry_delay(attempts: int) -> timedelta:
    """Tell how long to wait after so many failed attempts: doubled each time, an hour at most."""
    doublings = min(attempts, (LAST_RETRY // FIRST_RETRY).bit_length())
    return min(FIRST_RETRY * (1 << doublings), LAST_RETRY)
