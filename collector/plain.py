"""Makes text from strangers safe to show: on a terminal, in a table, in a CSV cell."""

# What a spreadsheet runs when a cell begins with it; the wide forms count in East Asian editions.
_FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")  # noqa: RUF001  these are meant


def one_line(text: str) -> str:
    """Return text with every character that is not printable written as an escape.

    Control characters, line breaks, bidirectional overrides, lone surrogates: what is
    left has no power over a terminal and cannot turn the reading order round.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def csv_cell(text: str) -> str:
    """Return text that a spreadsheet shows and does not run: a formula gets an apostrophe."""
    line = one_line(text)
    return f"'{line}" if line.lstrip().startswith(_FORMULA_STARTS) else line
