"""What share of a collect each of its steps has, measured in this process."""

import logging
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

import structlog

from bench.mails import deliver, site_of
from collector.app import Unmetered, opened
from collector.config import load
from collector.intake.delivery import Settlement
from collector.pipeline import Parts, collect
from collector.ports import Archive, Batch, Flights, Outcome, ReceivedReport, ReportStore, Source, Unreadable
from tests.servers import Dovecot

HEADINGS = ("step", "wall µs/mail", "share", "CPU µs/mail")


class _Clocks:
    """Adds up the time of each step."""

    def __init__(self) -> None:
        self.wall: dict[str, float] = defaultdict(float)
        self.cpu: dict[str, float] = defaultdict(float)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        self.start(step)
        try:
            yield
        finally:
            self.stop(step)

    def start(self, step: str) -> None:
        self.wall[step] -= time.perf_counter()
        self.cpu[step] -= time.thread_time()

    def stop(self, step: str) -> None:
        self.wall[step] += time.perf_counter()
        self.cpu[step] += time.thread_time()


def rows(dovecot: Dovecot, mails: int) -> list[tuple[str, ...]]:
    """Collect so many mails and tell where the time went."""
    # Events are not what is measured here; "tell" is what they cost when nobody listens.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    clocks = _Clocks()
    with tempfile.TemporaryDirectory() as folder:
        site = site_of(Path(folder), dovecot, None)
        deliver(dovecot, site.user, mails)
        with opened(load(site.configure()), meter=Unmetered()) as app:
            parts = Parts(
                archive=_Archive(app.archive, clocks),
                store=_Store(app.store.reports, clocks),
                flights=_Flights(app.store.flights, clocks),
                meter=app.meter,
                watched=frozenset(),
            )
            with clocks.timed("whole"):
                done = collect(_Source(app.sources[0], clocks), parts, keep_going=lambda: True)
    if done.outcomes != {Outcome.STORED: mails}:
        raise SystemExit(f"of {mails} mails: {done.outcomes}")
    return _table(clocks, mails)


def _table(clocks: _Clocks, mails: int) -> list[tuple[str, ...]]:
    whole_wall, whole_cpu = clocks.wall.pop("whole"), clocks.cpu.pop("whole")
    steps = {step: (clocks.wall[step], clocks.cpu[step]) for step in clocks.wall}
    steps["tell, and the rest"] = (
        whole_wall - sum(clocks.wall.values()),
        whole_cpu - sum(clocks.cpu.values()),
    )
    steps["whole"] = (whole_wall, whole_cpu)
    return [
        (step, f"{wall / mails * 1e6:.0f}", f"{wall / whole_wall:.0%}", f"{cpu / mails * 1e6:.0f}")
        for step, (wall, cpu) in steps.items()
    ]


class _Source:
    """A source whose fetching and settling are timed."""

    def __init__(self, source: Source, clocks: _Clocks) -> None:
        self._source, self._clocks = source, clocks
        self.name = source.name

    def deliveries(self, *, alone: frozenset[str]) -> Generator[Batch, None, None]:
        with closing(self._source.deliveries(alone=alone)) as batches:
            while True:
                with self._clocks.timed("fetch"):
                    batch = next(batches, None)
                if batch is None:
                    return
                yield batch

    def settle(self, settlements: Sequence[Settlement]) -> None:
        with self._clocks.timed("settle"):
            self._source.settle(settlements)


class _Flights:
    """Flights whose notes are timed; from each note to the next, or to the landing, mails are read."""

    def __init__(self, flights: Flights, clocks: _Clocks) -> None:
        self._flights, self._clocks = flights, clocks
        self._reading = False
        self.suspects: Callable[[str], Mapping[str, int]] = flights.suspects
        self.crashed: Callable[[str, str], int] = flights.crashed
        self.forget: Callable[[str, Sequence[str]], None] = flights.forget

    def take_off(self, source: str, references: Sequence[str]) -> None:
        self._stop_reading()
        with self._clocks.timed("note in flight"):
            self._flights.take_off(source, references)
        self._reading = True
        self._clocks.start("read")

    def land(self, source: str) -> None:
        self._stop_reading()
        with self._clocks.timed("note in flight"):
            self._flights.land(source)

    def _stop_reading(self) -> None:
        if self._reading:
            self._reading = False
            self._clocks.stop("read")


class _Archive:
    """An archive whose keeping is timed."""

    def __init__(self, archive: Archive, clocks: _Clocks) -> None:
        self._archive, self._clocks = archive, clocks

    def keep(self, reports: Sequence[ReceivedReport]) -> None:
        with self._clocks.timed("archive"):
            self._archive.keep(reports)

    def put_aside(self, unreadable: Sequence[Unreadable]) -> None:
        self._archive.put_aside(unreadable)


class _Store:
    """A store whose adding is timed."""

    def __init__(self, store: ReportStore, clocks: _Clocks) -> None:
        self._store, self._clocks = store, clocks

    def add(self, reports: Sequence[ReceivedReport]) -> tuple[Outcome, ...]:
        with self._clocks.timed("store"):
            return self._store.add(reports)
