"""The whole life of the process: what starts, in which order, and how it ends."""

import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from urllib.parse import urlsplit

import structlog

from collector.app import App, opened, utc_now
from collector.config import Config
from collector.daemon.schedule import Schedule
from collector.daemon.workers import Worker
from collector.errors import CollectorError
from collector.ports import Clock, Source
from collector.web.app import LOOPBACK_HOSTS, make_app
from collector.web.metrics import PrometheusMeter
from collector.web.server import WebServer

# Alerts that could not be sent are owed; the ledger knows when each is due, to the minute.
ALERTS_INTERVAL = timedelta(minutes=1)

# For all threads together. A batch in hand takes far less; what hangs in the network is left to it,
# and found again in the mailbox.
DRAIN_FOR = timedelta(seconds=5)

_log = structlog.get_logger()


def run(config: Config, *, clock: Clock = utc_now) -> None:
    """Run until SIGTERM or SIGINT: finish the batch in hand, then return."""
    stop = threading.Event()
    meter = PrometheusMeter()
    with opened(config, meter=meter, clock=clock) as app, ExitStack() as stack:
        house = House(app)
        # Signals come first, so that none that arrives during the start is lost.
        stack.enter_context(_signals(stop, house))
        if config.web.listen is not None:
            stack.enter_context(_web(app, house, meter))
        stack.enter_context(_workers(house))
        stack.enter_context(_schedule(app, house))
        _log.info(
            "daemon_started",
            sources=[s.name for s in app.sources],
            web=str(config.web.listen) if config.web.listen else None,
        )
        stop.wait()
        _log.info("daemon_stopping")
    _log.info("daemon_stopped")


class House:
    """The threads of the daemon and how they fare: one collector a source, one for the alerts."""

    def __init__(self, app: App) -> None:
        """Prepare a worker for each source, and the one for the alerts."""
        self._app = app
        self._troubles: dict[str, str] = {}
        self._servers: dict[str, WebServer] = {}
        self.alerts = Worker("alerts", self._tell, clock=app.clock)
        self.collectors = {
            source.name: Worker(f"collector-{source.name}", partial(self._collect, source), clock=app.clock)
            for source in app.sources
        }

    @property
    def workers(self) -> tuple[Worker, ...]:
        """Every worker, in the order of their start."""
        return (self.alerts, *self.collectors.values())

    def add_server(self, name: str, server: WebServer) -> None:
        """Count a server among the threads that have to live."""
        self._servers[name] = server

    def ring(self) -> None:
        """Ring every doorbell."""
        for worker in self.workers:
            worker.ring()

    def stalled(self) -> Sequence[str]:
        """Name the threads that no longer make progress."""
        now = self._app.clock()
        hanging = [worker.name for worker in self.workers if worker.is_stalled(now)]
        return hanging + [name for name, server in self._servers.items() if not server.is_alive()]

    def troubles(self) -> Mapping[str, str]:
        """Tell what is not to be had now, and why."""
        troubles = dict(self._troubles)
        try:
            self._app.store.questions.ping()
        except CollectorError as error:
            troubles["store"] = str(error)
        return troubles

    def _collect(self, source: Source, keep_going: Callable[[], bool]) -> None:
        """Do a round over one source; what is away is told, and tried again at the next ring."""
        try:
            done = self._app.collect(source, keep_going=keep_going)
        except CollectorError as error:
            self._troubles[source.name] = str(error)
            _log.error("round_failed", source=source.name, reason=str(error))
        else:
            self._troubles.pop(source.name, None)
            _log.info("round_finished", source=source.name, **done.counts)
        self.alerts.ring()

    def _tell(self, keep_going: Callable[[], bool]) -> None:
        """Evaluate what is stored, then send what is owed."""
        try:
            self._app.watch()
            if keep_going():
                self._app.notify()
        except CollectorError as error:
            _log.error("alerts_postponed", reason=str(error))


@contextmanager
def _signals(stop: threading.Event, house: House) -> Iterator[None]:
    """Handle signals: SIGTERM and SIGINT stop, SIGUSR1 asks for a round now."""
    handlers: dict[signal.Signals, Callable[..., None]] = {
        signal.SIGTERM: lambda *_: stop.set(),
        signal.SIGINT: lambda *_: stop.set(),
        signal.SIGUSR1: lambda *_: house.ring(),
    }
    former = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


@contextmanager
def _web(app: App, house: House, meter: PrometheusMeter) -> Iterator[None]:
    """Serve the overview, health and metrics."""
    listen = app.config.web.listen
    assert listen is not None
    pages = make_app(
        questions=app.store.questions,
        pulse=house,
        meter=meter,
        clock=app.clock,
        allowed_hosts=_allowed_hosts(app.config, listen.host),
    )
    server = WebServer(pages, host=listen.host, port=listen.port)
    server.start()
    house.add_server("web", server)
    _log.info("web_started", address=":".join(map(str, server.address)))
    try:
        yield
    finally:
        server.stop()


def _allowed_hosts(config: Config, listen_host: str) -> Sequence[str] | None:
    """Tell by which names the page may be asked for; on loopback a foreign one is an attack."""
    if listen_host not in LOOPBACK_HOSTS:
        return None
    public = urlsplit(config.web.url or "").hostname
    return (*LOOPBACK_HOSTS, public) if public else LOOPBACK_HOSTS


@contextmanager
def _workers(house: House) -> Iterator[None]:
    """Start the workers, and at the end give each time to finish the batch in hand."""
    for worker in house.workers:
        worker.start()
    house.ring()
    try:
        yield
    finally:
        _drain(house.workers, within=DRAIN_FOR)


def _drain(workers: Sequence[Worker], *, within: timedelta) -> None:
    """Stop all workers at once; who is not done in time is left, and the process ends all the same."""
    for worker in workers:
        worker.stop()
    deadline = time.monotonic() + within.total_seconds()
    for worker in workers:
        if not worker.join(timedelta(seconds=deadline - time.monotonic())):
            _log.warning("worker_abandoned", worker=worker.name)


@contextmanager
def _schedule(app: App, house: House) -> Iterator[None]:
    """Ring each collector at its source's interval, and the alerts every minute."""
    schedule = Schedule()
    for settings in app.config.sources:
        schedule.every(
            settings.interval, house.collectors[settings.name].ring, name=f"collect-{settings.name}"
        )
    schedule.every(ALERTS_INTERVAL, house.alerts.ring, name="alerts")
    schedule.start()
    try:
        yield
    finally:
        schedule.stop()
