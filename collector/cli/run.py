"""``run`` and ``collect``: the daemon, and one round for cron and timers."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from collector.cli.session import Session

if TYPE_CHECKING:
    from collector.app import App
    from collector.config import Config


@click.command()
@click.pass_obj
def run(session: Session) -> None:
    """Run the daemon: sources, schedule, alerts, web.

    Ends cleanly on SIGTERM and SIGINT. SIGHUP reads the configuration again; a wrong one is
    refused and the old one stays. SIGUSR1 asks every source at once.
    """
    from collector.daemon import run as run_daemon

    session.start_logging()
    run_daemon(session.config)


@click.command()
@click.option("--source", "source_name", help="Ask this source alone.")
@click.pass_obj
def collect(session: Session, source_name: str | None) -> None:
    """Do one round over every source, evaluate and send alerts, and remove what retention lets go.

    A source that is away does not keep the others from being collected; the exit status tells.
    """
    from collector.app import Unmetered, opened
    from collector.cli import EXIT_UNAVAILABLE

    session.start_logging()
    config = session.config()
    names = _source_names(config, source_name)
    with opened(config, meter=Unmetered()) as app:
        statuses = list(_collect(app, names))
        app.watch()
        if app.notify():
            statuses.append(EXIT_UNAVAILABLE)
        app.tidy(keep_going=lambda: True)
    click.get_current_context().exit(max(statuses, default=0))


def _source_names(config: "Config", source_name: str | None) -> list[str]:
    """Return the sources to ask: all of them, or the one that was named."""
    names = [settings.name for settings in config.sources]
    if source_name is None:
        return names
    if source_name not in names:
        known = ", ".join(names) or "none is configured"
        raise click.UsageError(f"no source is named {source_name} (known: {known})")
    return [source_name]


def _collect(app: "App", names: list[str]) -> Iterator[int]:
    """Do a round over each source that is named; yield the exit status of each that failed."""
    import structlog

    from collector.cli import exit_status_of
    from collector.errors import CollectorError

    log = structlog.get_logger()
    for source in app.sources:
        if source.name not in names:
            continue
        try:
            done = app.collect(source, keep_going=lambda: True)
        except CollectorError as error:
            log.error("round_failed", source=source.name, reason=str(error))  # noqa: TRY400  handled here
            yield exit_status_of(error)
        else:
            log.info("round_finished", source=source.name, **done.counts)
