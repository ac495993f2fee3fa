"""What signals ask of the process. A handler only leaves a note and wakes the main thread."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from types import FrameType

_STOPPING = (signal.SIGTERM, signal.SIGINT)


class Orders:
    """The notes: end, read the configuration again, ask every source now."""

    def __init__(self) -> None:
        """Start without any order."""
        self._wake = threading.Event()
        self.stop = False
        self._reload = False
        self._ring = False

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Take SIGTERM, SIGINT, SIGHUP and SIGUSR1; leave them as they were."""
        numbers = (*_STOPPING, signal.SIGHUP, signal.SIGUSR1)
        former = {number: signal.signal(number, self.note) for number in numbers}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)

    def note(self, number: int, frame: FrameType | None = None) -> None:
        """Note what a signal asks."""
        del frame
        self.stop = self.stop or number in _STOPPING
        self._reload = self._reload or number == signal.SIGHUP
        self._ring = self._ring or number == signal.SIGUSR1
        self._wake.set()

    def wait(self, patience: timedelta | None) -> None:
        """Sleep until there is an order, or for so long."""
        self._wake.wait(None if patience is None else patience.total_seconds())
        self._wake.clear()

    def reload_asked(self) -> bool:
        """Tell whether the configuration is to be read again; asked once, it is done with."""
        asked, self._reload = self._reload, False
        return asked

    def ring_asked(self) -> bool:
        """Tell whether every source is to be asked now; asked once, it is done with."""
        asked, self._ring = self._ring, False
        return asked
