"""How much of the disk strangers may fill."""

import os
from pathlib import Path

# Most file systems give a file whole blocks of this size.
BLOCK_BYTES = 4096

# When full, look again after so many refusals: the operator may have made room meanwhile.
RECOUNT_AFTER = 1_000


class Quota:
    """A bound on the bytes below a folder. The folder is counted once, and again when it is full."""

    def __init__(self, folder: Path, *, maximum_bytes: int) -> None:
        """Bound a folder; nothing is counted yet."""
        self._folder = folder
        self._maximum_bytes = maximum_bytes
        self._used_bytes: int | None = None
        self._refusals = 0

    def take(self, *sizes_bytes: int, beyond_bytes: int = 0) -> bool:
        """Take room for files of these sizes if there is any, ``beyond_bytes`` above the bound."""
        if self._used_bytes is None or self._refusals >= RECOUNT_AFTER:
            self._used_bytes = _bytes_below(self._folder)
            self._refusals = 0
        wanted = sum(_blocks(size) for size in sizes_bytes)
        if self._used_bytes + wanted > self._maximum_bytes + beyond_bytes:
            self._refusals += 1
            return False
        self._used_bytes += wanted
        return True

    def count_again(self) -> None:
        """Count the folder anew before more is taken: something was removed from it."""
        self._refusals = RECOUNT_AFTER


def _bytes_below(folder: Path) -> int:
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += _blocks((Path(root) / name).stat().st_size)
            except FileNotFoundError:
                continue
    return total


def _blocks(size_bytes: int) -> int:
    return -(-size_bytes // BLOCK_BYTES) * BLOCK_BYTES
