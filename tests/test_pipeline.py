"""The way of a report: acknowledged last, one bad delivery spoils no other, an alert is a fact first."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from collector import pipeline
from collector.alerting.alert import AlertEvent
from collector.alerting.rule import Rules
from collector.archives.filesystem import FilesystemArchive
from collector.errors import (
    ArchiveUnavailable,
    ChannelRefused,
    ChannelUnavailable,
    InvalidReport,
    NotAReport,
    TooLarge,
)
from collector.intake.delivery import Delivery, Fate, Withheld
from collector.intake.extract import extract as extract_as_ever
from collector.pipeline import GIVE_UP_AFTER, Parts, Round, collect, notify, retry_delay, take, watch
from collector.ports import Filter, Outcome
from collector.stores import SqlStore, open_store
from tests.build import NOW, delivery, mail, packed, policy_json, report_json
from tests.fakes import CountingMeter, ListChannel, ListSource

BROKEN = mail(report_json()).replace(b"H4sI", b"H4sX")
LUNCH = b"Subject: Lunch?\r\n\r\nThursday\r\n"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    store = open_store(f"sqlite:///{tmp_path}/store.db")
    yield store
    store.close()


@pytest.fixture
def parts(tmp_path: Path, store: SqlStore) -> Parts:
    return Parts(
        archive=FilesystemArchive(path=tmp_path / "archive"),
        store=store.reports,
        flights=store.flights,
        meter=CountingMeter(),
        watched=frozenset(),
    )


def round_of(source: ListSource, parts: Parts) -> Round:
    return collect(source, parts, keep_going=lambda: True)


def archived(tmp_path: Path, below: str = "reports") -> list[str]:
    return sorted(file.name for file in (tmp_path / "archive" / below).rglob("*") if file.is_file())


# ── take ──────────────────────────────────────────────────────────────────────


def test_a_mail_gives_its_report() -> None:
    taken = take(delivery(mail(report_json())), watched=frozenset())

    assert (("2026-05-11_example.com",), None) == (
        tuple(received.report.report_id for received in taken.reports),
        taken.failure,
    )


def test_a_mail_without_a_report_is_not_a_report() -> None:
    assert isinstance(take(delivery(LUNCH), watched=frozenset()).failure, NotAReport)


def test_one_unreadable_file_does_not_lose_the_other() -> None:
    good = packed(report_json())
    content = (
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
        b"--x\r\nContent-Type: application/tlsrpt+json\r\n\r\n{\r\n"
        b"--x\r\nContent-Type: application/tlsrpt+gzip\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        + good
        + b"\r\n--x--\r\n"
    )
    taken = take(delivery(content), watched=frozenset())

    assert (1, InvalidReport) == (len(taken.reports), type(taken.failure))


def test_json_that_is_none_beside_a_report_is_no_failure() -> None:
    content = (
        b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
        b'--x\r\nContent-Type: application/json\r\n\r\n{"hello": 1}\r\n'
        b"--x\r\nContent-Type: application/gzip\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        + packed(report_json())
        + b"\r\n--x--\r\n"
    )

    assert take(delivery(content), watched=frozenset()).failure is None


def test_a_report_about_a_domain_that_is_not_watched_is_foreign() -> None:
    (received,) = take(delivery(mail(report_json())), watched=frozenset({"example.net"})).reports

    assert received.foreign


# ── collect ───────────────────────────────────────────────────────────────────


def test_a_round_archives_stores_and_settles(tmp_path: Path, parts: Parts, store: SqlStore) -> None:
    source = ListSource(
        [
            delivery(mail(report_json()), reference="report"),
            delivery(LUNCH, reference="lunch"),
            delivery(BROKEN, reference="broken"),
        ]
    )

    done = round_of(source, parts)

    assert {"report": Fate.PROCESSED, "lunch": Fate.NOT_A_REPORT, "broken": Fate.REJECTED} == source.settled
    assert (3, {Outcome.STORED: 1}) == (done.deliveries, done.outcomes)
    assert ["2026-05-11_example.com"] == [row.report_id for row in store.questions.reports(Filter())]
    assert 2 == len(archived(tmp_path))
    assert 2 == len(archived(tmp_path, "quarantine"))


def test_the_same_report_in_two_mails_counts_once(parts: Parts, store: SqlStore) -> None:
    source = ListSource([delivery(mail(report_json()), reference=str(n)) for n in range(2)])

    done = round_of(source, parts)

    assert {Outcome.STORED: 1, Outcome.DUPLICATE: 1} == done.outcomes
    assert 1 == len(list(store.questions.reports(Filter())))


class FullArchive:
    """An archive on a full disk."""

    def keep(self, reports: Any) -> None:
        del reports
        raise ArchiveUnavailable("no space left on device")

    def put_aside(self, unreadable: Any) -> None:
        del unreadable
        raise ArchiveUnavailable("no space left on device")


@pytest.mark.parametrize("content", [mail(report_json()), BROKEN])
def test_nothing_is_settled_that_could_not_be_archived(parts: Parts, store: SqlStore, content: bytes) -> None:
    source = ListSource([delivery(content)])
    full = Parts(
        archive=FullArchive(),
        store=store.reports,
        flights=store.flights,
        meter=parts.meter,
        watched=parts.watched,
    )

    with pytest.raises(ArchiveUnavailable):
        round_of(source, full)

    assert ({}, 1, []) == (source.settled, len(source.waiting), list(store.questions.reports(Filter())))
    round_of(source, parts)
    assert [] == source.waiting


def test_what_was_never_brought_in_is_rejected_with_its_reason(tmp_path: Path, parts: Parts) -> None:
    reason = TooLarge("26 MB, the limit is 25 MB")
    withheld = Withheld(source="main", reference="1", received_at=NOW, size_bytes=1, reason=reason)
    source = ListSource([withheld])

    round_of(source, parts)

    assert {"1": Fate.REJECTED} == source.settled
    assert 1 == len(archived(tmp_path, "quarantine"))


def test_a_round_ends_after_the_batch_in_hand_when_told_to(parts: Parts) -> None:
    source = ListSource([delivery(mail(report_json()), reference=str(n)) for n in range(4)], batch_size=2)

    collect(source, parts, keep_going=lambda: False)

    assert ([2], 2) == (source.batches, len(source.waiting))


# ── poison ────────────────────────────────────────────────────────────────────


@pytest.fixture
def a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bug of ours that one mail meets: the only way to have one on demand."""

    def extract(given: Delivery) -> Any:
        if b"poison" in given.content:
            raise ZeroDivisionError
        return extract_as_ever(given)

    monkeypatch.setattr(pipeline, "extract", extract)


@pytest.mark.usefixtures("a_bug")
def test_a_mail_that_meets_a_bug_stays_and_after_three_rounds_is_put_aside(
    tmp_path: Path, parts: Parts
) -> None:
    source = ListSource(
        [delivery(b"poison", reference="poison"), delivery(mail(report_json()), reference="good")]
    )
    fates = []
    for _ in range(3):
        round_of(source, parts)
        fates.append(source.settled["poison"])

    assert [Fate.KEPT, Fate.KEPT, Fate.REJECTED] == fates
    assert Fate.PROCESSED == source.settled["good"]
    assert any(name.startswith("crashed-") for name in archived(tmp_path, "quarantine"))


def test_after_a_death_the_batch_is_taken_one_by_one(parts: Parts, store: SqlStore) -> None:
    source = ListSource([delivery(mail(report_json()), reference=str(n)) for n in range(3)])
    store.flights.take_off("main", ["0", "1"])  # and here the process died

    round_of(source, parts)

    assert ([1, 1, 1], {}) == (source.batches, dict(store.flights.suspects("main")))


def test_a_mail_in_flight_at_two_deaths_is_put_aside_unread(parts: Parts, store: SqlStore) -> None:
    source = ListSource([delivery(mail(report_json()), reference="0")])
    for _ in range(2):
        store.flights.suspects("main")
        store.flights.take_off("main", ["0"])

    round_of(source, parts)

    assert ({"0": Fate.REJECTED}, []) == (source.settled, list(store.questions.reports(Filter())))


# ── watch and notify ──────────────────────────────────────────────────────────


def stored(parts: Parts, *, failed: int, day: int = 1) -> None:
    """Store a report of so many days ago with so many of 1,000 sessions failed."""
    report = report_json(
        policy_json(successful=1000 - failed, failed=failed),
        day=datetime(NOW.year, NOW.month, NOW.day, tzinfo=NOW.tzinfo) - timedelta(days=day),
        report_id=str(day),
    )
    round_of(ListSource([delivery(mail(report), reference=str(day))]), parts)


def watched(store: SqlStore) -> list[AlertEvent]:
    told = watch(Rules(), store.traffic, store.ledger, channels_of=lambda _: ["ops"], now=NOW)
    return [notification.change.event for notification in told]


def test_an_alert_is_told_once_from_raised_to_cleared(parts: Parts, store: SqlStore) -> None:
    channel = ListChannel()
    for failed, day in [(20, 4), (300, 3), (0, 2), (0, 1)]:
        stored(parts, failed=failed, day=day)
        watched(store)
        watched(store)
        notify(store.ledger, {"ops": channel}, CountingMeter(), now=NOW)

    assert [AlertEvent.RAISED, AlertEvent.ESCALATED, AlertEvent.CLEARED] == [
        notification.change.event for notification in channel.sent
    ]
    assert 1 == len({notification.change.alert.alert_id for notification in channel.sent})


def test_an_alert_names_its_causes_and_who_saw_them(parts: Parts, store: SqlStore) -> None:
    stored(parts, failed=20)

    (told,) = watch(Rules(), store.traffic, store.ledger, channels_of=lambda _: [], now=NOW)

    assert (("certificate-expired", "mx1.example.com", 20), ("Google Inc.",)) == (
        (told.causes[0].result_type, told.causes[0].receiving_mx_hostname, told.causes[0].failed_sessions),
        told.organizations,
    )


@pytest.mark.parametrize("failure", [ChannelUnavailable("away"), ChannelRefused("wrong password")])
def test_what_could_not_be_sent_is_owed_until_it_is(
    parts: Parts, store: SqlStore, failure: ChannelUnavailable | ChannelRefused
) -> None:
    stored(parts, failed=20)
    watched(store)
    channel = ListChannel(failure=failure)

    assert ("ops",) == notify(store.ledger, {"ops": channel}, CountingMeter(), now=NOW)
    channel.failure = None
    assert () == notify(store.ledger, {"ops": channel}, CountingMeter(), now=NOW + timedelta(seconds=1))
    assert [] == channel.sent
    notify(store.ledger, {"ops": channel}, CountingMeter(), now=NOW + timedelta(hours=1))
    assert 1 == len(channel.sent)


def test_after_a_week_an_alert_is_no_longer_sent(parts: Parts, store: SqlStore) -> None:
    stored(parts, failed=20)
    watched(store)
    later = NOW + GIVE_UP_AFTER + timedelta(hours=1)
    notify(store.ledger, {"ops": ListChannel(failure=ChannelUnavailable("away"))}, CountingMeter(), now=later)
    channel = ListChannel()

    notify(store.ledger, {"ops": channel}, CountingMeter(), now=later + timedelta(days=1))

    assert [] == channel.sent


def test_what_is_owed_to_a_channel_that_is_gone_is_let_go(parts: Parts, store: SqlStore) -> None:
    stored(parts, failed=20)
    watched(store)

    assert () == notify(store.ledger, {}, CountingMeter(), now=NOW)
    assert [] == list(store.ledger.due(NOW + timedelta(days=1)))


def test_retries_grow_from_a_minute_to_an_hour() -> None:
    minutes = [retry_delay(attempts).total_seconds() / 60 for attempts in (0, 1, 2, 5, 6, 10_000)]

    assert [1, 2, 4, 32, 60, 60] == minutes


def test_a_report_is_not_told_twice_when_a_batch_holds_another(parts: Parts) -> None:
    meter = parts.meter
    assert isinstance(meter, CountingMeter)
    round_of(ListSource([delivery(mail(report_json())), delivery(BROKEN, reference="2")]), parts)

    assert ([Outcome.STORED], 1) == (meter.added, meter.quarantined)
