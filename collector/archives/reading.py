"""Finds archived reports again, day by day: a day of reports is all that is held at once."""

import re
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path

from collector.archives.facts import facts_of
from collector.errors import Corrupt
from collector.ports import Facts, KeptReport
from collector.tlsrpt.filename import UNIQUE_DIGITS

REPORT_SUFFIX = ".json.gz"
FACTS_SUFFIX = ".facts.json"

_REPORT_NAME = re.compile(rf".*!([0-9a-f]{{{UNIQUE_DIGITS}}}){re.escape(REPORT_SUFFIX)}")


def report_tops(root: Path) -> list[Path]:
    """Name the folders whose next level is years: one a policy domain, and that of foreign reports."""
    return [*_folders(root / "reports"), root / "foreign"]


def day_folders(top: Path) -> Iterator[tuple[date, Path]]:
    """Yield the folders of days below a top folder, in order; what is named otherwise is not ours."""
    for year in _folders(top, r"[0-9]{4}"):
        for month in _folders(year, r"[0-9]{2}"):
            for folder in _folders(month, r"[0-9]{2}"):
                try:
                    yield date(int(year.name), int(month.name), int(folder.name)), folder
                except ValueError:
                    continue


def kept_days(root: Path) -> Sequence[date]:
    """Return the days that there are folders of."""
    return sorted({day for top in report_tops(root) for day, _ in day_folders(top)})


def kept_on(root: Path, day: date) -> Sequence[KeptReport]:
    """Return the files of one day, but for the facts beside them."""
    return [
        KeptReport(path=str(file), day=day, digits=digits[1] if digits else None)
        for top in report_tops(root)
        for file in _listed(top / f"{day.year:04}/{day.month:02}/{day.day:02}")
        if not file.name.endswith(FACTS_SUFFIX)
        for digits in [_REPORT_NAME.fullmatch(file.name)]
    ]


def read_content(kept: KeptReport) -> bytes:
    """Read a report's file."""
    try:
        return Path(kept.path).read_bytes()
    except OSError as error:
        raise Corrupt(f"cannot be read: {error.strerror}") from error


def read_facts(kept: KeptReport) -> Facts | None:
    """Read the facts beside a report; None when there are none."""
    try:
        told = Path(kept.path.removesuffix(REPORT_SUFFIX) + FACTS_SUFFIX).read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise Corrupt(f"facts: cannot be read: {error.strerror}") from error
    return facts_of(told)


def _folders(above: Path, pattern: str = ".*") -> list[Path]:
    """List the folders within a folder by name, without following links; none where it is not."""
    return [
        path
        for path in _listed(above)
        if re.fullmatch(pattern, path.name, re.DOTALL) and path.is_dir() and not path.is_symlink()
    ]


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
