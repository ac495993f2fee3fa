"""Composition root: turns settings into built parts, opens and closes them; the only reader of the clock."""

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from collector.alerting.alert import Notification
from collector.archives import KINDS as ARCHIVE_KINDS
from collector.channels import KINDS as CHANNEL_KINDS
from collector.errors import InvalidConfig, StoreInUse, StoreUnavailable
from collector.pipeline import Parts, Round, collect, notify, watch
from collector.ports import (
    Archive,
    Channel,
    Clock,
    FileRetention,
    Meter,
    Outcome,
    Questions,
    ReceivedReport,
    Source,
)
from collector.sources import KINDS as SOURCE_KINDS

if TYPE_CHECKING:
    from collector.config import Config
    from collector.stores import SqlStore
    from collector.upkeep import Tidied

# The lock beside an SQLite store is readable by its owner alone, as the store is.
_LOCK_MODE = 0o600


def utc_now() -> datetime:
    """Read the clock; everything else is handed the time."""
    return datetime.now(UTC)  # noqa: TID251  the one place


class Unmetered:
    """A meter for commands that end soon and are scraped by nobody."""

    def report_added(self, received: ReceivedReport, outcome: Outcome) -> None:
        """Count nothing."""

    def delivery_quarantined(self) -> None:
        """Count nothing."""

    def source_succeeded(self, source: str, at: datetime) -> None:
        """Note nothing."""

    def notification_attempted(self, channel: str, outcome: str) -> None:
        """Count nothing."""


class LastingArchive(Archive, FileRetention, Protocol):
    """An archive that keeps reports, and lets go of them in time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """The built parts of the program, open."""

    config: "Config"
    clock: Clock
    store: "SqlStore"
    archive: LastingArchive
    sources: tuple[Source, ...]
    channels: Mapping[str, Channel]
    meter: Meter

    def reconfigured(self, config: "Config") -> "App":
        """Return the same program by another configuration, around the same open store."""
        if config.store_url() != self.config.store_url():
            raise InvalidConfig(("store: cannot change while the daemon runs: restart it",))
        return _built(config, self.store, self.meter, self.clock)

    def collect(self, source: Source, *, keep_going: Callable[[], bool]) -> Round:
        """Do one round over a source."""
        parts = Parts(
            archive=self.archive,
            store=self.store.reports,
            flights=self.store.flights,
            meter=self.meter,
            watched=self.config.watched_domains,
        )
        done = collect(source, parts, keep_going=keep_going)
        self.meter.source_succeeded(source.name, self.clock())
        return done

    def watch(self) -> tuple[Notification, ...]:
        """Evaluate what is stored and record what changes."""
        return watch(
            self.config.rules(),
            self.store.traffic,
            self.store.ledger,
            channels_of=self.config.channels_of,
            now=self.clock(),
        )

    def tidy(self, *, keep_going: Callable[[], bool]) -> "Tidied":
        """Remove what has been kept long enough."""
        from collector.upkeep import tidy

        return tidy(
            self.store.retention,
            self.archive,
            ages=self.config.retention.ages,
            now=self.clock(),
            keep_going=keep_going,
        )

    def notify(self) -> tuple[str, ...]:
        """Send what is owed; return the channels that could not take theirs."""
        return notify(self.store.ledger, self.channels, self.meter, now=self.clock())


@contextmanager
def opened(
    config: "Config", *, meter: Meter, clock: Clock = utc_now, work: str = "collector"
) -> Iterator[App]:
    """Build every part that the configuration names; close them in reverse on leaving.

    Only one process at a time does the same ``work`` on a store: collectors, or an import.

    Raises ``Misconfigured`` where a secret or a file cannot be read, ``StoreUnavailable``
    where the store is away or another collector works on it.
    """
    from collector.stores import open_store

    store_url = config.store_url()
    with ExitStack() as stack:
        stack.enter_context(_alone(store_url, work))
        store = open_store(store_url)
        stack.callback(store.close)
        yield _built(config, store, meter, clock)


def _built(config: "Config", store: "SqlStore", meter: Meter, clock: Clock) -> App:
    """Build the parts around an open store; nothing is connected yet."""
    return App(
        config=config,
        clock=clock,
        store=store,
        archive=build(ARCHIVE_KINDS, config.archive),
        sources=tuple(build(SOURCE_KINDS, s, memory=store.memory) for s in config.sources),
        channels=built_channels(config),
        meter=meter,
    )


@contextmanager
def asked(config: "Config") -> Iterator[Questions]:
    """Open the store to ask it; nothing is written and a running collector is not disturbed."""
    from collector.stores import open_store

    store = open_store(config.store_url(), read_only=True)
    try:
        yield store.questions
    finally:
        store.close()


def built_channels(config: "Config") -> dict[str, Channel]:
    """Build the channels alone, by name."""
    return {c.name: build(CHANNEL_KINDS, c, page_url=config.web.url) for c in config.channels}


def build(kinds: Mapping[str, str], settings: Any, **more: object) -> Any:  # noqa: ANN401  any family
    """Build the adapter of a kind from its settings: their names are its arguments."""
    module, _, name = kinds[settings.kind].partition(":")
    adapter = getattr(import_module(module), name)
    return adapter(**settings.arguments(), **more)


@contextmanager
def _alone(store_url: str, work: str) -> Iterator[None]:
    """Keep a second process of a kind away from an SQLite store: two would judge each other dead."""
    from collector.stores import require_owner, sqlite_file

    file = sqlite_file(store_url)
    if file is None:
        yield
        return
    # Before the lock is made: one that root leaves behind would shut out the owner.
    require_owner(file)
    lock = Path(f"{file}.lock" if work == "collector" else f"{file}.{work}.lock")
    try:
        lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, _LOCK_MODE)
    except OSError as error:
        raise StoreUnavailable(f"{lock}: {error.strerror}: let this user write there") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise StoreInUse(f"another {work} works on {file}: stop it first, or leave the work to it") from error
    else:
        yield
    finally:
        os.close(descriptor)
