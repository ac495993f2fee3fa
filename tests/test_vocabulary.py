"""One word for one thing: in code, help, configuration and documents alike."""

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

# What is said elsewhere → what is said here. Quotations of other people's words may stand in tests.
SYNONYMS = {
    r"organi[s]ations?": "organization (RFC 8460 §4.4)",
    r"failure (?:ratio|percentage)s?": "failure rate",
    r"error rates?": "failure rate",
    r"incidents?": "alert",
    r"quirks?": "deviation",
    r"submitting organi": "organization",
    r"mail ?boxes? source": "source",
    r"check ?points?": "reference",
    r"data ?base rows? of reports": "store",
}


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(  # noqa: S603  our own words
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],  # noqa: S607  git is where it is
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode != 0:
        # An unpacked archive has no git; what it holds is what was released.
        return [path for pattern in patterns for path in ROOT.glob(f"**/{pattern}")]
    return [ROOT / name for name in listed.stdout.split("\n") if name and (ROOT / name).exists()]


@pytest.mark.parametrize(("synonym", "word"), SYNONYMS.items())
def test_a_thing_has_one_name(synonym: str, word: str) -> None:
    pattern = re.compile(rf"\b{synonym}\b", re.IGNORECASE)
    texts = tracked(
        "README.md", "CHANGELOG.md", "config.example.yaml", "docs/*", "collector/*.py", "collector/*.html"
    )

    found = [
        f"{path.relative_to(ROOT)}:{number}: say {word!r}: {line.strip()}"
        for path in texts
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if pattern.search(line)
    ]

    assert [] == found
