"""``store``: its schema brought up to date, and a copy of it."""

from pathlib import Path

import click

from collector.cli.session import Session


@click.group()
def store() -> None:
    """Upgrade the store, and back it up."""


@store.command()
@click.pass_obj
def upgrade(session: Session) -> None:
    """Bring the store's schema up to date.

    "run" and "collect" do so by themselves when they open the store. Stop a collector of an
    older version first.
    """
    from collector.stores import upgrade_store

    session.start_logging()
    done = upgrade_store(session.config().store_url())
    if done.before == done.after:
        click.echo(f"The store is up to date (revision {done.after}).")
    elif done.before is None:
        click.echo(f"The store was empty and has its tables now (revision {done.after}).")
    else:
        click.echo(f"The store is upgraded from revision {done.before} to {done.after}.")


@store.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--force", is_flag=True, help="Replace the file if it is there already.")
@click.pass_obj
def backup(session: Session, file: Path, *, force: bool) -> None:
    """Copy the store into FILE while others work on it.

    The copy is as the store was at one moment, and a store itself. It is written beside FILE,
    flushed to disk and renamed. PostgreSQL has its own tool for this: pg_dump.
    """
    from collector.stores import back_up, sqlite_file

    session.start_logging()
    store_url = session.config().store_url()
    store_file = sqlite_file(store_url)
    if store_file is None:
        raise click.UsageError("the store is in PostgreSQL: back it up with pg_dump")
    if file.resolve() == store_file.resolve():
        raise click.UsageError(f"{file} is the store itself: name another file")
    if not file.absolute().parent.is_dir():
        raise click.UsageError(f"{file.absolute().parent} is no folder: name a file in one that is there")
    if file.exists() and not force:
        raise click.UsageError(f"{file} is there already: name another file, or add --force")
    back_up(store_url, file, replace=force)
    click.echo(f"The store is backed up to {file} ({file.stat().st_size:,} bytes).")
