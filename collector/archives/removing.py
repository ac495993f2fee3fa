"""Removes the files of days that have been kept long enough, and the folders that this leaves empty."""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path

from collector.archives.reading import FACTS_SUFFIX, day_folders

# A slow disk takes a millisecond for each; whoever waits for the end is heard in between.
_FILES_AT_A_TIME = 200


def removed_below(root: Path, tops: Sequence[Path], before: date) -> Iterator[int]:
    """Remove what lies in the folders of days before ``before``; yield how many files, after every few.

    Killed on the way, it is done the next time: what is left is as old then.
    """
    for top in tops:
        old = [folder for day, folder in day_folders(top) if day < before]
        for folder in old:
            yield from _emptied(folder)
        if old:
            _remove_empty(root, top, old)


def _emptied(folder: Path) -> Iterator[int]:
    """Remove the files of a folder, the facts last: where a report is, they are."""
    with os.scandir(folder) as entries:
        files = [entry.path for entry in entries if not entry.is_dir(follow_symlinks=False)]
    files.sort(key=lambda path: path.endswith(FACTS_SUFFIX))
    for start in range(0, len(files), _FILES_AT_A_TIME):
        part = files[start : start + _FILES_AT_A_TIME]
        for file in part:
            with suppress(FileNotFoundError):
                os.unlink(file)  # noqa: PTH108  Path.unlink reads each name anew
        yield len(part)


def _remove_empty(root: Path, top: Path, folders: Sequence[Path]) -> None:
    """Remove folders of days, and those above them up to the top, where nothing is left in them.

    Not while a batch is being written, which may need one of them; the next time will do.
    """
    with _alone(root) as alone:
        if not alone:
            return
        years = {folder.parent.parent for folder in folders}
        for folder in [*folders, *{folder.parent for folder in folders}, *years, top]:
            # Someone put something else there: it stays.
            with suppress(OSError):
                folder.rmdir()


@contextmanager
def _alone(root: Path) -> Iterator[bool]:
    """Keep writers out for a moment; tell whether none is at work (see ``durable.writing``)."""
    descriptor = os.open(root, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        yield False
    else:
        yield True
    finally:
        os.close(descriptor)
