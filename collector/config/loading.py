"""From a file to settings, or to every problem at once."""

import glob
import stat
from dataclasses import replace
from pathlib import Path

from pydantic import ValidationError

from collector.config import relations
from collector.config.document import Document, Location, Problem, read, unreadable
from collector.config.explain import explained, problem_at
from collector.config.settings import Config
from collector.errors import InvalidConfig


def load(path: Path) -> Config:
    """Load a configuration; raises ``InvalidConfig`` with every problem, in file order.

    Relative paths in the file start at its folder.
    """
    document = read(path)
    if document.readable:
        document = _with_included(document, path.parent)
    config, problems = _settings(document, path)
    if config is None or problems:
        raise InvalidConfig(tuple(str(problem) for problem in _in_file_order(problems, document.files)))
    return config


def _settings(document: Document, path: Path) -> tuple[Config | None, list[Problem]]:
    """Turn values into settings; what is wrong is returned, as pydantic's errors may show a secret."""
    problems = list(document.problems)
    if not document.readable:
        return None, problems
    values = document.values
    if not isinstance(values, dict):
        message = (
            'holds no settings: begin as "tlsrpt-collector config example" does, with lines like key: value'
        )
        spot = document.spots.get(())
        whole = spot.problem(message) if spot else Problem(file=str(path), message=message)
        return None, problems or [whole]
    for location, complaint in relations.complaints(values):
        problems += filter(None, [problem_at(document, location, complaint)])
    try:
        return Config.model_validate(values, context={"folder": path.absolute().parent}), problems
    except ValidationError as error:
        problems += explained(error, document)
    return None, problems


def _in_file_order(problems: list[Problem], files: tuple[str, ...]) -> list[Problem]:
    """Sort by line within each file; the files in the order in which they were read."""
    place = {file: index for index, file in enumerate(files)}
    return sorted(set(problems), key=lambda p: (place[p.file], p.line, p.column, p.path, p.message))


# ── Included files: each a list of domains ───────────────────────────────────


def _with_included(document: Document, folder: Path) -> Document:
    """Append the domains of included files to those of the file itself."""
    values = document.values
    if not isinstance(values, dict) or not isinstance(values.get("domains", ()), tuple):
        return document
    paths: dict[Path, None] = {}
    missing: list[Problem | None] = []
    for location, pattern in _patterns(values.get("include")):
        found = _matches(folder, pattern)
        paths.update(dict.fromkeys(found))
        if not found and not glob.has_magic(pattern):
            message = "there is no such file; relative paths start at the folder of this one"
            missing.append(problem_at(document, location, message))
    complaining = replace(document, problems=(*document.problems, *filter(None, missing)))
    return _merged(complaining, [_included(path) for path in paths])


def _patterns(include: object) -> list[tuple[Location, str]]:
    if isinstance(include, str):
        return [(("include",), include)]
    entries = enumerate(include if isinstance(include, tuple) else ())
    return [(("include", index), entry) for index, entry in entries if isinstance(entry, str)]


def _matches(folder: Path, pattern: str) -> list[Path]:
    """Return what a pattern names, by name."""
    found = sorted(glob.glob(pattern, root_dir=folder))  # noqa: PTH207  Path.glob refuses absolute patterns
    return [folder / name for name in found]


def _included(path: Path) -> Document:
    """Read a file that holds a list of domains."""
    if _may_wait(path):
        problem = Problem(file=str(path), message="is a pipe or a device: include files only")
        return unreadable(problem)
    document = read(path)
    if document.values is None or isinstance(document.values, tuple):
        return document
    message = "a list of domains is wanted, one a line after a hyphen: nothing else can be included"
    return replace(document, values=(), problems=(*document.problems, document.spots[()].problem(message)))


def _may_wait(path: Path) -> bool:
    """Tell whether opening or reading may last for ever."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return False  # told by the one who reads it
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _merged(document: Document, included: list[Document]) -> Document:
    """Put the included domains behind those of the file; their places keep their own file."""
    assert isinstance(document.values, dict)
    domains = list(document.values.get("domains", ()))
    spots = dict(document.spots)
    broken = set(document.broken)
    problems = list(document.problems)
    for other in included:
        first = len(domains)
        spots |= {_moved(place, first): spot for place, spot in other.spots.items() if place}
        broken |= {_moved(place, first) for place in other.broken if place}
        problems += other.problems
        domains += other.values if isinstance(other.values, tuple) else ()
    values = document.values | ({"domains": tuple(domains)} if domains else {})
    return Document(
        files=(*document.files, *(file for other in included for file in other.files)),
        values=values,
        spots=spots,
        problems=tuple(problems),
        broken=frozenset(broken),
        readable=document.readable,
    )


def _moved(place: Location, first: int) -> Location:
    """Tell where a place in an included list comes to stand."""
    index, *rest = place
    # The values of a file that is no list are left out; so no one asks for their places.
    return ("domains", first + index, *rest) if isinstance(index, int) else ("include", *place)
