"""``run`` and ``collect``: the daemon, and one round for cron and timers."""

import click

from collector.cli.session import Session


@click.command()
@click.pass_obj
def run(session: Session) -> None:
    """Run the daemon: sources, schedule, alerts, web.

    Ends cleanly on SIGTERM and SIGINT; SIGUSR1 asks every source at once.
    """
    from collector.daemon import run as run_daemon

    session.start_logging()
    run_daemon(session.config())


@click.command()
@click.option("--source", "source_name", help="Ask this source alone.")
@click.pass_obj
def collect(session: Session, source_name: str | None) -> None:
    """Do one round over every source, then evaluate and send alerts.

    A source that is away does not keep the others from being collected; the exit status tells.
    """
    import structlog

    from collector.app import Unmetered, opened
    from collector.cli import EXIT_UNAVAILABLE, exit_status_of
    from collector.errors import CollectorError

    session.start_logging()
    log = structlog.get_logger()
    config = session.config()
    names = [settings.name for settings in config.sources]
    if source_name is not None and source_name not in names:
        known = ", ".join(names) or "none is configured"
        raise click.UsageError(f"no source is named {source_name} (known: {known})")
    statuses = []
    with opened(config, meter=Unmetered()) as app:
        for source in app.sources:
            if source_name not in {None, source.name}:
                continue
            try:
                done = app.collect(source, keep_going=lambda: True)
            except CollectorError as error:
                log.error("round_failed", source=source.name, reason=str(error))  # noqa: TRY400  handled here
                statuses.append(exit_status_of(error))
            else:
                fates = {fate.replace("-", "_"): count for fate, count in done.fates.items()}
                log.info("round_finished", source=source.name, deliveries=done.deliveries, **fates)
        app.watch()
        if app.notify():
            statuses.append(EXIT_UNAVAILABLE)
    click.get_current_context().exit(max(statuses, default=0))
