"""The schedule rings at the interval it was given; looked at from within, so that nobody has to wait."""

from datetime import timedelta

import pytest

from collector.daemon.schedule import Schedule


def ring() -> None:
    """Stands for a doorbell."""


def test_each_doorbell_is_rung_at_its_interval() -> None:
    schedule = Schedule()
    schedule.every(timedelta(minutes=5), ring, name="collect-main")
    schedule.every(timedelta(hours=1), ring, name="collect-other")

    assert {"collect-main": timedelta(minutes=5), "collect-other": timedelta(hours=1)} == {
        job.id: job.trigger.interval for job in schedule._scheduler.get_jobs()
    }


@pytest.mark.parametrize(("seconds", "jitter"), [(300, 30), (60, 6), (5, None)])
def test_mailboxes_on_one_server_are_not_all_asked_at_once(seconds: int, jitter: int | None) -> None:
    schedule = Schedule()
    schedule.every(timedelta(seconds=seconds), ring, name="collect-main")

    (job,) = schedule._scheduler.get_jobs()
    assert jitter == job.trigger.jitter


def test_a_late_ring_is_still_a_ring_and_ten_late_ones_are_one() -> None:
    schedule = Schedule()
    schedule.every(timedelta(minutes=5), ring, name="collect-main")
    schedule.start()
    try:
        (job,) = schedule._scheduler.get_jobs()
        assert (None, True, 1) == (job.misfire_grace_time, job.coalesce, job.max_instances)
        assert job.next_run_time is not None
    finally:
        schedule.stop()


def test_it_stops_at_once() -> None:
    schedule = Schedule()
    schedule.every(timedelta(minutes=5), ring, name="collect-main")
    schedule.start()
    schedule.stop()

    assert not schedule._scheduler.running
