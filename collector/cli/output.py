"""Answers for people (tables, paragraphs) and for programs (JSON, CSV)."""

import csv
import json
import shutil
import sys
import textwrap
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from enum import Enum
from fractions import Fraction
from typing import Any

import click

from collector.plain import csv_cell, one_line

# A table that is not read on a terminal is never folded: no row of ours is longer.
_WIDE_COLUMNS = 10_000

# Longer lines tire the eye, however wide the terminal is; a narrower one gets broken lines.
_MAX_TEXT_COLUMNS = 100
_MIN_TEXT_COLUMNS = 40

# A rule under the heading and above the total; ASCII, so that every terminal and pipe takes it.
_BLANK, _RULE = "    \n", " -- \n"
_RULES = _BLANK * 2 + _RULE + _BLANK * 2 + _RULE + _BLANK * 2

# Between the entries of a list in a CSV cell; names of organizations hold blanks and commas.
_LIST_SEPARATOR = "; "

format_option = click.option(
    "--format",
    "output_format",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="A table for people, JSON or CSV for programs.",
)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: its heading, how a row is shown in it, and its cell in the TOTAL row."""

    heading: str
    cell: Callable[[Any], str]
    right: bool = False
    total: Callable[[Sequence[Any]], str] | None = None


def answer(
    rows: Iterable[Any],
    row_type: type,
    columns: Sequence[Column],
    output_format: str,
    *,
    empty: str,
    without: Collection[str] = (),
) -> None:
    """Print rows in the format asked for; JSON and CSV have the fields of ``row_type``.

    ``empty`` is said to people where there are no rows.
    """
    names = [field.name for field in fields(row_type) if field.name not in without]
    print_answer(rows, lambda row: _record(row, names), names, columns, output_format, empty=empty)


def print_answer(
    rows: Iterable[Any],
    record: Callable[[Any], Mapping[str, Any]],
    names: Sequence[str],
    columns: Sequence[Column],
    output_format: str,
    *,
    empty: str,
) -> None:
    """Print rows as a table of ``columns``, or as JSON or CSV of their records with these ``names``."""
    match output_format:
        case "json":
            _print_json(map(record, rows))
        case "csv":
            _print_csv(map(record, rows), names)
        case _ if shown := list(rows):
            _print_table(shown, columns)
        case _:
            click.echo(empty)


# ── Values ────────────────────────────────────────────────────────────────────


def rate_cell(rate: Fraction | None) -> str:
    """Write a failure rate as mails and the page do; 0/0 has none."""
    from collector.alerting.percent import plain_rate_text

    return "-" if rate is None else plain_rate_text(rate)


def time_text(time: datetime) -> str:
    """Write a time in UTC to the second (RFC 3339)."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def wrapped(paragraph: str, *, indent: int, hanging: int = 0) -> str:
    """Break a paragraph into lines that fit the terminal; all but the first hang further in."""
    columns = min(_MAX_TEXT_COLUMNS, shutil.get_terminal_size().columns)
    return textwrap.fill(
        one_line(paragraph),
        max(_MIN_TEXT_COLUMNS, columns),
        initial_indent=" " * indent,
        subsequent_indent=" " * (indent + hanging),
        break_on_hyphens=False,
        break_long_words=False,
    )


# ── For programs ──────────────────────────────────────────────────────────────


def _record(row: Any, names: Sequence[str]) -> dict[str, Any]:  # noqa: ANN401  any row
    """Turn a row into JSON's types, under its own names."""
    return {name: _json_value(getattr(row, name)) for name in names}


def _json_value(value: Any) -> Any:  # noqa: ANN401  any field
    match value:
        case Enum():
            return value.value
        case date():
            return value.isoformat()
        case Fraction():
            return float(value)
        case tuple():
            return [_json_value(entry) for entry in value]
    return value


def _print_json(records: Iterable[Mapping[str, Any]]) -> None:
    """Print one JSON list, a record a line, as they come."""
    separator = "[\n"
    for record in records:
        # ASCII alone: an escape in JSON is read back as sent and steers no terminal.
        click.echo(separator + json.dumps(record), nl=False)
        separator = ",\n"
    click.echo("[]" if separator == "[\n" else "\n]")


def _print_csv(records: Iterable[Mapping[str, Any]], names: Sequence[str]) -> None:
    """Print CSV with a header line and the line ends of RFC 4180 §2."""
    writer = csv.writer(sys.stdout, lineterminator="\r\n")
    writer.writerow(names)
    for record in records:
        writer.writerow([_csv_value(record[name]) for name in names])


def _csv_value(value: Any) -> Any:  # noqa: ANN401  any field
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case list():
            return csv_cell(_LIST_SEPARATOR.join(map(str, value)))
        case str():
            return csv_cell(value)
    return value


# ── For people ────────────────────────────────────────────────────────────────


def _print_table(rows: Sequence[Any], columns: Sequence[Column]) -> None:
    """Print a table; where a column has a total, the last row is TOTAL."""
    from rich.box import Box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    totals = any(column.total for column in columns)
    table = Table(box=Box(_RULES, ascii=True), show_edge=False, pad_edge=False, show_footer=totals)
    for index, column in enumerate(columns):
        foot = column.total(rows) if column.total else "TOTAL" if totals and index == 0 else ""
        number = column.right or column.total is not None
        table.add_column(
            column.heading,
            Text(foot),
            justify="right" if number else "left",
            no_wrap=number,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(Text(one_line(column.cell(row))) for column in columns))
    on_terminal = sys.stdout.isatty()
    console = Console(width=None if on_terminal else _WIDE_COLUMNS, highlight=False)
    with console.capture() as capture:
        console.print(table)
    # rich fills every line up with blanks; one who copies or greps a line does not want them.
    click.echo("\n".join(line.rstrip() for line in capture.get().splitlines()))
