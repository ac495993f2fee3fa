"""A folder that reports are put into: by a mail server's pipe, a script, or the ingest spool.

Files are taken once they are whole: whoever writes here writes under a name that begins
with a dot, and renames. A file is one delivery; settled ones are moved or deleted, as in a mailbox.
"""

from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Literal

from collector.errors import SourceRefused, SourceUnavailable, TooLarge
from collector.intake.delivery import Delivery, Fate, Settlement, Withheld
from collector.ports import Batch, Memory
from collector.sources.files import VALIDITY, Limits, files_below, in_batches, number_of, read_file


class DirectorySource:
    """Implements :class:`collector.ports.Source` on a folder."""

    def __init__(
        self,
        *,
        name: str,
        path: Path,
        settle: Literal["move", "leave", "delete"],
        processed_folder: str,
        rejected_folder: str,
        not_reports: Literal["move", "leave"],
        batch_messages: int,
        batch_bytes: int,
        maximum_message_bytes: int,
        memory: Memory,
    ) -> None:
        """Keep the settings; the two folders lie inside ``path`` unless they are absolute."""
        self._name = name
        self._path = path
        self._settle = settle
        self._processed = path / processed_folder
        self._rejected = path / rejected_folder
        self._not_reports = not_reports
        self._limits = Limits(
            batch_messages=batch_messages,
            batch_bytes=batch_bytes,
            maximum_message_bytes=maximum_message_bytes,
        )
        self._memory = memory

    @property
    def name(self) -> str:
        """The name that the operator gave it."""
        return self._name

    def deliveries(self, *, alone: frozenset[str]) -> Generator[Batch, None, None]:
        """Yield what is new, by name; references in ``alone`` come last, in batches of one."""
        with _translated(self._path):
            if not self._path.is_dir():
                raise SourceRefused(f"{self._path}: there is no such folder: make it, or mend path")
            remembered = self._memory.remembered(self._name, str(self._path), VALIDITY)
            files = [file for file in self._files() if number_of(str(file), file) not in remembered]
            others = (file for file in files if str(file) not in alone)
            yield from in_batches(self._read(others), self._limits)
            for delivery in self._read(file for file in files if str(file) in alone):
                yield (delivery,)

    def settle(self, settlements: Sequence[Settlement]) -> None:
        """Put files where their fate wants them."""
        with _translated(self._path):
            kept_in_mind: list[int] = []
            for settlement in settlements:
                file = Path(settlement.reference)
                destination = self._destination(settlement.fate)
                if settlement.fate is Fate.KEPT:
                    continue
                if destination is not None:
                    _move(file, destination)
                elif self._settle == "delete" and settlement.fate is Fate.PROCESSED:
                    file.unlink(missing_ok=True)
                else:
                    kept_in_mind.append(number_of(str(file), file))
            if kept_in_mind:
                self._memory.remember(self._name, str(self._path), VALIDITY, kept_in_mind)

    def _destination(self, fate: Fate) -> Path | None:
        """Tell the folder a fate leads to, None where the file stays or goes for good."""
        if self._settle == "leave" or (fate is Fate.NOT_A_REPORT and self._not_reports == "leave"):
            return None
        if fate is Fate.PROCESSED:
            return self._processed if self._settle == "move" else None
        return self._rejected

    def _files(self) -> Iterator[Path]:
        for file in files_below(self._path):
            if self._processed not in file.parents and self._rejected not in file.parents:
                yield file

    def _read(self, files: Iterator[Path]) -> Iterator[Delivery | Withheld]:
        for file in files:
            limit = self._limits.maximum_message_bytes
            # Two are enough to know that it holds several.
            first, *more = islice(read_file(file, source=self._name, maximum_message_bytes=limit), 2)
            if more:
                reason = TooLarge('holds several mails (mbox): use the command "import"')
                size_bytes = file.stat().st_size
                first = Withheld(
                    source=self._name,
                    reference=str(file),
                    received_at=first.received_at,
                    size_bytes=size_bytes,
                    reason=reason,
                )
            yield first


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        place = error.filename or path
        raise SourceUnavailable(f"{place}: {error.strerror}: let this user read and write there") from error


def _move(file: Path, folder: Path) -> None:
    """Move a file, beside another of its name where there is one."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    destination = folder / file.name
    for number in range(1, 1_000_000):
        if not destination.exists():
            break
        destination = folder / f"{file.stem}.{number}{file.suffix}"
    try:
        file.rename(destination)
    except FileNotFoundError:
        return
