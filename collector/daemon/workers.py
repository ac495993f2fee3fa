"""Threads that sleep at a doorbell, do their work when it rings, and say that they live."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta

import structlog

from collector.ports import Clock

# Longer than any single wait inside a round: an IMAP command and a database lock end well before.
STALLED_AFTER = timedelta(minutes=10)

Work = Callable[[Callable[[], bool]], None]
"""One round of work; asks now and then whether to keep going."""

_log = structlog.get_logger()


class Worker:
    """One thread with its doorbell. Whoever thinks there is work only rings."""

    def __init__(self, name: str, work: Work, *, clock: Clock) -> None:
        """Prepare the thread; it starts with :meth:`start`."""
        self.name = name
        self._work = work
        self._clock = clock
        self._bell = threading.Event()
        self._stopping = threading.Event()
        self._beat_at: datetime | None = None
        # A daemon thread: one that hangs in a system call must not hold up the exit for ever.
        self._thread = threading.Thread(target=self._live, name=name, daemon=True)

    def start(self) -> None:
        """Start the thread, asleep."""
        self._thread.start()

    def ring(self) -> None:
        """Ask for a round; rings during a round are answered by one more."""
        self._bell.set()

    def stop(self) -> None:
        """Ask the thread to end after the batch in hand."""
        self._stopping.set()
        self._bell.set()

    def join(self, patience: timedelta) -> bool:
        """Wait for the thread's end, so long at most; tell whether it came."""
        self._thread.join(max(timedelta(), patience).total_seconds())
        return not self._thread.is_alive()

    def is_stalled(self, now: datetime) -> bool:
        """Tell whether the thread has died unasked, or is at work without a sign of progress."""
        was_started = self._thread.ident is not None
        if was_started and not self._stopping.is_set() and not self._thread.is_alive():
            return True
        beat_at = self._beat_at
        return beat_at is not None and now - beat_at > STALLED_AFTER

    def _live(self) -> None:
        while True:
            self._bell.wait()
            self._bell.clear()
            if self._stopping.is_set():
                return
            self._do_a_round()

    def _do_a_round(self) -> None:
        self._beat_at = self._clock()
        try:
            self._work(self._keep_going)
        except Exception:  # noqa: BLE001  a bug of ours: it is told, and the thread lives on
            _log.exception("worker_crashed", worker=self.name)
        finally:
            self._beat_at = None

    def _keep_going(self) -> bool:
        self._beat_at = self._clock()
        return not self._stopping.is_set()
