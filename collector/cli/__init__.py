"""The command line: one file a command group, imported when it is called."""

import sys
from importlib import import_module

import click

from collector import __version__
from collector.cli.session import DEFAULT_CONFIG_PATH, Session
from collector.errors import CollectorError, Malformed, Misconfigured, Unavailable

# sysexits.h: EX_UNAVAILABLE and EX_CONFIG, the two that service managers know.
EXIT_BAD_ANSWER = 1
EXIT_USAGE = 2
EXIT_UNAVAILABLE = 69
EXIT_MISCONFIGURED = 78
EXIT_INTERRUPTED = 130

# Command → module and object. The order is that of a report's way, and of --help.
COMMANDS = {
    "run": "collector.cli.run:run",
    "collect": "collector.cli.run:collect",
    "show": "collector.cli.show:show",
    "reports": "collector.cli.questions:reports",
    "policies": "collector.cli.questions:policies",
    "failures": "collector.cli.questions:failures",
    "summary": "collector.cli.questions:summary",
    "alerts": "collector.cli.alerts:alerts",
    "explain": "collector.cli.explain:explain",
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
        """Find the command, or name the nearest one."""
        return super().resolve_command(ctx, args)


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


def main() -> None:
    """Run the command and turn every error of ours into words and an exit status."""
    sys.exit(_run())


def _run() -> int:
    try:
        status = root.main(prog_name="tlsrpt-collector", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # Whoever read our answer has had enough. Nothing more can be said to them.
        sys.stderr.close()
        return 0
    except CollectorError as error:
        click.echo(f"tlsrpt-collector: {error}", err=True)
        return exit_status_of(error)
    return status if isinstance(status, int) else 0


def exit_status_of(error: CollectorError) -> int:
    """Tell the exit status that an error stands for."""
    match error:
        case Misconfigured():
            return EXIT_MISCONFIGURED
        case Unavailable():
            return EXIT_UNAVAILABLE
        case Malformed():
            return EXIT_BAD_ANSWER
    return EXIT_BAD_ANSWER
