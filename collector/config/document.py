"""A YAML file as plain values, each with the place where it stands.

The only module that knows yaml. It reads the stream of parsing events, not the finished
values: so it is bounded, keeps every position, and decides itself what a bare word means.
Anchors, aliases and tags are refused: a configuration needs none, and what begins with
``&``, ``*`` or ``!`` is mostly a password that misses its quotes.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import yaml

# Twenty thousand domains with thresholds of their own; more go into several files by ``include``.
MAX_CONFIG_BYTES = 1_000_000

# The deepest option stands four levels down.
MAX_DEPTH = 16

# libyaml reads about ten times as fast as the Python loader; both give the same events.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_RESOLVER = yaml.resolver.Resolver()
_PLAIN_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_PLAIN_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,11})\.[0-9]{1,12}")

# YAML 1.2 §5.1 allows these in a file; whatever else is not printable has no business in it.
_UNREADABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")

_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,63}")

Location = tuple[str | int, ...]
"""The keys and indexes that lead to a value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is wrong and where; ``line`` 0 is the file as a whole."""

    file: str
    line: int = 0
    column: int = 0
    path: str = ""
    message: str

    def __str__(self) -> str:
        """Write it as editors and people read it: ``file:line:column: path: message``."""
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return ": ".join(part for part in (place, self.path, self.message) if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Where a value stands: its key and itself, lines and columns from 1, and its text if it is a scalar."""

    file: str
    path: str
    key: tuple[int, int]
    value: tuple[int, int]
    written: str | None

    def problem(self, message: str, *, at_key: bool = False) -> Problem:
        """Tell of a problem with this value, or with its key."""
        line, column = self.key if at_key else self.value
        return Problem(file=self.file, line=line, column=column, path=self.path, message=message)


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The values of a file: mappings are dicts, sequences tuples, None where nothing is written.

    ``files`` are those it was read from, in order. ``broken`` are the places already
    complained of. ``readable`` is False when the values are not worth a look: the file
    is away, or no YAML.
    """

    files: tuple[str, ...]
    values: object
    spots: dict[Location, Spot]
    problems: tuple[Problem, ...]
    broken: frozenset[Location]
    readable: bool


def read(path: Path) -> Document:
    """Read a file; what is wrong with it is in ``problems``."""
    file = str(path)
    text = _text(path, file)
    if isinstance(text, Problem):
        return unreadable(text)
    return parse(text, file)


def parse(text: str, file: str, *, loader: type = _LOADER) -> Document:
    """Parse YAML; ``file`` is the name that problems give."""
    reader = _Reader(text, file, loader)
    readable = reader.read()
    return Document(
        files=(file,),
        values=reader.values,
        spots=reader.spots,
        problems=tuple(reader.problems),
        broken=frozenset(reader.broken),
        readable=readable,
    )


def unreadable(problem: Problem) -> Document:
    """Return what is left of a file that cannot be read: the problem."""
    return Document(
        files=(problem.file,), values=None, spots={}, problems=(problem,), broken=frozenset(), readable=False
    )


def dotted(path: str, part: str | int) -> str:
    """Append a key or an index to a path; a key that does not look like one may be a secret gone astray."""
    shown = str(part) if isinstance(part, int) or _KEY.fullmatch(part) else "?"
    return f"{path}.{shown}" if path else shown


def _text(path: Path, file: str) -> str | Problem:
    """Read a file within bounds as UTF-8, or tell why it cannot be had."""
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_CONFIG_BYTES + 1)
    except FileNotFoundError:
        return Problem(
            file=file,
            message='there is no such file: write one that begins as "tlsrpt-collector config example" does,'
            " or name another with --config",
        )
    except OSError as error:
        return Problem(
            file=file, message=f"cannot be read ({error.strerror}): let the user of the collector read it"
        )
    except ValueError:
        return Problem(file=repr(file), message="no file can have this name")
    if len(content) > MAX_CONFIG_BYTES:
        return Problem(file=file, message=f"is larger than {MAX_CONFIG_BYTES} bytes: divide it by include")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        return Problem(file=file, line=line, column=column, message="is not UTF-8: save it as UTF-8")


class _Unreadable(Exception):
    """The rest of the file cannot be read; carries the problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(str(problem))
        self.problem = problem


class _Reader:
    """Builds plain values from the parsing events of one file."""

    def __init__(self, text: str, file: str, loader: type) -> None:
        self._text = text
        self._file = file
        self._loader = loader
        self._events: Iterator[yaml.Event] = iter(())
        self.values: object = None
        self.spots: dict[Location, Spot] = {}
        self.problems: list[Problem] = []
        self.broken: set[Location] = set()

    def read(self) -> bool:
        """Read the file to its end; return whether it has one."""
        try:
            self._refuse_unreadable_characters()
            self._events = _events(self._text, self._file, self._loader)
            self._read_document()
        except _Unreadable as unreadable:
            self.problems.append(unreadable.problem)
            return False
        return True

    def _refuse_unreadable_characters(self) -> None:
        if found := _UNREADABLE.search(self._text):
            line = self._text.count("\n", 0, found.start()) + 1
            column = found.start() - self._text.rfind("\n", 0, found.start())
            message = f"the character U+{ord(found.group()):04X} is not allowed in YAML: remove it"
            raise _Unreadable(Problem(file=self._file, line=line, column=column, message=message))

    def _read_document(self) -> None:
        next(self._events)  # the stream starts
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return
        root = next(self._events)
        self.values = self._node(root, (), "", _position(root))
        next(self._events)  # the document ends
        event = next(self._events)
        if not isinstance(event, yaml.StreamEndEvent):
            line, column = _position(event)
            message = "a second document begins here: write everything into one"
            self.problems.append(Problem(file=self._file, line=line, column=column, message=message))

    def _node(self, event: yaml.Event, location: Location, path: str, key: tuple[int, int]) -> object:
        """Build the value that begins with an event."""
        written = event.value if isinstance(event, yaml.ScalarEvent) else None
        spot = Spot(file=self._file, path=path, key=key, value=_position(event), written=written)
        self.spots[location] = spot
        if len(location) > MAX_DEPTH:
            raise _Unreadable(spot.problem(f"is nested deeper than {MAX_DEPTH} levels"))
        if complaint := _mark_complaint(event):
            self._skip(event)
            self._break(location, complaint)
            return None
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(location, path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(location, path)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, location)
        raise TypeError(event)

    def _break(self, location: Location, complaint: str) -> None:
        """Note a problem with a value, which is then worth nothing."""
        self.problems.append(self.spots[location].problem(complaint))
        self.broken.add(location)

    def _mapping(self, location: Location, path: str) -> dict[str, object]:
        values: dict[str, object] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            complaint = _key_complaint(event)
            if isinstance(event, yaml.ScalarEvent) and complaint is None:
                child = dotted(path, event.value)
                if event.value not in values:
                    values[event.value] = self._node(
                        next(self._events), (*location, event.value), child, _position(event)
                    )
                    continue
                first_line = self.spots[(*location, event.value)].key[0]
                complaint = f"stands here a second time, first in line {first_line}: keep one of them"
            else:
                child = dotted(path, "?")
            line, column = _position(event)
            problem = Problem(
                file=self._file, line=line, column=column, path=child, message=complaint or "is no key"
            )
            self.problems.append(problem)
            self._skip(event)
            self._skip(next(self._events))
        return values

    def _sequence(self, location: Location, path: str) -> tuple[object, ...]:
        values: list[object] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            index = len(values)
            values.append(self._node(event, (*location, index), dotted(path, index), _position(event)))
        return tuple(values)

    def _scalar(self, event: yaml.ScalarEvent, location: Location) -> object:
        if _CONTROL.search(event.value):
            self._break(location, "holds a line break or a control character: write it on one line")
            return None
        if not event.implicit[0]:  # in quotes
            return event.value
        try:
            return _plain(event.value)
        except _Unclear as unclear:
            self._break(location, str(unclear))
        return None

    def _skip(self, event: yaml.Event) -> None:
        """Pass over the value that begins with an event."""
        depth = 0
        while True:
            depth += isinstance(event, yaml.CollectionStartEvent)
            depth -= isinstance(event, yaml.CollectionEndEvent)
            if depth == 0:
                return
            if depth > MAX_DEPTH:
                line, column = _position(event)
                message = f"is nested deeper than {MAX_DEPTH} levels"
                raise _Unreadable(Problem(file=self._file, line=line, column=column, message=message))
            event = next(self._events)


def _events(text: str, file: str, loader: type) -> Iterator[yaml.Event]:
    """Parse lazily; the errors of yaml lose their excerpt of the file, which may show a secret."""
    problem = None
    try:
        yield from yaml.parse(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        problem = _syntax_problem(error, text, file)
    except (yaml.YAMLError, ValueError, OverflowError):
        # The Python loader lets escapes beyond Unicode, like "\UFFFFFFFF", through as ValueError.
        problem = Problem(file=file, message="is not YAML: a character cannot be read")
    if problem is not None:
        raise _Unreadable(problem)


def _syntax_problem(error: yaml.MarkedYAMLError, text: str, file: str) -> Problem:
    """Tell where YAML ends and why; what was found there is left out, it may be part of a secret."""
    reason = re.sub(r"(found[a-z ]*) '.*'", r"\1 …", error.problem or "it cannot be parsed", flags=re.DOTALL)
    mark = error.problem_mark or error.context_mark
    if mark is None:
        return Problem(file=file, message=f"is not YAML: {reason}")
    lines = text.splitlines()
    before = lines[mark.line][: mark.column + 1] if mark.line < len(lines) else ""
    advice = "indent with blanks, not tabs" if "\t" in before else "check indentation, colons and quotes"
    message = f"is not YAML: {reason}; {advice}"
    return Problem(file=file, line=mark.line + 1, column=mark.column + 1, message=message)


def _position(event: yaml.Event) -> tuple[int, int]:
    assert event.start_mark is not None
    return event.start_mark.line + 1, event.start_mark.column + 1


def _mark_complaint(event: yaml.Event) -> str | None:
    """Tell what a value may not begin with."""
    if isinstance(event, yaml.AliasEvent):
        return "begins with * (an alias), which is not taken here: put a text that begins so in quotes"
    if getattr(event, "anchor", None) is not None:
        return "begins with & (an anchor), which is not taken here: put a text that begins so in quotes"
    if getattr(event, "tag", None) is not None:
        return "begins with ! (a tag), which is not taken here: put a text that begins so in quotes"
    return None


def _key_complaint(event: yaml.Event) -> str | None:
    """Tell why a key is none."""
    if not isinstance(event, yaml.ScalarEvent):
        return "a key must be a word: text that holds { } [ ] or * belongs in quotes"
    if complaint := _mark_complaint(event):
        return complaint
    return "holds a line break or a control character" if _CONTROL.search(event.value) else None


class _Unclear(ValueError):
    """A bare word that YAML reads as something else than it looks like."""


def _plain(text: str) -> object:
    """Read a bare word as YAML 1.1 does, where it is plain to people too."""
    tag: str = _RESOLVER.resolve(yaml.ScalarNode, text, (True, False))  # type: ignore[no-untyped-call]
    kind = tag.rpartition(":")[2]
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() in {"true", "yes", "on"}
    if kind == "int" and _PLAIN_INTEGER.fullmatch(text):
        return int(text)
    if kind == "float" and _PLAIN_DECIMAL.fullmatch(text):
        return Decimal(text)
    if kind in {"int", "float"} and ":" in text:
        raise _Unclear(
            "digits with colons are a number of base 60 to YAML (22:30 is 1350):"
            " write a duration like 30m, any other text in quotes"
        )
    if kind in {"int", "float"}:
        raise _Unclear("YAML has its own way to read this number: write it plainly, a text in quotes")
    if kind == "timestamp":
        raise _Unclear("YAML reads this as a date: write a text in quotes")
    return text
