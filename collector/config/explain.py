"""What a field refuses, in the words of the one who wrote the file."""

import difflib
import types
from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from collector.config.channels import EmailSettings, WebhookSettings
from collector.config.document import Document, Location, Problem, dotted
from collector.config.settings import (
    Config,
    DomainSettings,
    DomainThresholds,
    IngestSettings,
    RetentionSettings,
    ThresholdSettings,
    WebSettings,
)
from collector.config.sources import DirectorySettings, FilesystemSettings, ImapSettings

# Values below these keys are never shown: they are secrets, or may hold one.
_SECRET_KEYS = ("password", "secret", "store", "url")

# Longer values tell no more.
_SHOWN_CHARACTERS = 60

# Two words with fewer letters in common are two words.
_NEAR = 0.6

# What to add where a kind is missing.
_KINDS = {"sources": "kind: imap or kind: directory", "channels": "kind: email or kind: webhook"}

# Which keys are known where; indexes left out.
_SETTINGS: dict[Location, type[BaseModel]] = {
    (): Config,
    ("domains",): DomainSettings,
    ("domains", "thresholds"): DomainThresholds,
    ("sources", "imap"): ImapSettings,
    ("sources", "directory"): DirectorySettings,
    ("archive",): FilesystemSettings,
    ("thresholds",): ThresholdSettings,
    ("channels", "email"): EmailSettings,
    ("channels", "webhook"): WebhookSettings,
    ("retention",): RetentionSettings,
    ("ingest",): IngestSettings,
    ("web",): WebSettings,
}


def explained(error: ValidationError, document: Document) -> list[Problem]:
    """Turn every refusal into a problem with its place."""
    found = (_explained(refusal, document) for refusal in error.errors(include_url=False))
    return [problem for problem in found if problem is not None]


def problem_at(
    document: Document, location: Location, message: str, *, at_key: bool = False
) -> Problem | None:
    """Place a problem; None below what is broken already. What is missing is told of its mapping."""
    if any(location[:depth] in document.broken for depth in range(len(location) + 1)):
        return None
    there = _nearest(document, location)
    problem = document.spots[there].problem(message, at_key=at_key)
    path = problem.path
    if document.spots[there].written is None:
        for part in location[len(there) :]:
            path = dotted(path, part)
    return Problem(
        file=problem.file, line=problem.line, column=problem.column, path=path, message=problem.message
    )


def _nearest(document: Document, location: Location) -> Location:
    """Return the location itself, or what it would stand in."""
    while location not in document.spots:
        location = location[:-1]
    return location


def _explained(refusal: ErrorDetails, document: Document) -> Problem | None:
    kind = refusal["type"]
    location = _without_tag(refusal["loc"])
    if kind == "default_factory_not_called":
        return None  # it follows from another problem
    if kind == "extra_forbidden":
        return problem_at(document, location, _unknown_key(refusal["loc"]), at_key=True)
    if kind in {"union_tag_invalid", "union_tag_not_found"}:
        location = (*location, "kind")
        if kind == "union_tag_not_found":
            return problem_at(document, location, f"is missing: add {_KINDS[str(location[0])]}")
    if kind in {"model_type", "model_attributes_type"}:
        # Not shown: "password:hunter2" without a blank is a word, and no mapping.
        return problem_at(document, location, _message(refusal))
    return problem_at(document, location, _message(refusal) + _shown(document, location))


def _without_tag(location: Location) -> Location:
    """Leave out the kind of a source or channel, which pydantic puts between an index and a key."""
    if location[:1] in {("sources",), ("channels",)} and len(location) > len(("channels", 0)):
        return (*location[:2], *location[3:])
    return location


def _unknown_key(location: Location) -> str:
    *above, key = location
    settings = _SETTINGS[tuple(part for part in above if isinstance(part, str))]
    known = [field.alias or name for name, field in settings.model_fields.items()]
    near = difflib.get_close_matches(str(key).lower(), known, n=1, cutoff=_NEAR)
    if near:
        return f"there is no such key; did you mean {near[0]}?"
    return f"there is no such key; there are: {', '.join(known)}"


def _shown(document: Document, location: Location) -> str:
    """Show the text of a value, unless it may be a secret."""
    spot = document.spots[_nearest(document, location)]
    secret = any(isinstance(part, str) and part.startswith(_SECRET_KEYS) for part in location)
    text = spot.written
    if not text or secret:
        return ""
    return f" (found {text[:_SHOWN_CHARACTERS]!r}{'…' if len(text) > _SHOWN_CHARACTERS else ''})"


def _message(refusal: ErrorDetails) -> str:
    context = refusal.get("ctx", {})
    if words := _WORDS.get(refusal["type"]):
        return words(context, refusal["input"])
    return refusal["msg"]


def _wanted_text(_: Mapping[str, Any], found: object) -> str:
    if isinstance(found, bool):
        return "a text is wanted, and YAML reads this word as true or false: write it in quotes"
    if found is None:
        return "a text is wanted, and nothing is written here"
    if isinstance(found, dict | tuple):
        return "a text is wanted; one that begins with { or [ belongs in quotes"
    return "a text is wanted, and YAML reads this as a number: write it in quotes"


def _wanted_mapping(_: Mapping[str, Any], _found: object) -> str:
    return "a mapping is wanted, with lines like key: value"


def _wanted_kind(context: Mapping[str, Any], _: object) -> str:
    return f"must be {context['expected_tags'].replace(', ', ' or ')}"


_WORDS: Mapping[str, Callable[[Mapping[str, Any], object], str]] = types.MappingProxyType(
    {
        "missing": lambda _context, _found: "is missing: add it",
        "string_type": _wanted_text,
        "int_type": lambda _context, _found: "a whole number is wanted, without quotes",
        "bool_type": lambda _context, _found: "true or false is wanted, without quotes",
        "tuple_type": lambda _context, _found: (
            "a list is wanted, [a, b] or one entry a line after a hyphen; [] is the empty one"
        ),
        "too_short": lambda _context, _found: "the list is empty: name at least one",
        "model_type": _wanted_mapping,
        "model_attributes_type": _wanted_mapping,
        "literal_error": lambda context, _found: f"must be {context['expected']}",
        "union_tag_invalid": _wanted_kind,
        "greater_than_equal": lambda context, _found: f"must be at least {context['ge']}",
        "less_than_equal": lambda context, _found: f"must be at most {context['le']}",
        "value_error": lambda context, _found: str(context["error"]),
    }
)
