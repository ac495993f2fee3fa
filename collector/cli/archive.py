"""``archive``: is every report there as it came, and the store built anew from what is there."""

from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from collector.cli.output import Column, answer, format_option
from collector.cli.questions import Day
from collector.cli.session import Session
from collector.plain import one_line

if TYPE_CHECKING:
    from collector.config import Config
    from collector.upkeep import Problem, Scope

# Enough of a content hash to tell reports apart, and as much as the archive's names hold.
_DIGITS_SHOWN = 16

_since_option = click.option("--since", type=Day(), help="From this day on: 2026-01-01 or 30d.")


@click.group()
def archive() -> None:
    """Compare the archive with the store, and build the store from it."""


@archive.command()
@_since_option
@format_option
@click.pass_obj
def verify(session: Session, since: date | None, output_format: str) -> None:
    """Find files that are missing, extra or altered.

    Every file is read and compared with its name, its facts and the store. Days beyond
    retention are allowed to have one without the other. Exit status 1 when something is wrong.
    """
    from collector.stores import open_store
    from collector.upkeep import Compared, Problem
    from collector.upkeep import verify as problems_of

    session.start_logging()
    config = session.config()
    compared = Compared()
    with closing(open_store(config.store_url(), read_only=True)) as store:
        problems = problems_of(
            _archive_of(config), store.contents, scope=_scope(config, since), compared=compared
        )
        answer(problems, Problem, _columns(), output_format, empty="Nothing is missing, extra or altered.")
    click.echo(
        f"{compared.files:,} files compared with {compared.reports:,} reports in the store:"
        f" {_counted(compared.problems, 'problem')}",
        err=True,
    )
    click.get_current_context().exit(1 if compared.problems else 0)


@archive.command()
@_since_option
@click.pass_obj
def replay(session: Session, since: date | None) -> None:
    """Add every archived report to the store, as it once came.

    An empty store is built anew; to another only what it lacks is added. Reports beyond retention
    are left out. Exit status 1 when a file could not be read; the others are added all the same.
    """
    from collector.ports import Outcome
    from collector.stores import open_store
    from collector.upkeep import replay as replayed

    session.start_logging()
    config = session.config()
    with closing(open_store(config.store_url())) as store:
        done = replayed(_archive_of(config), store.reports, scope=_scope(config, since), tell=_tell)
    total = sum(done.outcomes.values())
    counts = ", ".join(f"{done.outcomes.get(outcome, 0):,} {outcome.value}" for outcome in Outcome)
    click.echo(f"{_counted(total, 'report')} read: {counts}")
    if done.problems:
        click.echo(f"{_counted(done.problems, 'file')} could not be read", err=True)
    click.get_current_context().exit(1 if done.problems else 0)


def _archive_of(config: "Config") -> Any:  # noqa: ANN401  any kind of archive
    from collector.app import build
    from collector.archives import KINDS

    return build(KINDS, config.archive)


def _scope(config: "Config", since: date | None) -> "Scope":
    from collector.app import utc_now
    from collector.upkeep import Scope

    return Scope.of(config.retention.ages, since=since, now=utc_now())


def _tell(problem: "Problem") -> None:
    click.echo(one_line(f"{problem.problem}: {problem.path}: {problem.detail}"), err=True)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _columns() -> list[Column]:
    return [
        Column("Problem", lambda row: row.problem.value),
        Column("Day", lambda row: row.day.isoformat()),
        Column("Content", lambda row: (row.content_hash or "-")[:_DIGITS_SHOWN]),
        Column("What", lambda row: row.detail),
        Column("Path", lambda row: row.path or "-"),
    ]
