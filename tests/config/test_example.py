"""The example shows every option, its default, and is itself valid."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from collector.config import DomainSettings, example, load
from collector.config.explain import _SETTINGS
from collector.config.fields import Settings
from collector.config.schema import schema
from collector.config.settings import DEFAULT_STORE, Config
from tests.config.files import loaded

EXAMPLE = Path(__file__).parents[2] / "config.example.yaml"

# Where in the example the options of each kind of settings stand: from here to the next of these.
BEGINNINGS = {
    (): "domains:",
    ("domains",): "  - name: example.net",
    ("domains", "thresholds"): "    thresholds: {",
    ("sources", "imap"): "sources:",
    ("sources", "directory"): "  - name: drop",
    ("archive",): "\narchive:",
    ("thresholds",): "\nthresholds:",
    ("channels", "email"): "  - name: ops",
    ("channels", "webhook"): "  - name: hook",
    ("retention",): "\nretention:",
    ("ingest",): "ingest:",
    ("web",): "web:",
}


def shown_keys(text: str) -> set[str]:
    return set(re.findall(r"(?:^|[{,])[\s#-]*([a-z_]+):(?=\s)", text, flags=re.MULTILINE))


def part(path: tuple[str | int, ...]) -> str:
    text = EXAMPLE.read_text()
    if not path:
        return re.sub(r"^ .*$", "", text, flags=re.MULTILINE)
    begin = text.index(BEGINNINGS[path])  # type: ignore[index]
    later = [text.find(other, begin + 1) for other in BEGINNINGS.values() if other != BEGINNINGS[path]]  # type: ignore[index]
    ends = [position for position in later if position > begin]
    return text[begin : min(ends, default=len(text))]


@pytest.mark.parametrize("path", list(_SETTINGS), ids=str)
def test_the_example_shows_every_option(path: tuple[str | int, ...]) -> None:
    known = {field.alias or name for name, field in _SETTINGS[path].model_fields.items()}
    shown = shown_keys(EXAMPLE.read_text() if path == ("domains",) else part(path))

    assert set() == known - shown


def test_every_kind_of_settings_is_looked_at() -> None:
    """The table of known keys, on which the tests here go, misses none."""

    def below(kind: type[BaseModel]) -> Iterator[type[BaseModel]]:
        for sub in kind.__subclasses__():
            yield sub
            yield from below(sub)

    assert set(below(Settings)) == set(_SETTINGS.values())


def test_the_example_is_valid_and_complete() -> None:
    assert () == load(EXAMPLE).warnings()


def test_every_option_of_the_example_has_a_comment() -> None:
    lines = EXAMPLE.read_text().splitlines()
    options = [i for i, line in enumerate(lines) if re.match(r"\s*(- )?[a-z_]+:", line)]

    assert [] == [lines[i] for i in options if "#" not in lines[i - 1]]


def differences(settings: BaseModel, path: str = "") -> list[str]:
    """Name the options of the example that differ from their defaults."""
    found = []
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        inner = value if isinstance(value, tuple) else (value,)
        if any(isinstance(each, BaseModel) for each in inner):
            # What a domain has of its own has no default: it is that of all.
            found += (
                [d for each in inner for d in differences(each, f"{path}{name}.")]
                if name != "domains"
                else []
            )
        elif not field.is_required() and value != field.get_default(
            call_default_factory=True, validated_data=settings.__dict__
        ):
            found.append(f"{path}{name}")
    return found


def test_the_example_shows_defaults() -> None:
    config = load(EXAMPLE)

    # A password must be given somehow; the store's default is written out.
    assert ["sources.password_file", "store_here"] == differences(config)
    assert DEFAULT_STORE == config.store_url()
    assert config.domains[0] == DomainSettings(name="example.com")


def test_the_example_is_printed_as_it_is() -> None:
    assert EXAMPLE.read_text() == example()


def test_the_build_copies_the_example_into_the_package() -> None:
    pyproject = (EXAMPLE.parent / "pyproject.toml").read_text()

    assert '"config.example.yaml" = "collector/config/example.yaml"' in pyproject


# ── The schema for editors ───────────────────────────────────────────────────


def test_the_schema_takes_no_unknown_key_anywhere() -> None:
    described = schema()
    kinds = [described, *described["$defs"].values()]

    assert [False] * len(_SETTINGS) == [kind["additionalProperties"] for kind in kinds]


def test_the_schema_knows_every_option_as_it_is_written() -> None:
    described = schema()
    by_name = described["$defs"] | {"Config": described}

    for kind in _SETTINGS.values():
        known = {field.alias or name for name, field in kind.model_fields.items()}
        assert known == set(by_name[kind.__name__]["properties"])


def test_the_schema_tells_defaults_as_they_are_written() -> None:
    described = schema()
    imap = described["$defs"]["ImapSettings"]["properties"]
    thresholds = described["$defs"]["ThresholdSettings"]["properties"]

    assert ("5m", "1m", "32MB", "25MB") == tuple(
        imap[key]["default"] for key in ("interval", "timeout", "batch_size", "maximum_message_size")
    )
    assert ("1%", "5%") == (thresholds["warning"]["default"], thresholds["critical"]["default"])
    assert DEFAULT_STORE == described["properties"]["store"]["default"]
    assert "127.0.0.1:8460" == described["$defs"]["WebSettings"]["properties"]["listen"]["default"]
    assert (
        "/var/lib/tlsrpt-collector/archive"
        == described["$defs"]["FilesystemSettings"]["properties"]["path"]["default"]
    )


def test_the_schema_takes_the_written_forms_of_the_example() -> None:
    """Patterns of the schema are those of the fields, so what the example shows matches them."""
    imap = schema()["$defs"]["ImapSettings"]["properties"]

    assert re.fullmatch(imap["interval"]["pattern"], "5m")
    assert re.fullmatch(imap["batch_size"]["pattern"], "32MB")
    assert {"password", "password_file", "password_env", "password_credential"} < set(imap)


def test_a_domain_may_be_a_name_alone_in_the_schema() -> None:
    one, other = schema()["properties"]["domains"]["items"]["anyOf"]

    assert ("string", "#/$defs/DomainSettings") == (one["type"], other["$ref"])


def test_the_defaults_alone_are_a_configuration(tmp_path: Path) -> None:
    assert Config() == loaded(tmp_path, "{}")
