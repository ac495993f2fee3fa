"""Where log events go: standard error, for eyes on a terminal, as JSON otherwise."""

import logging
import sys

import structlog
from structlog.typing import Processor

_LEVELS = {-2: logging.ERROR, -1: logging.WARNING, 0: logging.INFO, 1: logging.DEBUG}


def start_logging(log_format: str | None, verbosity: int) -> None:
    """Configure structlog, and the libraries' own loggers to go the same way from warnings on."""
    level = _LEVELS[max(-2, min(1, verbosity))]
    console = log_format == "console" or (log_format is None and sys.stderr.isatty())
    shared: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(console=console),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for library in ("apscheduler", "imapclient", "urllib3", "alembic", "sqlalchemy", "asyncio"):
        logging.getLogger(library).setLevel(max(level, logging.WARNING))


def _renderers(*, console: bool) -> list[Processor]:
    """Render values so that text from a report cannot steer a terminal or break a line."""
    if console:
        # repr: control characters and bidirectional overrides become visible escapes.
        return [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(),
                repr_native_str=True,
                sort_keys=False,
                # Never with local variables: the frames of imaplib hold the password.
                exception_formatter=structlog.dev.plain_traceback,
            )
        ]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
