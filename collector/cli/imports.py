"""``import``: report files and mails that lie in files, archived and stored as if mailed."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from collector.cli.session import Session

if TYPE_CHECKING:
    from collector.pipeline import Round

_STANDARD_INPUT = "-"


@click.command("import")
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@click.pass_obj
def import_files(session: Session, paths: tuple[str, ...]) -> None:
    """Import report files, mails (.eml), mbox files, Maildirs and folders of these ("-" is standard input).

    They are archived, stored and judged as if mailed; the files stay as they are. An import
    that was broken off goes on where it was. Works beside a running daemon. Exit status 1
    when something that should be a report could not be read.
    """
    from collector.app import Unmetered, opened
    from collector.cli import EXIT_BAD_ANSWER, EXIT_UNAVAILABLE
    from collector.intake.delivery import Fate
    from collector.sources.files import ImportedFiles

    # On a terminal the bar tells how it goes; a line for each report would tear it apart.
    session.start_logging(quieter=sys.stderr.isatty())
    for path in paths:
        if path != _STANDARD_INPUT and not Path(path).exists():
            raise click.UsageError(f"{click.format_filename(path)}: there is no such file or folder")
    with (
        _on_disk(paths) as files,
        opened(session.config(), meter=Unmetered(), work="import") as app,
        _progress(files) as on_file,
    ):
        source = ImportedFiles(files, name="import", memory=app.store.memory, on_file=on_file)
        done = app.collect(source, keep_going=lambda: True)
        app.watch()
        owed = app.notify()
    click.echo(_in_words(done))
    if done.fates.get(Fate.REJECTED):
        click.get_current_context().exit(EXIT_BAD_ANSWER)
    click.get_current_context().exit(EXIT_UNAVAILABLE if owed else 0)


@contextmanager
def _on_disk(paths: tuple[str, ...]) -> Iterator[list[Path]]:
    """Give every path as one on the disk; standard input is written to a file first, whatever it holds."""
    with tempfile.TemporaryDirectory(prefix="tlsrpt-import-") as folder:
        files = []
        for number, path in enumerate(paths):
            if path != _STANDARD_INPUT:
                files.append(Path(path))
                continue
            file = Path(folder) / f"standard-input-{number}"
            with file.open("wb") as copy:
                for chunk in iter(lambda: sys.stdin.buffer.read(65536), b""):
                    copy.write(chunk)
            files.append(file)
        yield files


@contextmanager
def _progress(paths: list[Path]) -> Iterator[Callable[[Path], None]]:
    """Show a bar on a terminal, and nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from collector.sources.files import files_below

    total = sum(1 for path in paths for _ in files_below(path))
    with click.progressbar(length=total, label="Importing", file=sys.stderr) as bar:
        yield lambda _: bar.update(1)


def _in_words(done: "Round") -> str:
    """Say in a line what the import came to."""
    from collector.intake.delivery import Fate
    from collector.ports import Outcome

    reports = [
        (Outcome.STORED, "stored"),
        (Outcome.DUPLICATE, "known already"),
        (Outcome.CONFLICT, "in conflict with others"),
        (Outcome.FOREIGN, "about other domains"),
    ]
    told = [f"{done.outcomes[outcome]:,} {words}" for outcome, words in reports if done.outcomes.get(outcome)]
    aside = [
        (Fate.REJECTED, "could not be read and are in the quarantine"),
        (Fate.NOT_A_REPORT, "are no reports"),
        (Fate.KEPT, "met an error of this program and were left"),
    ]
    deliveries = [f"{done.fates[fate]:,} {words}" for fate, words in aside if done.fates.get(fate)]
    reports_told = ", ".join(told) or "none"
    return "; ".join([f"{done.deliveries:,} new files or mails; reports: {reports_told}", *deliveries])
