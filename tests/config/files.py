"""Configuration files for tests."""

from pathlib import Path

import pytest

from collector.config import Config, ImapSettings, load
from collector.errors import InvalidConfig

SOURCE = "{name: main, kind: imap, host: imap.example.com, username: u, password_file: p}"


def written(folder: Path, text: str, name: str = "c.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def loaded(folder: Path, text: str) -> Config:
    return load(written(folder, text))


def problems(folder: Path, text: str) -> list[str]:
    """The problems of a file, its folder left out of each."""
    with pytest.raises(InvalidConfig) as refused:
        loaded(folder, text)
    return [problem.replace(f"{folder}/", "") for problem in refused.value.problems]


def mailbox(config: Config) -> ImapSettings:
    """The first source, which is a mailbox."""
    first = config.sources[0]
    assert isinstance(first, ImapSettings)
    return first
