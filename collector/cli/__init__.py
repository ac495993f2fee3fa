"""The command line: one file a command group, imported when it is called."""

import errno
import io
import os
import sys
import traceback
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

import click

from collector import __version__
from collector.cli.session import DEFAULT_CONFIG_PATH, Session
from collector.errors import CollectorError, Misconfigured, Unavailable
from collector.plain import one_line

# The command ran and the answer is bad; a bug of ours ends so too.
EXIT_BAD_ANSWER = 1
# sysexits.h: EX_UNAVAILABLE and EX_CONFIG, which service managers know.
EXIT_UNAVAILABLE = 69
EXIT_MISCONFIGURED = 78
# As a shell tells of SIGINT: 128 and the number of the signal.
EXIT_INTERRUPTED = 130

# Why an answer stays unwritten: full, over quota, broken. What else is written is watched by its writer.
_CANNOT_BE_WRITTEN = {errno.ENOSPC, errno.EDQUOT, errno.EIO}

# Command → module and object. The order is that of a report's way, and of --help.
COMMANDS = {
    "run": "collector.cli.run:run",
    "collect": "collector.cli.run:collect",
    "import": "collector.cli.imports:import_files",
    "show": "collector.cli.show:show",
    "reports": "collector.cli.questions:reports",
    "policies": "collector.cli.questions:policies",
    "failures": "collector.cli.questions:failures",
    "summary": "collector.cli.questions:summary",
    "alerts": "collector.cli.alerts:alerts",
    "explain": "collector.cli.explain:explain",
    "archive": "collector.cli.archive:archive",
    "store": "collector.cli.store:store",
    "config": "collector.cli.config:config",
    "demo": "collector.cli.demo:demo",
}


class Commands(click.Group):
    """A group that imports a command when it is asked for, so that --help is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order of a report's way."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command of a name."""
        del ctx
        module, _, name = COMMANDS.get(cmd_name, "").partition(":")
        if not module:
            return None
        command: click.Command = getattr(import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or name the nearest ones."""
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as unknown:
            # click itself knows only the commands that have been imported.
            raise click.exceptions.NoSuchCommand(
                one_line(unknown.command_name), possibilities=COMMANDS, ctx=ctx
            ) from None

    def invoke(self, ctx: click.Context) -> object:
        """Run the command; a bug of ours is told in one line, and in full with ``-v``."""
        try:
            return super().invoke(ctx)
        except (CollectorError, click.ClickException, click.Abort, click.exceptions.Exit):
            raise
        except BrokenPipeError:
            # Here already, for click would end with 1, and that is a bad answer.
            _hang_up()
            ctx.exit(0)
        except Exception as bug:
            if isinstance(bug, OSError) and bug.errno in _CANNOT_BE_WRITTEN:
                raise
            raise _bug(bug, ctx) from bug


def _bug(error: Exception, ctx: click.Context) -> click.ClickException:
    """Put an exception that is none of ours into one line: nothing that a user did wrong."""
    if ctx.params["verbose"]:
        traceback.print_exception(error)
    told = one_line(f"{type(error).__name__}: {error}")
    return click.ClickException(
        f"this is a bug in tlsrpt-collector: {told}; run again with -v for the traceback, and report it"
    )


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="tlsrpt-collector")
@click.option(
    "--config",
    "config_path",
    type=click.Path(),
    default=DEFAULT_CONFIG_PATH,
    show_default=True,
    help="The configuration file.",
)
@click.option(
    "--log-format",
    type=click.Choice(["console", "json"]),
    help="Default: console on a terminal, JSON otherwise.",
)
@click.option("-v", "--verbose", count=True, help="Log more.")
@click.option("-q", "--quiet", count=True, help="Log warnings only; twice: errors only.")
@click.pass_context
def root(ctx: click.Context, config_path: str, log_format: str | None, verbose: int, quiet: int) -> None:
    """Collect SMTP TLS reports (RFC 8460), and say what to mend.

    Logs and progress go to standard error, answers to standard output. Exit status: 0 fine,
    1 the answer is bad, 2 wrong usage, 69 something needed is unavailable, 78 the configuration is wrong.
    """
    ctx.obj = Session.of(config_path, log_format=log_format, verbosity=verbose - quiet)


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command and turn every error of ours into words and an exit status."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that is not UTF-8 shows an escape; it is no reason to stop in the middle.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = _run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        _hang_up()
        status = 0
    except OSError as error:
        _hang_up()
        click.echo(f"tlsrpt-collector: the answer cannot be written: {error.strerror}", err=True)
        status = EXIT_UNAVAILABLE
    sys.exit(status)


def _run(arguments: Sequence[str] | None) -> int:
    try:
        status = root.main(arguments, prog_name="tlsrpt-collector", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    except CollectorError as error:
        click.echo(f"tlsrpt-collector: {error}", err=True)
        return exit_status_of(error)
    return status if isinstance(status, int) else 0


def _hang_up() -> None:
    """Say no more: whoever read our answer (``head``, a pager) has had enough, and that is fine."""
    # What is still buffered would be written at exit, and fail again.
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


def exit_status_of(error: CollectorError) -> int:
    """Tell the exit status that an error stands for."""
    match error:
        case Misconfigured():
            return EXIT_MISCONFIGURED
        case Unavailable():
            return EXIT_UNAVAILABLE
    return EXIT_BAD_ANSWER
