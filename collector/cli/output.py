"""Answers for people (tables) and for programs (JSON, CSV)."""

import csv
import json
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date
from enum import Enum
from fractions import Fraction
from typing import Any

import click

from collector.plain import csv_cell, one_line

# A table that is not read on a terminal is never folded.
_WIDE = 10_000

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
    without: Collection[str] = (),
) -> None:
    """Print rows in the format asked for; JSON and CSV have the fields of ``row_type``."""
    names = [field.name for field in fields(row_type) if field.name not in without]
    match output_format:
        case "json":
            print_json(record(row, names) for row in rows)
        case "csv":
            print_csv((record(row, names) for row in rows), names)
        case _:
            print_table(list(rows), columns)


def percent(rate: Fraction | None) -> str:
    """Show a share as a percentage, with as many digits as it takes not to look like none."""
    if rate is None:
        return "-"
    if rate == 0:
        return "0 %"
    digits = 2
    while digits < 6 and round(rate * 100, digits) == 0:  # noqa: PLR2004  six digits are one in a hundred million
        digits += 1
    return f"{float(rate * 100):.{digits}f} %"


def record(row: Any, names: Sequence[str]) -> dict[str, Any]:  # noqa: ANN401  any row
    """Turn a row into JSON's types, under its own names."""
    return {name: _plain(getattr(row, name)) for name in names}


def print_json(records: Iterable[Mapping[str, Any]]) -> None:
    """Print one JSON list, a record a line, as they come."""
    separator = "[\n"
    for entry in records:
        # ASCII alone: an escape in JSON is read back as sent and steers no terminal.
        click.echo(separator + json.dumps(entry), nl=False)
        separator = ",\n"
    click.echo("[]" if separator == "[\n" else "\n]")


def print_csv(records: Iterable[Mapping[str, Any]], names: Sequence[str]) -> None:
    """Print CSV (RFC 4180) with a header line; lists are joined by blanks."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    for entry in records:
        writer.writerow([_cell(entry[name]) for name in names])


def print_table(rows: Sequence[Any], columns: Sequence[Column]) -> None:
    """Print a table; where a column has a total, the last row is TOTAL."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    totals = any(column.total for column in columns)
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_footer=totals)
    for index, column in enumerate(columns):
        foot = column.total(rows) if column.total else "TOTAL" if totals and index == 0 else ""
        number = column.right or column.total is not None
        table.add_column(
            column.heading,
            footer=Text(foot),
            justify="right" if number else "left",
            no_wrap=number,
            overflow="fold",
        )
    for row in rows:
        table.add_row(*(Text(one_line(column.cell(row))) for column in columns))
    width = None if sys.stdout.isatty() else _WIDE
    Console(width=width, highlight=False).print(table)


def _plain(value: Any) -> Any:  # noqa: ANN401  any field
    match value:
        case Enum():
            return value.value
        case date():
            return value.isoformat()
        case Fraction():
            return float(value)
        case tuple():
            return [_plain(entry) for entry in value]
    return value


def _cell(value: Any) -> Any:  # noqa: ANN401  any field
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case list():
            return csv_cell(" ".join(map(str, value)))
        case str():
            return csv_cell(value)
    return value
