"""Measures everything and prints Markdown tables.

    make bench                        collect 1,000 and 10,000 mails, import, parse, steps
    make bench ARGS=--postgresql      a PostgreSQL store beside SQLite
    make bench-large                  100,000 mails as well: some minutes, and some GB of disk

Folders are made where TMPDIR says. Machines differ and so do disks: compare ratios of one run.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import product

from bench import command, parse, steps
from bench.collect import collect
from bench.imports import import_mails
from tests.servers import Dovecot
from tests.stores.servers import Postgresql

SIZES = (1_000, 10_000)
LARGE = 100_000
USUAL = 10_000

_NewStore = Callable[[], str | None]


def main() -> None:
    """Measure what the arguments ask for."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--large", action="store_true", help="100,000 mails as well")
    parser.add_argument("--postgresql", action="store_true", help="a PostgreSQL store as well")
    parser.add_argument("--mails", type=int, help="this many mails alone, to try things out")
    chosen = parser.parse_args()
    sizes = [chosen.mails] if chosen.mails else [*SIZES, *([LARGE] if chosen.large else [])]
    print(f"CPython {sys.version.split()[0]}; archive and store on {_file_system(tempfile.gettempdir())}\n")
    _print("Reading one mail", parse.HEADINGS, parse.rows())
    with _dovecot() as dovecot, _stores(postgresql=chosen.postgresql) as stores:
        print(f"Mailboxes on {_file_system(str(dovecot.home))}\n")
        _print("Steps of a collect", steps.HEADINGS, steps.rows(dovecot, min(USUAL, sizes[-1])))
        runs = list(product(stores.items(), sizes))
        rows = [collect(dovecot, size, store=new()).row(name) for (name, new), size in runs]
        _print("collect, the whole process", command.HEADINGS, rows)
        if not _has_import():
            print('There is no command "import" yet.')
            return
        rows = [import_mails(dovecot, size, store=new()).row(name) for (name, new), size in runs]
        _print("import of a folder, the whole process", command.HEADINGS, rows)


@contextmanager
def _dovecot() -> Iterator[Dovecot]:
    dovecot = Dovecot()
    try:
        dovecot.start()
        yield dovecot
    finally:
        dovecot.remove()


@contextmanager
def _stores(*, postgresql: bool) -> Iterator[dict[str, _NewStore]]:
    """Give the kinds of store, each with what makes a new one; None is the one of the configuration."""
    if not postgresql:
        yield {"SQLite": lambda: None}
        return
    server = Postgresql()
    try:
        server.start()
        # The cluster of the tests syncs nothing: its rows tell of CPU time and round trips alone.
        yield {"SQLite": lambda: None, "PostgreSQL, fsync off": server.new_database}
    finally:
        server.remove()


def _has_import() -> bool:
    asked = [sys.executable, "-m", "collector", "import", "--help"]
    return subprocess.run(asked, check=False, capture_output=True).returncode == 0  # noqa: S603  our own command


def _file_system(folder: str) -> str:
    asked = ["/bin/df", "--output=fstype", folder]
    return subprocess.run(asked, check=True, capture_output=True, text=True).stdout.split()[-1]  # noqa: S603  as above


def _print(title: str, headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table as soon as it is there."""
    print(f"### {title}\n")
    for row in (headings, ["---", *["---:"] * (len(headings) - 1)], *rows):
        print(f"| {' | '.join(row)} |")
    print(flush=True)


if __name__ == "__main__":
    main()
