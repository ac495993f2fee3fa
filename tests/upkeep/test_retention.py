"""What has been kept long enough goes, a little at a time, and nothing else does."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from collector.alerting.alert import AlertEvent
from collector.archives import durable
from collector.ports import Filter, ReceivedReport
from collector.upkeep import Ages, Tidied, first_day_kept, tidy
from tests.archives.contract import unreadable
from tests.build import DAY, NOW, policy_json, received, report_json, utc
from tests.channels.notices import alert, notification
from tests.upkeep.house import FOR_EVER, House

TEN_DAYS = Ages(**dict.fromkeys(("reports", "archive", "quarantine", "alerts"), timedelta(days=10)))


def of_day(days_ago: int, **members: str) -> ReceivedReport:
    return received(report_json(day=DAY - timedelta(days=days_ago), **members))


def tidied(house: House, ages: Ages, *, steps: int = 1_000_000) -> Tidied:
    """Tidy, and stop after so many steps."""
    left = iter(range(steps))
    return tidy(
        house.store.retention,
        house.archive,
        ages=ages,
        now=NOW,
        keep_going=lambda: next(left, None) is not None,
    )


def stored_days(house: House) -> list[date]:
    return sorted(row.date for row in house.store.questions.reports(Filter()))


def test_for_ever_nothing_is_removed(house: House) -> None:
    house.hold(of_day(9999))
    house.archive.put_aside([replace(unreadable(b"x"), received_at=utc(1999, 1, 1))])
    before = house.names()

    assert Tidied(reports=0, alerts=0, archive_files=0, quarantine_files=0) == tidied(house, FOR_EVER)

    assert (before, 1) == (house.names(), len(stored_days(house)))


def test_each_thing_goes_when_it_is_older_than_its_age(house: House) -> None:
    house.hold(*(of_day(ago) for ago in (0, 9, 10, 400)))
    house.archive.put_aside(
        [
            replace(unreadable(b"old"), received_at=NOW - timedelta(days=11)),
            replace(unreadable(None), received_at=NOW - timedelta(days=10)),
        ]
    )
    cleared = alert(cleared_at=NOW - timedelta(days=10, seconds=1), changes=2)
    house.store.ledger.record([notification(AlertEvent.CLEARED, about=cleared)], ["ops"])

    assert Tidied(reports=2, alerts=1, archive_files=4, quarantine_files=2) == tidied(house, TEN_DAYS)

    kept = [NOW.date() - timedelta(days=ago) for ago in (10, 1)]
    assert kept == stored_days(house)
    assert kept == list(house.archive.days())
    assert 1 == len(house.files("*.reason.json"))
    assert [] == list(house.store.questions.alerts(open_only=False))
    assert [] == house.verify()
    assert Tidied(reports=0, alerts=0, archive_files=0, quarantine_files=0) == tidied(house, TEN_DAYS)


def test_ages_do_not_touch_each_other(house: House) -> None:
    house.hold(of_day(99))

    tidied(house, replace(FOR_EVER, archive=timedelta(days=10)))
    assert ([], 1) == (house.files(), len(stored_days(house)))
    house.archive.keep([of_day(99)])
    tidied(house, replace(FOR_EVER, reports=timedelta(days=10)))
    assert (2, 0) == (len(house.files()), len(stored_days(house)))


def test_empty_folders_go_and_others_stay(house: House) -> None:
    old = [of_day(99), received(report_json(policy_json("old.example"), day=DAY - timedelta(days=999)))]
    house.hold(*old, replace(of_day(500), foreign=True), of_day(0))
    archive = house.folder / "archive"
    (archive / "reports/example.com/notes").mkdir()
    (archive / "reports/example.com/2026/02/99").mkdir()
    (archive / "reports/README").touch()

    tidied(house, TEN_DAYS)

    assert [
        "reports",
        "reports/README",
        "reports/example.com",
        "reports/example.com/2026",
        "reports/example.com/2026/02",
        "reports/example.com/2026/02/99",
        "reports/example.com/2026/05",
        "reports/example.com/2026/05/11",
        "reports/example.com/notes",
    ] == [name for name in house.names() if "!" not in name]


def test_a_link_is_not_followed_out_of_the_archive(house: House, tmp_path: Path) -> None:
    house.hold(of_day(0))
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "2001/01/01").mkdir(parents=True)
    (elsewhere / "2001/01/01/precious").touch()
    (house.folder / "archive/reports/linked").symlink_to(elsewhere)

    tidied(house, TEN_DAYS)

    assert (elsewhere / "2001/01/01/precious").exists()


def test_while_a_batch_is_written_folders_stay(house: House) -> None:
    """The batch may be about to put a file into one of them."""
    house.hold(of_day(99))
    with durable.writing(house.folder / "archive", durable.flush):
        assert 2 == tidied(house, TEN_DAYS).archive_files
        assert [] != house.names()

    tidied(house, TEN_DAYS)
    assert ["reports"] == house.names()


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 5, 7])
def test_stopped_anywhere_the_next_goes_on(house: House, steps: int) -> None:
    house.hold(*(of_day(ago, report_id=str(n)) for ago in (0, 50, 60, 70) for n in range(90)))

    first = tidied(house, TEN_DAYS, steps=steps)
    then = tidied(house, TEN_DAYS)

    assert (270, 540) == (first.reports + then.reports, first.archive_files + then.archive_files)
    assert (90, 180) == (len(stored_days(house)), len(house.files()))


def test_what_is_removed_makes_room_for_strangers(house: House) -> None:
    archive = type(house.archive)(path=house.folder / "archive", foreign_bytes=2 * 4096)
    old, new = (replace(of_day(ago, report_id=str(ago)), foreign=True) for ago in (99, 0))
    archive.keep([old])
    archive.keep([new])
    assert 2 == len(house.files())

    for _ in archive.remove_reports(DAY.date()):
        pass
    archive.keep([new])

    assert [DAY.date()] == list(archive.days())


def test_an_age_goes_by_whole_days_in_utc() -> None:
    assert date(2026, 5, 2) == first_day_kept(timedelta(days=10), NOW)
    assert date(2026, 5, 11) == first_day_kept(timedelta(hours=7), NOW)
    assert first_day_kept(None, NOW) is None
