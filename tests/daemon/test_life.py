"""The threads of the daemon: what they say of themselves, and how long they are waited for."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from collector.alerting.alert import Notification
from collector.app import App, Unmetered, opened
from collector.config import ListenAddress, load
from collector.daemon.front import Front
from collector.daemon.house import House, drain
from collector.daemon.life import Pulse
from collector.daemon.workers import Worker
from collector.errors import CollectorError, Misconfigured, SourceUnavailable, StoreRefused, StoreUnavailable
from collector.pipeline import Round
from collector.ports import Source
from collector.web.metrics import PrometheusMeter
from tests.build import NOW, mail, report_json
from tests.build import delivery as one
from tests.fakes import ListSource

CONFIG = """\
sources: []
archive: {kind: filesystem, path: archive}
store: sqlite:///store.db
web: {listen: null}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class TroubledApp(App):
    """Whose store or source fails while a test says so."""

    failures: list[CollectorError] = field(default_factory=list)

    def watch(self) -> tuple[Notification, ...]:
        for failure in self.failures:
            raise failure
        return ()

    def collect(self, source: Source, *, keep_going: Callable[[], bool]) -> Round:
        for failure in self.failures:
            raise failure
        return App.collect(self, source, keep_going=keep_going)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[TroubledApp]:
    """A program with a real archive and store, and one source that is a list."""
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG, encoding="utf-8")
    with opened(load(path), meter=Unmetered(), clock=lambda: NOW) as built:
        yield TroubledApp(
            config=built.config,
            clock=built.clock,
            store=built.store,
            archive=built.archive,
            sources=(ListSource(waiting=[one(mail(report_json()))]),),
            channels=built.channels,
            meter=built.meter,
        )


def always() -> bool:
    return True


# ── What becomes of trouble ───────────────────────────────────────────────────


def test_a_round_is_told_and_its_source_is_fine(app: TroubledApp) -> None:
    house = House(app)

    with capture_logs() as events:
        house._collect(app.sources[0], always)

    assert {
        "event": "round_finished",
        "log_level": "info",
        "source": "main",
        "deliveries": 1,
        "processed": 1,
    } in (events)
    assert {} == house.troubles()


def test_a_source_that_is_away_is_a_trouble_until_it_is_back(app: TroubledApp) -> None:
    house = House(app)
    app.failures.append(SourceUnavailable("127.0.0.1:993: connection refused"))

    with capture_logs() as events:
        house._collect(app.sources[0], always)

    assert ["round_failed"] == [event["event"] for event in events]
    assert {"main": "127.0.0.1:993: connection refused"} == house.troubles()

    app.failures.clear()
    house._collect(app.sources[0], always)

    assert {} == house.troubles()


@pytest.mark.parametrize("failure", [StoreUnavailable("database is locked"), StoreRefused("not a database")])
def test_a_store_that_is_away_postpones_the_alerts(app: TroubledApp, failure: CollectorError) -> None:
    app.failures.append(failure)

    with capture_logs() as events:
        House(app)._tell(always)

    assert [("alerts_postponed", str(failure))] == [(event["event"], event["reason"]) for event in events]


# ── Signs of life ─────────────────────────────────────────────────────────────


def test_a_server_that_died_is_stalled(app: TroubledApp) -> None:
    front = Front(PrometheusMeter(), app.clock)
    pulse = Pulse(House(app), front)
    front.show(app.config.web, app.store.questions, pulse)
    front.listen(ListenAddress(host="127.0.0.1", port=0))

    assert [] == pulse.stalled()
    assert front._server is not None
    front._server.stop()
    assert ["web"] == pulse.stalled()


def test_an_address_that_is_taken_leaves_the_old_one_as_it_is(app: TroubledApp) -> None:
    front = Front(PrometheusMeter(), app.clock)
    front.show(app.config.web, app.store.questions, Pulse(House(app), front))
    front.listen(ListenAddress(host="127.0.0.1", port=0))
    assert front._server is not None
    taken = front._server.address[1]

    with pytest.raises(Misconfigured, match="in use"):
        front.listen(ListenAddress(host="127.0.0.1", port=taken))

    assert front.is_alive()
    front.close()


# ── The end ───────────────────────────────────────────────────────────────────


@contextmanager
def hanging_workers(count: int) -> Iterator[list[Worker]]:
    """Workers in the middle of a round that does not end."""
    begun, release = threading.Semaphore(0), threading.Event()

    def hang(keep_going: Callable[[], bool]) -> None:
        del keep_going
        begun.release()
        release.wait()

    workers = [Worker(f"collector-{n}", hang, clock=lambda: NOW) for n in range(count)]
    for worker in workers:
        worker.start()
        worker.ring()
    for _ in workers:
        assert begun.acquire(timeout=20)
    try:
        yield workers
    finally:
        release.set()
        for worker in workers:
            assert worker.join(timedelta(seconds=20))


def test_many_hanging_threads_are_waited_for_no_longer_than_one() -> None:
    with hanging_workers(50) as workers, capture_logs() as events:
        begin = time.monotonic()
        drain(workers, within=timedelta(seconds=0.2))
        took = time.monotonic() - begin

    # Fifty times 0.2 s would be 10 s.
    assert 5 > took
    assert [f"collector-{n}" for n in range(50)] == [event["worker"] for event in events]
    assert {"worker_abandoned"} == {event["event"] for event in events}
