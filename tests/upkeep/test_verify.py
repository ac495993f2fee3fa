"""Archive and store are compared: what is missing, extra or altered is found."""

import gzip
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from collector.ports import KeptReport, ReceivedReport, StoredContent
from collector.upkeep import Compared, Problem, ProblemKind, Scope, verify
from tests.build import DAY, NOW, delivery, mail, packed, policy_json, received, report_json
from tests.upkeep.house import FOR_EVER, House

TEN_DAYS = timedelta(days=10)


def kinds(problems: Sequence[Problem]) -> list[str]:
    return [problem.problem.value for problem in problems]


def one_file(house: House, pattern: str = "*.json.gz") -> Path:
    (file,) = house.files(pattern)
    return file


def test_what_was_collected_is_in_order_whatever_it_was(house: House) -> None:
    """A domain from the mail, a foreign report, two rivals, one packed otherwise, one that came twice."""
    nameless = mail(report_json(policy_json(None), report_id="nameless"))
    house.bring(
        delivery(nameless, reference="1"),
        delivery(mail(report_json(policy_json("other.example"), report_id="f")), reference="2"),
        delivery(mail(report_json(policy_json(failed=1))), reference="3"),
        delivery(mail(report_json(policy_json(failed=2))), reference="4"),
        delivery(mail(report_json(policy_json(failed=2))), reference="5"),
        delivery(mail(report_json(policy_json(), contact_info=None, organization="Ö/../x")), reference="6"),
        watched=frozenset({"example.com"}),
    )

    assert [] == house.verify()
    assert 5 == len(house.files("*.json.gz"))


def test_both_empty_is_in_order(house: House) -> None:
    assert [] == house.verify()


def test_a_report_without_a_file_is_missing(house: House) -> None:
    one = received()
    house.store.reports.add([one])

    assert [
        Problem(
            problem=ProblemKind.MISSING,
            day=DAY.date(),
            path=None,
            content_hash=one.content_hash,
            detail="no file of Google Inc., report 2026-05-11_example.com",
        )
    ] == house.verify()


def test_a_foreign_report_may_have_had_no_room(house: House) -> None:
    house.store.reports.add([received(foreign=True)])

    (problem,) = house.verify()

    assert ("missing", True) == (problem.problem, problem.detail.endswith("none is kept beyond their quota"))


def test_a_file_without_a_report_is_extra(house: House) -> None:
    one = received()
    house.archive.keep([one])

    assert [
        Problem(
            problem=ProblemKind.EXTRA,
            day=DAY.date(),
            path=str(one_file(house)),
            content_hash=one.content_hash[:16],
            detail="the store has no report of it: replay adds it",
        )
    ] == house.verify()


def test_a_file_that_is_none_of_the_archives_is_extra(house: House) -> None:
    house.hold(received())
    stranger = one_file(house).with_name("copy of a report.json.gz")
    stranger.touch()

    assert [("extra", str(stranger))] == [(p.problem, p.path) for p in house.verify()]


def other(content: bytes) -> bytes:
    return gzip.compress(gzip.decompress(content).replace(b"Google", b"Googol"))


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (other, "altered"),
        (lambda _: gzip.compress(b""), "altered"),
        (lambda content: gzip.decompress(content) + b" ", "altered"),
        (lambda content: content[:-20], "unreadable"),
        (lambda content: content[:60] + b"XX" + content[62:], "unreadable"),
    ],
)
def test_a_file_that_was_changed_is_found(
    house: House, damage: Callable[[bytes], bytes], expected: str
) -> None:
    house.hold(received(), received(report_json(report_id="untouched")))
    file = house.files("*.json.gz")[0]
    file.write_bytes(damage(file.read_bytes()))

    assert [(expected, str(file))] == [(p.problem, p.path) for p in house.verify()]


def test_a_file_packed_otherwise_is_the_same_report(house: House) -> None:
    house.hold(received())
    file = one_file(house)
    file.write_bytes(gzip.compress(gzip.decompress(file.read_bytes()), compresslevel=1))

    assert [] == house.verify()


def test_a_place_that_cannot_be_read_is_told_and_the_others_are_looked_at(house: House) -> None:
    house.hold(received(), received(report_json(report_id="2")))
    first, second = house.files("*.json.gz")
    first.unlink()
    first.mkdir()
    second.write_bytes(b"")

    assert ["unreadable", "altered"] == kinds(house.verify())


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told(house: House) -> None:
    house.hold(received())
    one_file(house).chmod(0)

    assert ["unreadable"] == kinds(house.verify())


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (None, "facts-missing"),
        (b"", "facts-unreadable"),
        (b"[" * 100_000, "facts-unreadable"),
        (b"\xff", "facts-unreadable"),
        (b'{"version": 2}', "facts-unreadable"),
        (b"null", "facts-unreadable"),
    ],
)
def test_facts_that_are_not_there_or_none_are_found(house: House, told: bytes | None, expected: str) -> None:
    house.hold(received())
    facts = one_file(house, "*.facts.json")
    facts.unlink()
    if told is not None:
        facts.write_bytes(told)

    assert [(expected, str(one_file(house)))] == [(p.problem, p.path) for p in house.verify()]


def test_facts_of_another_report_are_found(house: House) -> None:
    house.hold(received())
    facts = one_file(house, "*.facts.json")
    facts.write_text(json.dumps(json.loads(facts.read_text()) | {"content_hash": "0" * 64}))

    assert ["facts-unreadable"] == kinds(house.verify())


def test_several_things_wrong_are_told_by_day(house: House) -> None:
    def of_day(ago: int) -> ReceivedReport:
        return received(report_json(day=DAY - timedelta(days=ago)))

    house.store.reports.add([of_day(1)])
    house.archive.keep([of_day(0), of_day(3)])
    house.files("*.facts.json")[-1].unlink()

    told = [(problem.day, problem.problem.value) for problem in house.verify()]

    day = DAY.date()
    assert [
        (day - timedelta(days=3), "extra"),
        (day - timedelta(days=1), "missing"),
        (day, "facts-missing"),
        (day, "extra"),
    ] == told
    assert ["facts-missing", "extra"] == kinds(house.verify(since=day))


def test_what_retention_removed_is_neither_missing_nor_extra(house: House) -> None:
    old = received(report_json(day=DAY - timedelta(days=99)))
    house.store.reports.add([old])
    assert [] == house.verify(replace(FOR_EVER, archive=TEN_DAYS))
    assert ["missing"] == kinds(house.verify(replace(FOR_EVER, reports=TEN_DAYS)))

    house.archive.keep([old])
    house.store.retention.remove_reports(DAY.date())
    assert [] == house.verify(replace(FOR_EVER, reports=TEN_DAYS))
    assert ["extra"] == kinds(house.verify(replace(FOR_EVER, archive=TEN_DAYS)))


def test_what_is_looked_at_is_counted(house: House) -> None:
    house.hold(received(), received(report_json(report_id="2")))
    house.files("*.json.gz")[0].unlink()
    compared = Compared()

    list(
        verify(
            house.archive,
            house.store.contents,
            scope=Scope.of(FOR_EVER, since=None, now=NOW),
            compared=compared,
        )
    )

    assert Compared(files=1, reports=2, problems=1) == compared


def test_a_report_that_comes_meanwhile_is_not_wrong(house: House) -> None:
    """It reaches the archive, and a moment later the store."""
    late = received(report_json(report_id="late"))

    class LateStore:
        """Gets the report after it was first asked, and the archive right before it is listed."""

        def days(self) -> Sequence[date]:
            return house.store.contents.days()

        def contents_on(self, day: date) -> Sequence[StoredContent]:
            return house.store.contents.contents_on(day)

    class LateArchive:
        days = staticmethod(house.archive.days)
        content = staticmethod(house.archive.content)
        facts = staticmethod(house.archive.facts)

        def kept_on(self, day: date) -> Sequence[KeptReport]:
            house.archive.keep([late])
            listed = house.archive.kept_on(day)
            house.store.reports.add([late])
            return listed

    house.hold(received())
    scope = Scope.of(FOR_EVER, since=None, now=NOW)

    assert [] == list(verify(LateArchive(), LateStore(), scope=scope, compared=Compared()))
    assert packed(report_json(report_id="late")) == late.document.received
