"""A mail that kills the process, or meets a bug, is put aside in the end; all others are collected."""

import pytest

from collector.cli import EXIT_INTERRUPTED
from collector.pipeline import IN_FLIGHT_AT_ONCE
from tests.kill.killed import BUG, INTERRUPT, POISON
from tests.kill.place import Place


@pytest.mark.parametrize("settle", ["move", "leave"])
def test_a_mail_that_kills_is_put_aside_after_the_second_death(place: Place, settle: str) -> None:
    place.site.source = {"settle": settle, "batch_messages": 20}
    place.deliver(reports=25)
    place.deliver_marked(POISON, kind="crashed")
    place.deliver(reports=5)

    place.trapped("poison")
    place.trapped("poison")
    # All but its companions in flight have been collected by now: suspects come last, one by one.
    assert len(place.expected.report_ids) - len(place.stored()) < IN_FLIGHT_AT_ONCE
    place.marked("poison")

    place.check(in_place=settle == "leave")
    assert {} == place.suspects()


@pytest.mark.parametrize("settle", ["move", "leave"])
def test_a_mail_that_meets_a_bug_waits_three_rounds_and_the_others_do_not(place: Place, settle: str) -> None:
    place.site.source = {"settle": settle}
    place.deliver(reports=3)
    place.deliver_marked(BUG, kind="crashed")

    for _ in range(2):
        place.marked("bug")
        assert "crashed" not in place.quarantined()
        assert sorted(place.expected.report_ids) == sorted(place.stored())
    place.marked("bug")

    place.check(in_place=settle == "leave")
    assert {} == place.suspects()


def test_a_mail_that_met_a_bug_is_collected_once_the_bug_is_mended(place: Place) -> None:
    place.deliver_marked(BUG, kind=None)

    place.marked("bug")
    place.marked("bug")
    place.finish()

    place.check()
    assert {} == place.suspects()


def test_two_mails_that_kill_are_put_aside_after_two_deaths_each(place: Place) -> None:
    place.site.source = {"batch_messages": 5}
    place.deliver_marked(POISON, kind="crashed")
    place.deliver(reports=4)
    place.deliver_marked(POISON, kind="crashed")

    for _ in range(4):
        place.trapped("poison")
    place.marked("poison")

    place.check()


def test_a_death_casts_suspicion_on_few_and_only_once(place: Place) -> None:
    """Whoever kills the process twice by chance must not meet the same good mail twice."""
    place.deliver(reports=30)

    place.trapped("flight landing")

    suspects = place.suspects()
    assert {1} == set(suspects.values())
    assert len(suspects) <= IN_FLIGHT_AT_ONCE


def test_who_interrupts_by_hand_casts_no_suspicion(place: Place) -> None:
    place.deliver(reports=3)
    place.deliver_marked(INTERRUPT, kind=None)

    place.marked("interrupt", status=EXIT_INTERRUPTED)
    assert {} == place.suspects()
    place.finish()

    place.check()
