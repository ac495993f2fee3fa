"""Turns what a file system refuses into ``ArchiveUnavailable``, with what to do."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from collector.errors import ArchiveUnavailable


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Translate errors of the file system below an archive's folder."""
    try:
        yield
    except OSError as error:
        place = error.filename or path
        raise ArchiveUnavailable(
            f"archive {place}: {error.strerror or error}: {_advice(error.errno)}"
        ) from error


def _advice(number: int | None) -> str:
    match number:
        case errno.ENOSPC | errno.EDQUOT:
            return "make room there; the mails wait in the mailbox"
        case errno.EXDEV:
            return "have all of it on one file system"
        case errno.EROFS:
            return "mount it writable"
        case errno.EACCES | errno.EPERM:
            return "let this user read and write there"
    return "look after the disk; the mails wait in the mailbox"
