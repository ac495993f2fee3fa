"""The demo's processes: each is ended with the demo, however that ends."""

import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

# A process that does not end when it is asked to is ended by force.
_END_WITHIN_SECONDS = 10


class Interruptions:
    """Ctrl-C, the end of the terminal and SIGTERM end the demo, quietly and once.

    While a process is being started they wait: else it might run without anyone who knows of it.
    Further ones do not disturb the clearing away.
    """

    def __init__(self) -> None:
        """Begin with nothing interrupted."""
        self._waiting = False
        self._starting = False
        self._ending = False

    @contextmanager
    def handled(self) -> Iterator[None]:
        """Turn the signals into ``KeyboardInterrupt``."""
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        former = {number: signal.signal(number, self._interrupt) for number in numbers}
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)

    @contextmanager
    def held_back(self) -> Iterator[None]:
        """Let an interruption wait until the end of the block."""
        self._starting = True
        try:
            yield
        finally:
            self._starting = False
            if self._waiting:
                self._end()

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        del number, frame
        if self._starting:
            self._waiting = True
        else:
            self._end()

    def _end(self) -> None:
        self._waiting = False
        if not self._ending:
            self._ending = True
            raise KeyboardInterrupt


interruptions = Interruptions()


@contextmanager
def running(
    command: Sequence[str], *, silent: bool = False, end_within_seconds: float = _END_WITHIN_SECONDS
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program of ours for as long as the block lasts, then ask it to end, then make it.

    It is in a process group of its own: Ctrl-C reaches the demo, and the demo ends it in order.
    """
    output = subprocess.DEVNULL if silent else None
    process: subprocess.Popen[bytes] | None = None
    try:
        with interruptions.held_back():
            process = subprocess.Popen(command, stdout=output, stderr=output, process_group=0)  # noqa: S603  our own program, no shell
        yield process
    finally:
        if process is not None:
            _end(process, end_within_seconds)


def _end(process: subprocess.Popen[bytes], end_within_seconds: float) -> None:
    with interruptions.held_back():
        # Does nothing where it has ended by itself.
        process.terminate()
        try:
            process.wait(end_within_seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
