"""Where log events go: standard error, for eyes on a terminal, as JSON otherwise."""

import logging
import os
import sys
import traceback
from typing import TextIO

import structlog
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

from collector.plain import one_line

_LEVELS = {-2: logging.ERROR, -1: logging.WARNING, 0: logging.INFO, 1: logging.DEBUG}

# These tell of their own doings at length, some with what they were sent; their warnings are enough.
_TALKATIVE_LIBRARIES = ("apscheduler", "imapclient", "urllib3", "alembic", "sqlalchemy", "asyncio")

# What a reader of a JSON line looks for first.
_LEADING_MEMBERS = ("timestamp", "level", "event")


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
    )
    renderers = _for_eyes() if console else _for_programs()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for library in _TALKATIVE_LIBRARIES:
        logging.getLogger(library).setLevel(max(level, logging.WARNING))


# ── For programs ──────────────────────────────────────────────────────────────


def _for_programs() -> list[Processor]:
    """Render an event as one line of JSON, in ASCII: text from a report is read back as it was."""
    return [structlog.processors.format_exc_info, _leading_members_first, structlog.processors.JSONRenderer()]


def _leading_members_first(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    del logger, name
    return {member: event.pop(member) for member in _LEADING_MEMBERS} | dict(event)


# ── For eyes ──────────────────────────────────────────────────────────────────


def _for_eyes() -> list[Processor]:
    """Render an event so that text from a report cannot steer the terminal or begin a line."""
    return [
        _printable_event,
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty() and "NO_COLOR" not in os.environ,
            # repr: control characters and bidirectional overrides become visible escapes.
            repr_native_str=True,
            sort_keys=False,
            exception_formatter=_print_traceback,
        ),
    ]


def _printable_event(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Escape what a library logs; its message is not rendered by repr."""
    del logger, name
    event["event"] = one_line(str(event["event"]))
    return event


def _print_traceback(stream: TextIO, exc_info: ExcInfo) -> None:
    """Print a traceback; never with local variables, for the frames of imaplib hold the password."""
    for block in traceback.format_exception(*exc_info):
        # Indented, so that no line of it can pass for an event.
        stream.writelines(f"\n  {one_line(line)}" for line in block.splitlines())
