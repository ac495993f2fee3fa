"""The real command, killed (or hit by a bug) at a step of its way that cannot be reached from outside.

    python -m tests.kill.killed STEP MOMENT TIMES -- ARGUMENTS

MOMENT is ``before`` or ``after``; it is the TIMES-th call of the step that counts. The steps
``poison``, ``bug`` and ``interrupt`` are about every mail that holds their mark, and take no notice
of the two.
"""

import os
import signal
import sys
from collections.abc import Callable
from importlib import import_module
from itertools import count
from typing import Any

from collector.cli import main
from collector.intake.delivery import Delivery
from collector.intake.extract import Extracted

POISON = b"X-Poison: arsenic"
BUG = b"X-Bug: beetle"
INTERRUPT = b"X-Interrupt: now"

# Step → the function that does it, wherever it is looked up.
STEPS = {
    "flight taking off": "collector.stores.flights:SqlFlights.take_off",
    "flight landing": "collector.stores.flights:SqlFlights.land",
    "archive keeping": "collector.archives.filesystem:FilesystemArchive.keep",
    "archive writing a file": "collector.archives.durable:FileBatch.add",
    "archive putting a file in place": "collector.archives.durable:_move",
    "quarantine": "collector.archives.filesystem:FilesystemArchive.put_aside",
    "store adding": "collector.stores.reports:SqlReportStore.add",
    "store inserting": "collector.stores.reports:_insert",
    "settling": "collector.sources.imap:ImapSource.settle",
    "moving": "collector.sources.imap_connection:OpenFolder.move",
    "remembering": "collector.stores.memory:SqlMemory.remember",
    "forgetting": "collector.stores.flights:SqlFlights.forget",
    "alert recording": "collector.stores.ledger:SqlAlertLedger.record",
    "alert sending": "collector.channels.email:EmailChannel.send",
    "alert noted as sent": "collector.stores.ledger:SqlAlertLedger.sent",
}


def die() -> None:
    """End at once, without a chance to tidy up."""
    os.kill(os.getpid(), signal.SIGKILL)


def _lay_trap(step: str, moment: str, times: int) -> None:
    """Put a death before or after one call of a step."""
    owner, name = _found(STEPS[step])
    as_ever: Callable[..., Any] = getattr(owner, name)
    calls = count(1)

    def trapped(*arguments: Any, **named: Any) -> Any:
        is_the_one = next(calls) == times
        if is_the_one and moment == "before":
            die()
        answer = as_ever(*arguments, **named)
        if is_the_one:
            die()
        return answer

    setattr(owner, name, trapped)


def _found(place: str) -> tuple[Any, str]:
    module, _, path = place.partition(":")
    *owners, name = path.split(".")
    owner: Any = import_module(module)
    for one in owners:
        owner = getattr(owner, one)
    return owner, name


def _mind_marks(step: str) -> None:
    """Let the mails with a mark do their harm while they are being read."""
    pipeline = import_module("collector.pipeline")
    as_ever: Callable[[Delivery], Extracted] = pipeline.extract

    def trapped(delivery: Delivery) -> Extracted:
        if step == "poison" and POISON in delivery.content:
            die()
        if step == "bug" and BUG in delivery.content:
            message = "a bug of the tests"
            raise ZeroDivisionError(message)
        if step == "interrupt" and INTERRUPT in delivery.content:
            # As Ctrl-C does, wherever the program is.
            raise KeyboardInterrupt
        return as_ever(delivery)

    setattr(pipeline, "extract", trapped)  # noqa: B010  a module has no such attribute to the type checker


if __name__ == "__main__":
    own, arguments = sys.argv[1 : sys.argv.index("--")], sys.argv[sys.argv.index("--") + 1 :]
    if own[0] in STEPS:
        _lay_trap(own[0], own[1], int(own[2]))
    else:
        _mind_marks(own[0])
    main(arguments)
