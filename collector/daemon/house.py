"""The threads that one configuration asks for: a collector a source, one for alerts, one for upkeep."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from functools import partial

import structlog

from collector.app import App
from collector.daemon.schedule import Schedule
from collector.daemon.workers import Worker
from collector.errors import CollectorError
from collector.ports import Source

# Alerts that could not be sent are owed; the ledger knows when each is due, to the minute.
ALERTS_INTERVAL = timedelta(minutes=1)

# Retention goes by whole days.
UPKEEP_INTERVAL = timedelta(days=1)

# For all threads together. A batch in hand takes far less; what hangs in the network is left to it,
# and found again in the mailbox.
DRAIN_FOR = timedelta(seconds=5)

_log = structlog.get_logger()


class House:
    """The workers and their schedule, and how they fare."""

    def __init__(self, app: App, *, on_change: Callable[[str], None] = lambda _: None) -> None:
        """Prepare a worker for each source, for the alerts, and for what is kept too long.

        ``on_change`` is told in a line how the sources fare, after each round.
        """
        self._app = app
        self._on_change = on_change
        self._troubles: dict[str, str] = {}
        self._schedule = Schedule()
        self.alerts = Worker("alerts", self._tell, clock=app.clock)
        self.upkeep = Worker("upkeep", self._tidy, clock=app.clock)
        self.collectors = {
            source.name: Worker(f"collector-{source.name}", partial(self._collect, source), clock=app.clock)
            for source in app.sources
        }

    @property
    def workers(self) -> tuple[Worker, ...]:
        """Every worker, in the order of their start."""
        return (self.alerts, self.upkeep, *self.collectors.values())

    def start(self) -> None:
        """Start the workers with a first round, and then their schedule."""
        for worker in self.workers:
            worker.start()
        self.ring()
        for settings in self._app.config.sources:
            self._schedule.every(
                settings.interval, self.collectors[settings.name].ring, name=f"collect-{settings.name}"
            )
        self._schedule.every(ALERTS_INTERVAL, self.alerts.ring, name="alerts")
        self._schedule.every(UPKEEP_INTERVAL, self.upkeep.ring, name="upkeep")
        self._schedule.start()

    def stop(self) -> None:
        """Stop ringing, and give each worker time to finish the batch in hand."""
        self._schedule.stop()
        drain(self.workers, within=DRAIN_FOR)

    def ring(self) -> None:
        """Ring every doorbell."""
        for worker in self.workers:
            worker.ring()

    def stalled(self) -> Sequence[str]:
        """Name the threads that no longer make progress."""
        now = self._app.clock()
        return [worker.name for worker in self.workers if worker.is_stalled(now)]

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
        self._on_change(self._in_a_line())
        self.alerts.ring()

    def _tell(self, keep_going: Callable[[], bool]) -> None:
        """Evaluate what is stored, then send what is owed."""
        try:
            self._app.watch()
            if keep_going():
                self._app.notify()
        except CollectorError as error:
            _log.error("alerts_postponed", reason=str(error))

    def _tidy(self, keep_going: Callable[[], bool]) -> None:
        """Remove what has been kept long enough."""
        try:
            tidied = self._app.tidy(keep_going=keep_going)
        except CollectorError as error:
            _log.error("upkeep_postponed", reason=str(error))
        else:
            _log.info("upkeep_finished", **asdict(tidied))

    def _in_a_line(self) -> str:
        troubles = dict(self._troubles)
        if not troubles:
            return f"{len(self.collectors)} sources, all answer"
        told = "; ".join(f"{name}: {reason}" for name, reason in sorted(troubles.items()))
        return f"{len(troubles)} of {len(self.collectors)} sources in trouble: {told}"


def drain(workers: Sequence[Worker], *, within: timedelta) -> None:
    """Stop all workers at once; who is not done in time is left, and the process ends all the same."""
    for worker in workers:
        worker.stop()
    deadline = time.monotonic() + within.total_seconds()
    for worker in workers:
        if not worker.join(timedelta(seconds=deadline - time.monotonic())):
            _log.warning("worker_abandoned", worker=worker.name)
