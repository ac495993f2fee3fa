"""``explain``: what a result type of RFC 8460 means, and what to do about it."""

from __future__ import annotations

import json
import shutil
import textwrap
from difflib import get_close_matches
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collector.tlsrpt.result_types import ResultType

# Longer lines tire the eye, however wide the terminal is.
_MAX_COLUMNS = 100

# A narrower terminal gets broken lines, not columns of single words.
_MIN_COLUMNS = 40


@click.command()
@click.argument("result_type", metavar="[RESULT-TYPE]", required=False)
@click.option(
    "--format",
    "output_format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="For people, or one JSON document for programs.",
)
def explain(result_type: str | None, output_format: str) -> None:
    """Explain a result type: meaning, likely cause, what to do, commands to check.

    All result types of RFC 8460 §4.3 when none is named. In the commands, put your own
    names in place of MX-HOST and DOMAIN.
    """
    entries = _wanted(result_type)
    if output_format == "json":
        click.echo(json.dumps([_document(entry) for entry in entries], indent=2, ensure_ascii=False))
    else:
        columns = max(_MIN_COLUMNS, min(_MAX_COLUMNS, shutil.get_terminal_size().columns))
        click.echo("\n\n".join(_text(entry, columns) for entry in entries))


def _wanted(result_type: str | None) -> tuple[ResultType, ...]:
    """Return the entries asked for; an unknown name is wrong usage."""
    from collector.alerting.wording import printable
    from collector.tlsrpt.result_types import RESULT_TYPES

    if result_type is None:
        return tuple(RESULT_TYPES.values())
    name = result_type.strip().lower()
    if name in RESULT_TYPES:
        return (RESULT_TYPES[name],)
    near = get_close_matches(name, RESULT_TYPES, n=1)
    hint = f" Did you mean {near[0]}?" if near else ""
    message = f"{printable(result_type)!r} is no result type of RFC 8460.{hint}\n\nIt knows these:\n"
    raise click.UsageError(message + "\n".join(f"  {known}" for known in RESULT_TYPES))


def _text(entry: ResultType, columns: int) -> str:
    paragraphs = (
        ("Meaning", entry.meaning),
        ("Likely cause", entry.cause),
        ("What to do", entry.action),
        ("Seen by one organization only", entry.at_one_organization),
    )
    lines = [f"{click.style(entry.name, bold=True)}  ({entry.section}, {entry.group})"]
    for label, paragraph in paragraphs:
        lines += [f"  {label}", _wrapped(paragraph, columns)]
    lines += ["  To check", *(f"    {command}" for command in _commands(entry))]
    return "\n".join(lines)


def _wrapped(paragraph: str, columns: int) -> str:
    indent = " " * 4
    return textwrap.fill(
        paragraph, columns, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )


def _document(entry: ResultType) -> dict[str, object]:
    return {
        "result_type": entry.name,
        "section": entry.section,
        "group": entry.group.value,
        "meaning": entry.meaning,
        "cause": entry.cause,
        "action": entry.action,
        "at_one_organization": entry.at_one_organization,
        "checks": _commands(entry),
    }


def _commands(entry: ResultType) -> tuple[str, ...]:
    from collector.tlsrpt.result_types import commands

    return commands(entry.name, policy_domain=None, mx_host=None)
