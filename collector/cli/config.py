"""``config``: check the configuration, describe it to editors, show an example."""

import os
from pathlib import Path
from typing import Protocol

import click


class _Invocation(Protocol):
    """What the root command knows."""

    config_path: Path


@click.group()
def config() -> None:
    """Check, describe or show the configuration."""


@config.command()
@click.pass_context
def check(context: click.Context) -> None:
    """Tell every problem of the configuration; secret files are not opened."""
    from collector.config import load
    from collector.errors import InvalidConfig

    invocation: _Invocation = context.obj
    try:
        loaded = load(invocation.config_path)
    except InvalidConfig as invalid:
        for problem in invalid.problems:
            click.echo(problem, err=True)
        context.exit(os.EX_CONFIG)
    click.echo(f"{invocation.config_path} is valid")
    click.echo(f"  domains: {_listing([domain.name for domain in loaded.domains])}")
    click.echo(f"  sources: {_listing([source.name for source in loaded.sources])}")
    click.echo(f"  channels: {_listing([channel.name for channel in loaded.channels])}")
    for warning in loaded.warnings():
        click.echo(f"  warning: {warning}")


@config.command()
def schema() -> None:
    """Print the JSON Schema of the configuration, for editors."""
    import json

    from collector.config.schema import schema as described

    click.echo(json.dumps(described(), indent=2))


@config.command()
def example() -> None:
    """Print a configuration that shows every option with its default."""
    from collector.config import example as shipped

    click.echo(shipped(), nl=False)


# More names than this fill the screen and tell nothing.
_NAMES_SHOWN = 5


def _listing(names: list[str]) -> str:
    """Count names and show the first of them."""
    if not names:
        return "none"
    more = ", …" if len(names) > _NAMES_SHOWN else ""
    return f"{len(names)} ({', '.join(names[:_NAMES_SHOWN])}{more})"
