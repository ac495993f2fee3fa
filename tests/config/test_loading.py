"""Every problem of a configuration is told at once, in file order, with its place."""

import os
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from collector.config import Config, load
from collector.config.explain import _SETTINGS
from collector.errors import InvalidConfig
from tests.config.files import SOURCE, loaded, mailbox, problems, written

HERE = Path(__file__).parent


def test_every_problem_is_told_at_once_in_file_order(tmp_path: Path) -> None:
    """``wrong.yaml`` makes every mistake that there is, ``wrong.txt`` names them."""
    told = (HERE / "wrong.txt").read_text().splitlines()

    assert told == problems(tmp_path, (HERE / "wrong.yaml").read_text())


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidConfig, match="there is no such file: write one"):
        load(tmp_path / "c.yaml")


def test_a_list_that_is_left_empty_is_told(tmp_path: Path) -> None:
    assert ["c.yaml:1:10: channels: a list is wanted"] == [
        problem.partition(", [a")[0] for problem in problems(tmp_path, "channels:\n")
    ]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("thresholds: {critical: 0.5%}", "c.yaml:1:24: thresholds.critical"),
        ("thresholds: {warning: 6%}", "c.yaml:1:23: thresholds.warning"),
        (
            "domains: [{name: a.example, thresholds: {critical: 0.01, warning: 2%}}]",
            "c.yaml:1:67: domains.0.thresholds.warning",
        ),
    ],
)
def test_a_warning_above_what_is_critical_is_told(tmp_path: Path, text: str, place: str) -> None:
    assert [place] == [problem.partition(": warning must")[0] for problem in problems(tmp_path, text)]


def test_equal_thresholds_are_fine(tmp_path: Path) -> None:
    assert isinstance(loaded(tmp_path, "thresholds: {warning: 5%}"), Config)


def test_a_password_without_a_user_name_is_told(tmp_path: Path) -> None:
    text = "channels: [{name: n, kind: email, host: h, from: a@b, to: [a@b], password: p}]"

    assert [
        "c.yaml:1:12: channels.0.username: is missing: a password needs the user name that it belongs to"
    ] == problems(tmp_path, text)


def test_without_tls_this_machine_may_be_spoken_to(tmp_path: Path) -> None:
    text = SOURCE.replace("imap.example.com", "LOCALHOST, tls: none")

    assert "none" == mailbox(loaded(tmp_path, f"sources: [{text}]")).tls


@pytest.mark.parametrize("path", list(_SETTINGS), ids=str)
def test_an_unknown_key_is_told_everywhere_with_the_nearest_known_one(
    tmp_path: Path, path: tuple[str, ...]
) -> None:
    known = [field.alias or name for name, field in _SETTINGS[path].model_fields.items()]
    text = f"{{{known[-1]}x: 1}}"
    if path[:1] in {("channels",), ("sources",)}:
        text = f"{path[0]}: [{{kind: {path[1]}, {known[-1]}x: 1}}]"
    elif path:
        text = f"domains: [{{thresholds: {text}}}]" if len(path) > 1 else f"{path[0]}: {text}"
        text = text.replace(": {", ": [{").replace("}", "}]") if path == ("domains",) else text

    assert [f"did you mean {known[-1]}?"] == [
        problem.partition("no such key; ")[2]
        for problem in problems(tmp_path, text)
        if "no such key" in problem
    ]


# ── Included files ───────────────────────────────────────────────────────────


def test_included_files_add_their_domains_by_name(tmp_path: Path) -> None:
    written(tmp_path, "- c.example\n", "domains.d/2.yaml")
    written(tmp_path, "- {name: b.example, thresholds: {critical: 7%}}\n", "domains.d/1.yaml")
    written(tmp_path, "- d.example\n", "more.yaml")

    config = loaded(
        tmp_path, "domains: [a.example]\ninclude: [domains.d/*.yaml, more.yaml, domains.d/1.yaml]"
    )

    assert ["a.example", "b.example", "c.example", "d.example"] == [domain.name for domain in config.domains]


def test_a_pattern_that_matches_nothing_yet_is_fine(tmp_path: Path) -> None:
    assert () == loaded(tmp_path, "include: domains.d/*.yaml").domains


def test_problems_in_included_files_carry_their_own_place(tmp_path: Path) -> None:
    written(tmp_path, "- a.example\n- {name: b.example, channels: [ops], treshold: 1}\n", "d/1.yaml")
    written(tmp_path, "domains: []\n", "d/2.yaml")
    written(tmp_path, "- 'b c'\n- *x\n- {name: d.example\n", "d/3.yaml")
    written(tmp_path, "- 'b c'\n- *x\n- d.example\n", "d/4.yaml")
    (tmp_path / "d" / "5.yaml").mkdir()
    os.mkfifo(tmp_path / "d" / "6.yaml")

    assert [
        "c.yaml:2:1: x: there is no such key; there are:",
        "d/1.yaml:1:3: 0: 'a.example' is there already: give it another name, or remove one",
        "d/1.yaml:2:32: 1.channels.0: there is no channel of this name; there are: none",
        "d/1.yaml:2:38: 1.treshold: there is no such key; did you mean thresholds?",
        "d/2.yaml:1:1: a list of domains is wanted, one a line after a hyphen: nothing else can be included",
        "d/3.yaml:2:3: 1: begins with * (an alias), which is not taken here",
        "d/3.yaml:4:1: is not YAML: did not find expected ',' or '}'; check indentation, colons and quotes",
        "d/4.yaml:1:3: 0: a domain name is wanted, like example.com (found 'b c')",
        "d/4.yaml:2:3: 1: begins with * (an alias), which is not taken here",
        "d/5.yaml: cannot be read (Is a directory): let the user of the collector read it",
        "d/6.yaml: is a pipe or a device: include files only",
    ] == [
        problem.partition(" include, domains")[0].removesuffix(": put a text that begins so in quotes")
        for problem in problems(tmp_path, "{domains: [A.example], include: d/*.yaml,\nx: 1}")
    ]


# ── Whatever the file says ───────────────────────────────────────────────────

KEYS = sorted(
    {field.alias or name for kind in _SETTINGS.values() for name, field in kind.model_fields.items()}
)
SCALARS = [
    *(
        "",
        "~",
        "no",
        "yes",
        "0",
        "1",
        "-1",
        "5%",
        "0.05",
        "22:30",
        "5m",
        "25MB",
        "a",
        "a.example",
        "a@b",
        "'x y'",
    ),
    *(
        "imap",
        "email",
        "webhook",
        "none",
        "localhost",
        "'[::1]:0'",
        "https://h/",
        "https://[",
        "sqlite:////a",
    ),
    *(
        '"\\0"',
        '"\\ud800"',
        "*a",
        "&a",
        "!a",
        "2026-01-01",
        "1" * 25,
        "é",
        "\u202e",
        "'\u2028'",
        '"{0}"',
        "%",
    ),
]
flow = st.recursive(
    st.sampled_from(SCALARS),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: f"[{', '.join(parts)}]"),
        st.lists(st.tuples(st.sampled_from(KEYS), inner), max_size=8).map(
            lambda parts: f"{{{', '.join(f'{key}: {value}' for key, value in parts)}}}"
        ),
    ),
    max_leaves=20,
)
files = st.lists(st.tuples(st.sampled_from(KEYS), flow), max_size=8).map(
    lambda parts: "".join(f"{key}: {value}\n" for key, value in parts)
)


def assert_settings_or_problems(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    try:
        config = load(path)
    except InvalidConfig as invalid:
        assert () != invalid.problems  # noqa: PT017  either outcome is right; this is what one of them holds
        str(invalid).encode()
    else:
        assert isinstance(config, Config)
        repr(config)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("config") / "c.yaml"


@settings(deadline=None)
@given(text=files)
@example(text="domains: [{channels: [[]]}]")
@example(text="? {a: b}\n: c")
def test_any_settings_are_taken_or_explained(path: Path, text: str) -> None:
    assert_settings_or_problems(path, text.encode(errors="surrogatepass"))


@settings(deadline=None)
@given(content=st.one_of(st.binary(), st.text().map(lambda text: text.encode(errors="surrogatepass"))))
def test_any_file_is_taken_or_explained(path: Path, content: bytes) -> None:
    assert_settings_or_problems(path, content)
