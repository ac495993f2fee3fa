"""A YAML file becomes plain values with their places, and no trap of YAML goes unseen."""

from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from collector.config import document
from collector.config.document import Problem, parse
from tests.config.files import problems, written

LOADERS = [yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)]


def told(text: str) -> list[str]:
    return [str(problem) for problem in parse(text, "c.yaml").problems]


@pytest.mark.parametrize("loader", LOADERS)
def test_values_are_read_as_people_read_them(loader: type) -> None:
    text = "a: text\nb: 5\nc: 0.05\nd: [yes, off, null, ~]\ne: {f: '5', g: \"no\"}\nh:\n'': 1%\nno: -7\n"

    read = parse(text, "c.yaml", loader=loader)

    assert {
        "a": "text",
        "b": 5,
        "c": Decimal("0.05"),
        "d": (True, False, None, None),
        "e": {"f": "5", "g": "no"},
        "h": None,
        "": "1%",
        "no": -7,
    } == read.values
    assert () == read.problems


@pytest.mark.parametrize("loader", LOADERS)
def test_each_value_keeps_the_place_of_its_key_and_its_own(loader: type) -> None:
    read = parse("sources:\n  - name: main\n    port:   993\n", "c.yaml", loader=loader)

    port = read.spots["sources", 0, "port"]
    assert ((3, 5), (3, 13), "993", "sources.0.port") == (port.key, port.value, port.written, port.path)
    assert ((2, 5), None) == (read.spots["sources", 0].value, read.spots["sources", 0].written)


@pytest.mark.parametrize("number", ["0123", "0x1f", "0b1", "1_000", "1.5e+3", ".5", ".inf", "1" * 30, "+5"])
def test_numbers_that_yaml_reads_in_its_own_way_are_refused(number: str) -> None:
    assert [
        "c.yaml:1:4: a: YAML has its own way to read this number: write it plainly, a text in quotes"
    ] == told(f"a: {number}")


def test_times_are_numbers_of_base_60_to_yaml_and_refused() -> None:
    assert (
        "c.yaml:1:4: a: digits with colons are a number of base 60 to YAML (22:30 is 1350):"
        " write a duration like 30m, any other text in quotes"
    ) == "".join(told("a: 22:30"))
    assert [] == told("a: '22:30'")


def test_dates_are_refused() -> None:
    assert ["c.yaml:1:4: a: YAML reads this as a date: write a text in quotes"] == told("a: 2026-05-11")


def test_a_key_that_stands_twice_is_refused_at_the_second() -> None:
    assert ["c.yaml:3:1: a: stands here a second time, first in line 1: keep one of them"] == told(
        "a: 1\nb: 2\na: {c: 22:30}\n"
    )


@pytest.mark.parametrize(
    ("mark", "name"), [("&x", "an anchor"), ("*x", "an alias"), ("!x", "a tag"), ("!!str 1", "a tag")]
)
def test_anchors_aliases_and_tags_are_refused(mark: str, name: str) -> None:
    assert (
        f"c.yaml:1:5: a: begins with {mark[0]} ({name}), which is not taken here:"
        " put a text that begins so in quotes"
    ) == "".join(told(f"a:  {mark}"))


def test_aliases_that_multiply_are_never_followed() -> None:
    bomb = "a: &a [x, x]\n" + "".join(f"{c}: &{c} [*{p}, *{p}]\n" for p, c in zip("abcdefgh", "bcdefghi"))  # noqa: B905  one shorter on purpose

    assert 9 == len(told(bomb))


@pytest.mark.parametrize("deep", ["[" * 100_000, "a: " + "{a: " * 5_000, "? " * 5_000, "- " * 5_000])
def test_deep_nesting_ends_at_a_bound(deep: str) -> None:
    assert not parse(deep, "c.yaml").readable


@pytest.mark.parametrize("key", ["[a, b]", "{a: b}", "? [a]\n", "*x "])
def test_a_key_is_a_word(key: str) -> None:
    assert ["c.yaml:1:"] == [problem[:9] for problem in told(f"{key}: 1")]


def test_a_second_document_is_refused() -> None:
    assert ["c.yaml:2:1: a second document begins here: write everything into one"] == told(
        "a: 1\n---\nb: 2\n"
    )


def test_line_breaks_within_a_value_are_refused() -> None:
    assert [
        "c.yaml:1:4: a: holds a line break or a control character: write it on one line",
        "c.yaml:4:4: b: holds a line break or a control character: write it on one line",
    ] == told('a: |\n  x\n  y\nb: "\\0"\n')


def test_what_is_not_yaml_is_told_with_its_place() -> None:
    assert (
        "c.yaml:2:1: is not YAML: found a tab character that violates indentation;"
        " indent with blanks, not tabs"
    ) == "".join(told("a:\tb\n\tc: d"))
    assert ["c.yaml:2:3: is not YAML: mapping values are not allowed in this context; "] == [
        problem.removesuffix("check indentation, colons and quotes") for problem in told("a: b\n c: d")
    ]


@pytest.mark.parametrize("loader", LOADERS)
@pytest.mark.parametrize(
    "text",
    ['"\\q"', "!h!x y", "@x", "%x", '"\\UFFFFFFFF"', '"\\ud800"', "'", "{", "]", "\x00", "\ud800", "\ufffe"],
)
def test_nothing_that_is_not_yaml_raises(text: str, loader: type) -> None:
    assert () != parse(f"a: {text}", "c.yaml", loader=loader).problems


def test_a_byte_order_mark_is_no_problem() -> None:
    assert {"a": 1} == parse("\ufeffa: 1", "c.yaml").values


def test_a_problem_with_a_file_as_a_whole_has_no_line() -> None:
    assert "c.yaml: is away" == str(Problem(file="c.yaml", message="is away"))


def test_a_file_that_is_away_is_told_with_what_to_do(tmp_path: Path) -> None:
    assert (
        'there is no such file: write one that begins as "tlsrpt-collector config example" does,'
        " or name another with --config"
    ) == document.read(tmp_path / "c.yaml").problems[0].message


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert "cannot be read (Is a directory)" in document.read(tmp_path).problems[0].message


def test_a_name_that_no_file_can_have_is_told() -> None:
    assert "no file can have this name" == document.read(Path("a\0b")).problems[0].message


def test_a_file_beyond_the_bound_is_not_read(tmp_path: Path) -> None:
    assert ["c.yaml: is larger than 1000000 bytes: divide it by include"] == problems(
        tmp_path, "#" * 1_000_001
    )


def test_a_file_in_another_encoding_is_told_with_the_place(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_bytes("a: 1\nb: grün".encode("latin-1"))

    assert f"{path}:2:6: is not UTF-8: save it as UTF-8" == str(document.read(path).problems[0])


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "- a\n", "text", "5", "null"])
def test_a_file_without_settings_is_told_how_to_begin(tmp_path: Path, text: str) -> None:
    found = problems(tmp_path, text)

    assert 1 == len(found)
    assert 'begin as "tlsrpt-collector config example" does' in found[0]


def test_an_empty_included_file_adds_nothing(tmp_path: Path) -> None:
    written(tmp_path, "# none\n", "more.yaml")

    assert ["c.yaml:2:1: x"] == [
        problem.partition(": there")[0] for problem in problems(tmp_path, "include: more.yaml\nx: 1")
    ]
