"""The archive gives the store back, row for row."""

import gzip
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from collector.intake.delivery import Evidence
from collector.ports import Filter, Outcome
from collector.stores import SqlStore, open_store
from collector.upkeep import Problem, Replayed
from tests.build import DAY, NOW, received, report_json
from tests.stores.values import everything, variant
from tests.upkeep.house import FOR_EVER, House, bring_all_kinds, rows

MINUTE = timedelta(minutes=1)


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[SqlStore]:
    store = open_store(f"sqlite:///{tmp_path}/fresh.db")
    yield store
    store.close()


def test_an_empty_store_gets_the_same_rows(house: House, fresh: SqlStore) -> None:
    bring_all_kinds(house)
    again = replace(house, store=fresh)

    done = again.replay()

    assert 0 == done.problems
    assert rows(house.store) == rows(fresh)
    assert everything(house.store) == everything(fresh)
    assert [] == again.verify()
    submitters = {row[-6] for row in rows(fresh)}
    assert {"google.com", None} == submitters
    (counting,) = [
        row for row in fresh.questions.reports(Filter()) if row.report_id == "rivals of one second"
    ]
    assert 0 == counting.failed_sessions


def test_of_rivals_the_first_received_counts_whatever_their_files_are_called(
    house: House, fresh: SqlStore
) -> None:
    for shift, evidence in ((0, Evidence.NONE), (1, Evidence.SIGNED), (2, Evidence.SIGNED)):
        for n in range(10):
            house.hold(variant(10 * shift + n + 1, at=NOW + (10 * shift + n) * MINUTE, evidence=evidence))

    replace(house, store=fresh).replay()

    assert rows(house.store) == rows(fresh)
    assert [11] == [row.failed_sessions for row in fresh.questions.reports(Filter())]


def test_better_evidence_that_came_later_is_replayed(house: House, fresh: SqlStore) -> None:
    first, second = variant(1), variant(2, at=NOW + MINUTE)
    house.hold(first, second)
    house.hold(variant(2, at=NOW + 2 * MINUTE, evidence=Evidence.VERIFIED))
    house.hold(variant(2, at=NOW + 3 * MINUTE, evidence=Evidence.SIGNED))

    replace(house, store=fresh).replay()

    assert rows(house.store) == rows(fresh)
    assert ["verified"] == [row.evidence for row in fresh.questions.reports(Filter())]


def test_to_replay_again_adds_nothing_and_lost_reports_come_back(house: House) -> None:
    for ago in range(5):
        house.hold(received(report_json(day=DAY - timedelta(days=ago))))
    before = everything(house.store)

    assert Replayed(outcomes={Outcome.DUPLICATE: 5}, problems=0) == house.replay()
    house.store.retention.remove_reports((DAY - timedelta(days=2)).date())
    assert Replayed(outcomes={Outcome.STORED: 2, Outcome.DUPLICATE: 3}, problems=0) == house.replay()

    assert before == everything(house.store)


def test_since_a_day_only_later_reports_are_replayed(house: House, fresh: SqlStore) -> None:
    for ago in range(5):
        house.hold(received(report_json(day=DAY - timedelta(days=ago))))

    done = replace(house, store=fresh).replay(since=(DAY - timedelta(days=1)).date())

    assert {Outcome.STORED: 2} == done.outcomes


def test_what_is_beyond_retention_is_left_out(house: House, fresh: SqlStore) -> None:
    for ago in range(0, 20, 5):
        house.hold(received(report_json(day=DAY - timedelta(days=ago))))

    done = replace(house, store=fresh).replay(replace(FOR_EVER, reports=timedelta(days=10)))

    assert {Outcome.STORED: 2} == done.outcomes


def test_a_file_that_cannot_be_read_is_told_and_the_others_are_added(house: House, fresh: SqlStore) -> None:
    house.hold(*(received(report_json(report_id=str(n))) for n in range(6)))
    files = house.files("*.json.gz")
    files[0].write_bytes(files[0].read_bytes()[:-9])
    files[1].write_bytes(gzip.compress(b"{}"))
    files[2].with_name(files[2].name.replace(".json.gz", ".facts.json")).unlink()
    files[3].with_name("stranger.txt").touch()
    told: list[Problem] = []

    done = replace(house, store=fresh).replay(told=told)

    assert Replayed(outcomes={Outcome.STORED: 3}, problems=4) == done
    assert ["altered", "facts-missing", "facts-missing", "unreadable"] == sorted(p.problem for p in told)


def test_an_empty_archive_gives_an_empty_store(house: House) -> None:
    assert Replayed(outcomes={}, problems=0) == house.replay()


def test_batches_are_bounded(house: House, fresh: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("collector.upkeep.replaying.REPORTS_AT_A_TIME", 4)
    house.hold(*(received(report_json(report_id=str(n))) for n in range(9)))
    sizes: list[int] = []
    add = fresh.reports.add

    class Counted:
        def add(self, reports):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202  as the port
            sizes.append(len(reports))
            return add(reports)

    replace(house, store=replace(fresh, reports=Counted())).replay()  # type: ignore[arg-type]  # it is one

    assert [4, 4, 1] == sizes
