"""Files that are there whole or not at all, a batch at the cost of two flushes.

All files of a batch are written to a temporary folder, flushed together, renamed into
place, and the renames flushed together. A process that is killed leaves its temporary
folder behind; the next batch of anyone removes it.
"""

import ctypes
import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

TEMPORARY_PREFIX = ".tmp-"

# Reports hold the names of mail servers and why they fail: the operator's affair alone.
_FOLDER_MODE = 0o700
_FILE_MODE = 0o600

Flush = Callable[[Path, Sequence[Path]], None]
"""Makes what was written to some paths durable; all of them lie below the first argument."""


class FileBatch:
    """Files on their way to their place."""

    def __init__(self, root: Path, staging: Path) -> None:
        """Gather files in ``staging``; :func:`writing` is the way to get a batch."""
        self._root = root
        self._staging = staging
        self._places: dict[Path, Path] = {}
        self._there: list[Path] = []

    def add(self, place: Path, content: bytes) -> None:
        """Write a file to a temporary name; it gets to its place with all the others, in order."""
        if not self._places:
            self._staging.mkdir(mode=_FOLDER_MODE)
        temporary = self._staging / str(len(self._places))
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _FILE_MODE)
        try:
            _write_all(descriptor, content)
        finally:
            os.close(descriptor)
        self._places[place] = temporary

    def trust(self, *places: Path) -> None:
        """Take files that are in their places as part of the batch.

        Whoever put them there may have been killed before they were durable.
        """
        self._there.extend(places)

    def holds(self, place: Path) -> bool:
        """Tell whether a file for this place was added."""
        return place in self._places

    def finish(self, flush: Flush) -> None:
        """Put all files in their places, durably."""
        if self._places:
            flush(self._root, list(self._places.values()))
        for place, temporary in self._places.items():
            _move(temporary, place, self._root)
        flush(self._root, [*self._there, *_folders([*self._places, *self._there], self._root)])

    def discard(self) -> None:
        """Remove what was not put in its place."""
        shutil.rmtree(self._staging, ignore_errors=True)


@contextmanager
def writing(root: Path, flush: Flush) -> Iterator[FileBatch]:
    """Write a batch of files below ``root``; on leaving all of them are durable.

    After an error each is there whole or not at all, and to write them again is safe.
    """
    root.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    with _opened(root) as descriptor:
        # Shared while writing, so that nobody takes our temporary folder for a leftover. Where the
        # file system has no locks nobody gets the exclusive one either.
        _remove_leftovers(root, descriptor)
        batch = FileBatch(root, root / f"{TEMPORARY_PREFIX}{secrets.token_hex(8)}")
        try:
            yield batch
            batch.finish(flush)
        finally:
            batch.discard()


def flush(root: Path, paths: Sequence[Path]) -> None:
    """Flush the whole file system once, which costs the same for one file and for five hundred.

    Since Linux 5.8 syncfs(2) also tells of writes that failed. Where it is missing every
    path is flushed by itself.
    """
    with _opened(root) as descriptor:
        if not _syncfs(descriptor):
            flush_each(root, paths)


def flush_each(_root: Path, paths: Sequence[Path]) -> None:
    """Flush every path by itself: a file its content, a folder its names."""
    for path in paths:
        with _opened(path) as descriptor:
            os.fsync(descriptor)


def _syncfs(descriptor: int) -> bool:
    """Call syncfs(2), which Python 3.11 has not; tell whether this system has it."""
    function = getattr(ctypes.CDLL(None, use_errno=True), "syncfs", None)
    if function is None:
        return False
    if function(descriptor) == 0:
        return True
    number = ctypes.get_errno()
    if number == errno.ENOSYS:
        return False
    raise OSError(number, os.strerror(number))


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _remove_leftovers(root: Path, descriptor: int) -> None:
    """Remove the temporary folders of killed processes unless someone writes now; then share the lock."""
    leftovers = [path for path in root.iterdir() if path.name.startswith(TEMPORARY_PREFIX)]
    if leftovers:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for path in leftovers:
                shutil.rmtree(path, ignore_errors=True)
    with suppress(OSError):
        fcntl.flock(descriptor, fcntl.LOCK_SH)


def _move(temporary: Path, place: Path, root: Path) -> None:
    try:
        os.replace(temporary, place)  # noqa: PTH105  Path.replace reads both names anew
    except FileNotFoundError:
        _make_folders(place.parent, root)
        temporary.replace(place)


def _make_folders(folder: Path, root: Path) -> None:
    """Make a folder and those above it, down from the root, each for its owner alone."""
    if folder != root:
        _make_folders(folder.parent, root)
        folder.mkdir(mode=_FOLDER_MODE, exist_ok=True)


def _folders(places: Sequence[Path], root: Path) -> list[Path]:
    """Name every folder on the way to these places: any of them may be new."""
    folders = {root}
    for folder in {place.parent for place in places}:
        step = folder
        while step not in folders:
            folders.add(step)
            step = step.parent
    return list(folders)


def _write_all(descriptor: int, content: bytes) -> None:
    """Write every byte; a disk that fills up takes a part first."""
    rest = memoryview(content)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
