"""Deliveries that lie in files: report files, mails, mbox files, Maildirs, and folders of these.

What a file is, its first bytes tell and never its name: a header field begins a mail, a
line ``From `` an mbox (RFC 4155), everything else is taken for a report file.
"""

import hashlib
import os
import re
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from collector.errors import SourceUnavailable, TooLarge
from collector.intake.delivery import Delivery, DeliveryKind, Fate, Settlement, Withheld
from collector.ports import Batch, Memory

# RFC 5322 §2.2: a mail begins with a header field. Only with a letter is it told from JSON.
_HEADER_FIELD = re.compile(rb"[A-Za-z][!-9;-~]*[ \t]*:")

_MBOX_LINE = b"From "

# How much of a file its kind is told by: the longest header field name, and then some.
_HEAD_BYTES = 4096

# RFC 4155 wants lines that begin with "From " quoted inside a message; ">From " is such a one.
_QUOTED_FROM = re.compile(rb"^>+From ")

# The folders of a Maildir that hold mail; "tmp" holds what is still being written.
_MAILDIR_FOLDERS = ("new", "cur")


# A memory knows numbers; a file's is made of what changes when another takes its name.
_NUMBER_BYTES = 7

# Files have no UIDVALIDITY: their numbers mean the same for ever.
VALIDITY = 1


# What need not be read again.
_UNDERSTOOD = frozenset({Fate.PROCESSED, Fate.NOT_A_REPORT})


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is brought in at once, and what is never."""

    batch_messages: int = 500
    batch_bytes: int = 32_000_000
    maximum_message_bytes: int = 25_000_000


def files_below(path: Path) -> Iterator[Path]:
    """Yield the files of a folder and of those below it, by name; a Maildir's mails, not its rubble.

    Names that begin with a dot are passed over: whoever writes a file here names it so until it is whole.
    """
    if not path.is_dir():
        yield path
        return
    if (path / "cur").is_dir() and (path / "new").is_dir():
        for name in _MAILDIR_FOLDERS:
            yield from (file for file in sorted((path / name).iterdir()) if file.is_file())
        return
    for inner in sorted(path.iterdir()):
        if not inner.name.startswith("."):
            yield from files_below(inner)


def number_of(reference: str, file: Path) -> int:
    """Make a number of a delivery in a file that none in another file of that name has."""
    try:
        facts = file.stat()
    except OSError:
        return 0
    seed = f"{reference}\0{facts.st_size}\0{facts.st_mtime_ns}"
    return int.from_bytes(hashlib.sha256(os.fsencode(seed)).digest()[:_NUMBER_BYTES], "big")


def read_file(path: Path, *, source: str, maximum_message_bytes: int) -> Iterator[Delivery | Withheld]:
    """Read what one file holds: a delivery, or those of an mbox, one after the other."""
    received_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    with path.open("rb") as stream:
        yield from read_stream(
            stream,
            source=source,
            reference=str(path),
            received_at=received_at,
            maximum_message_bytes=maximum_message_bytes,
        )


def read_stream(
    stream: BinaryIO, *, source: str, reference: str, received_at: datetime, maximum_message_bytes: int
) -> Iterator[Delivery | Withheld]:
    """Read what a stream holds, never more of it at once than one message may have."""
    head = stream.readline(_HEAD_BYTES)
    if not head.startswith(_MBOX_LINE):
        content = head + stream.read(maximum_message_bytes + 1)
        kind = DeliveryKind.MAIL if _HEADER_FIELD.match(content) else DeliveryKind.FILE
        contents: Iterable[bytes] = [content]
    else:
        kind = DeliveryKind.MAIL
        contents = _mbox_messages(stream, maximum_message_bytes)
    for number, content in enumerate(contents, 1):
        name = reference if not head.startswith(_MBOX_LINE) else f"{reference}#{number}"
        if len(content) > maximum_message_bytes:
            reason = TooLarge(f"larger than {maximum_message_bytes} bytes")
            yield Withheld(
                source=source, reference=name, received_at=received_at, size_bytes=len(content), reason=reason
            )
        else:
            yield Delivery(source=source, reference=name, kind=kind, content=content, received_at=received_at)


def _mbox_messages(stream: BinaryIO, maximum_bytes: int) -> Iterator[bytes]:
    """Yield the messages after the first "From " line; of one too large, a byte too much and no more."""
    message = bytearray()
    blank_before = False
    for line in iter(lambda: stream.readline(maximum_bytes), b""):
        if blank_before and line.startswith(_MBOX_LINE):
            yield bytes(message)
            message.clear()
            continue
        if len(message) <= maximum_bytes:
            message += _QUOTED_FROM.sub(lambda quoted: quoted[0][1:], line)
            del message[maximum_bytes + 1 :]
        blank_before = line in {b"\n", b"\r\n"}
    yield bytes(message)


def in_batches(found: Iterable[Delivery | Withheld], limits: Limits) -> Iterator[Batch]:
    """Gather deliveries into batches, bounded in number and in bytes."""
    batch: list[Delivery | Withheld] = []
    batch_bytes = 0
    for delivery in found:
        size_bytes = len(delivery.content) if isinstance(delivery, Delivery) else 0
        full = len(batch) >= limits.batch_messages or batch_bytes + size_bytes > limits.batch_bytes
        if batch and full:
            yield tuple(batch)
            batch, batch_bytes = [], 0
        batch.append(delivery)
        batch_bytes += size_bytes
    if batch:
        yield tuple(batch)


class ImportedFiles:
    """A source of files that are named once, and stay as they are (the command ``import``).

    What was taken is remembered, so that an import that was broken off goes on where it was;
    what could not be read is tried again.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        *,
        name: str,
        memory: Memory,
        limits: Limits | None = None,
        on_file: Callable[[Path], None] = lambda _: None,
    ) -> None:
        """Take files and folders; ``on_file`` is told of each file before it is read."""
        self._paths = paths
        self._name = name
        self._memory = memory
        self._limits = limits or Limits()
        self._on_file = on_file
        # Which number stands for a delivery that has been yielded and not settled yet.
        self._numbers: dict[str, int] = {}

    @property
    def name(self) -> str:
        """The name that the store keeps of where these came from."""
        return self._name

    def deliveries(self, *, alone: frozenset[str]) -> Generator[Batch, None, None]:
        """Yield what the files hold and is new; suspects come by themselves, after everything else."""
        suspects: list[Delivery | Withheld] = []
        yield from in_batches(self._others(alone, suspects), self._limits)
        for suspect in suspects:
            yield (suspect,)

    def settle(self, settlements: Sequence[Settlement]) -> None:
        """Remember what was taken; the files are somebody's and stay as they are."""
        numbers = {s.reference: self._numbers.pop(s.reference) for s in settlements}
        taken = [numbers[s.reference] for s in settlements if s.fate in _UNDERSTOOD]
        if taken:
            self._memory.remember(self._name, "", VALIDITY, taken)

    def _others(
        self, alone: frozenset[str], suspects: list[Delivery | Withheld]
    ) -> Iterator[Delivery | Withheld]:
        remembered = self._memory.remembered(self._name, "", VALIDITY)
        for file, delivery in self._all():
            number = number_of(delivery.reference, file)
            if number in remembered:
                continue
            self._numbers[delivery.reference] = number
            if delivery.reference in alone:
                suspects.append(delivery)
            else:
                yield delivery

    def _all(self) -> Iterator[tuple[Path, Delivery | Withheld]]:
        limit = self._limits.maximum_message_bytes
        for path in self._paths:
            try:
                for file in files_below(path):
                    self._on_file(file)
                    for delivery in read_file(file, source=self._name, maximum_message_bytes=limit):
                        yield file, delivery
            except OSError as error:
                place = error.filename or path
                raise SourceUnavailable(f"{place}: {error.strerror}: let this user read it") from error
