"""A worker sleeps at its doorbell, answers every ring, survives a bug, and ends when it is told to."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from structlog.testing import capture_logs

from collector.daemon.workers import STALLED_AFTER, Worker
from tests.build import NOW

# Everything here takes milliseconds; what takes longer hangs.
PATIENCE = timedelta(seconds=20)


@dataclass
class FakeClock:
    """Stands still until a test moves it."""

    time: datetime = NOW

    def __call__(self) -> datetime:
        return self.time


@dataclass
class Rounds:
    """Work that waits to be let on, so that a test can look at a round from within."""

    begun: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    go_on: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    count: int = 0
    kept_going: list[bool] = field(default_factory=list)
    error: Exception | None = None

    def __call__(self, keep_going: Callable[[], bool]) -> None:
        self.count += 1
        self.begun.release()
        self.wait(self.go_on)
        if self.error is not None:
            raise self.error
        self.kept_going.append(keep_going())

    def wait_until_begun(self) -> None:
        self.wait(self.begun)

    def wait(self, semaphore: threading.Semaphore) -> None:
        assert semaphore.acquire(timeout=PATIENCE.total_seconds())


@contextmanager
def running(rounds: Rounds, clock: FakeClock | None = None) -> Iterator[Worker]:
    worker = Worker("collector-main", rounds, clock=clock or FakeClock())
    worker.start()
    try:
        yield worker
    finally:
        rounds.go_on.release(10)
        worker.stop()
        assert worker.join(PATIENCE)


def test_rings_during_a_round_are_answered_by_one_more() -> None:
    rounds = Rounds()
    with running(rounds) as worker:
        worker.ring()
        rounds.wait_until_begun()
        for _ in range(5):
            worker.ring()
        rounds.go_on.release()
        rounds.wait_until_begun()
        rounds.go_on.release()

    assert 2 == rounds.count


def test_a_bug_in_a_round_is_told_and_does_not_end_the_thread() -> None:
    rounds = Rounds(error=ValueError("a bug"))
    with capture_logs() as events, running(rounds) as worker:
        worker.ring()
        rounds.wait_until_begun()
        rounds.go_on.release()
        worker.ring()
        rounds.wait_until_begun()

        assert not worker.is_stalled(NOW)
    assert ["worker_crashed", "worker_crashed"] == [event["event"] for event in events]
    assert {"collector-main"} == {event["worker"] for event in events}


def test_a_round_is_told_to_end_after_the_batch_in_hand() -> None:
    rounds = Rounds()
    with running(rounds) as worker:
        worker.ring()
        rounds.wait_until_begun()
        worker.ring()
        worker.stop()
        rounds.go_on.release()

        assert worker.join(PATIENCE)
    assert (1, [False]) == (rounds.count, rounds.kept_going)


def test_a_worker_asleep_ends_without_another_round() -> None:
    rounds = Rounds()
    with running(rounds) as worker:
        worker.stop()

        assert worker.join(PATIENCE)
    assert 0 == rounds.count


def test_it_tells_when_the_thread_does_not_end_in_time() -> None:
    rounds = Rounds()
    with running(rounds) as worker:
        worker.ring()
        rounds.wait_until_begun()
        worker.stop()

        assert not worker.join(timedelta())
        assert not worker.join(timedelta(seconds=-1))


# ── Signs of life ─────────────────────────────────────────────────────────────


def test_a_round_without_a_sign_of_progress_is_stalled() -> None:
    rounds, clock = Rounds(), FakeClock()
    with running(rounds, clock) as worker:
        worker.ring()
        rounds.wait_until_begun()

        assert not worker.is_stalled(NOW + STALLED_AFTER)
        assert worker.is_stalled(NOW + STALLED_AFTER + timedelta(seconds=1))


def test_a_batch_done_is_a_sign_of_progress() -> None:
    clock, batch_done, go_on = FakeClock(), threading.Event(), threading.Event()

    def two_batches(keep_going: Callable[[], bool]) -> None:
        clock.time += STALLED_AFTER
        keep_going()
        batch_done.set()
        assert go_on.wait(PATIENCE.total_seconds())

    worker = Worker("collector-main", two_batches, clock=clock)
    worker.start()
    worker.ring()
    assert batch_done.wait(PATIENCE.total_seconds())

    assert not worker.is_stalled(NOW + STALLED_AFTER * 2)
    assert worker.is_stalled(NOW + STALLED_AFTER * 2 + timedelta(seconds=1))
    go_on.set()
    worker.stop()
    assert worker.join(PATIENCE)


def test_a_worker_asleep_is_never_stalled() -> None:
    with running(Rounds()) as worker:
        assert not worker.is_stalled(NOW + timedelta(days=365))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_died_unasked_is_stalled() -> None:
    def die(keep_going: Callable[[], bool]) -> None:
        del keep_going
        raise SystemExit

    worker = Worker("collector-main", die, clock=FakeClock())
    assert not worker.is_stalled(NOW)
    worker.start()
    worker.ring()
    assert worker.join(PATIENCE)

    assert worker.is_stalled(NOW)


def test_a_thread_that_was_told_to_end_is_not_stalled() -> None:
    worker = Worker("collector-main", Rounds(), clock=FakeClock())
    worker.start()
    worker.stop()
    assert worker.join(PATIENCE)

    assert not worker.is_stalled(NOW)
