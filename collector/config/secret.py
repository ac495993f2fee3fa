"""Secrets: never shown, and read from where they are kept only when they are needed."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from pydantic import PlainSerializer, PlainValidator, ValidationInfo, WithJsonSchema

from collector.config.fields import Refused, absolute_path, text_of
from collector.errors import InvalidConfig

# Long enough for any password or token; a larger file is certainly another one.
MAX_SECRET_BYTES = 64 * 1024

# IEEE Std 1003.1 §8.1, with lower case let in.
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,254}")

# systemd.exec(5), LoadCredential=: a name fit for a file.
_CREDENTIAL = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._-]{1,255}")

_CREDENTIALS_DIRECTORY = "CREDENTIALS_DIRECTORY"


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A secret, or the place where it is kept. ``option`` is the option that named it."""

    option: str
    kept: Literal["here", "file", "env", "credential"]
    place: str = field(repr=False)

    def __str__(self) -> str:
        """Show that there is a secret, and nothing of it."""
        return repr(self)

    def reveal(self) -> str:
        """Return the secret itself; raises ``InvalidConfig`` when it cannot be had."""
        if self.kept == "here":
            return self.place
        if self.kept == "file":
            return _content(Path(self.place), self.option)
        if self.kept == "env":
            return _variable(self.place, self.option)
        return _credential(self.place, self.option)


def _content(path: Path, option: str) -> str:
    """Read a secret from a file, without the line break at its end."""
    where = f"{option}: the file {path}"
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_SECRET_BYTES + 1)
    except OSError as error:
        raise InvalidConfig(
            (f"{where} cannot be read ({error.strerror}): create it, readable by the user of the collector",)
        ) from error
    if len(content) > MAX_SECRET_BYTES:
        raise InvalidConfig((f"{where} is larger than {MAX_SECRET_BYTES} bytes: name the right file",))
    return _one_line(content, where)


def _one_line(content: bytes, where: str) -> str:
    try:
        secret = content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        secret = None
    # Raised out here: the error of the decoder carries the secret.
    if secret is None:
        raise InvalidConfig((f"{where} is not UTF-8: write the secret as text",))
    if not secret:
        raise InvalidConfig((f"{where} is empty: write the secret into it",))
    if any(character in secret for character in "\r\n\0"):
        raise InvalidConfig((f"{where} holds more than one line: leave only the secret in it",))
    return secret


def _variable(name: str, option: str) -> str:
    secret = os.environ.get(name)
    if not secret:
        raise InvalidConfig((f"{option}: the environment variable {name} is not set: set it to the secret",))
    return secret


def _credential(name: str, option: str) -> str:
    folder = os.environ.get(_CREDENTIALS_DIRECTORY)
    if not folder:
        message = (
            f"{option}: there are no credentials ({_CREDENTIALS_DIRECTORY} is not set): start from systemd"
        )
        raise InvalidConfig((f"{message} with LoadCredential={name}:/path/to/the/secret",))
    return _content(Path(folder) / name, option)


# ── The four ways in which a secret is given ─────────────────────────────────


def _hidden(secret: Secret | None) -> str | None:
    return None if secret is None else "********"


def _here(value: object, info: ValidationInfo) -> Secret:
    return Secret(option=_option(info), kept="here", place=text_of(value))


def _in_file(value: object, info: ValidationInfo) -> Secret:
    return Secret(option=_option(info), kept="file", place=str(absolute_path(value, info)))


def _in_variable(value: object, info: ValidationInfo) -> Secret:
    if _VARIABLE.fullmatch(text := text_of(value)) is None:
        raise Refused("the name of an environment variable is wanted, like IMAP_PASSWORD")
    return Secret(option=_option(info), kept="env", place=text)


def _in_credential(value: object, info: ValidationInfo) -> Secret:
    if _CREDENTIAL.fullmatch(text := text_of(value)) is None:
        raise Refused("the name of a systemd credential is wanted, like imap-password")
    return Secret(option=_option(info), kept="credential", place=text)


def _option(info: ValidationInfo) -> str:
    return (info.field_name or "secret").removesuffix("_here")


_SHOWN = PlainSerializer(_hidden)

SecretHere = Annotated[
    Secret,
    PlainValidator(_here),
    _SHOWN,
    WithJsonSchema({"type": "string", "minLength": 1, "writeOnly": True}),
]
SecretFile = Annotated[
    Secret,
    PlainValidator(_in_file),
    _SHOWN,
    WithJsonSchema({"type": "string", "minLength": 1, "description": "A file that holds the secret alone."}),
]
SecretEnv = Annotated[
    Secret,
    PlainValidator(_in_variable),
    _SHOWN,
    WithJsonSchema(
        {"type": "string", "pattern": f"^{_VARIABLE.pattern}$", "description": "An environment variable."}
    ),
]
SecretCredential = Annotated[
    Secret,
    PlainValidator(_in_credential),
    _SHOWN,
    WithJsonSchema(
        {"type": "string", "pattern": f"^{_CREDENTIAL.pattern}$", "description": "A systemd credential."}
    ),
]
