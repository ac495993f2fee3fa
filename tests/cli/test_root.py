"""The root command: help, versions, spelling, bugs, and what is not imported too early."""

import json
import subprocess
import sys

import click
import pytest

from collector import __version__
from collector.cli import COMMANDS
from tests.cli.command import Command

TIMEOUT_SECONDS = 60

# Each costs more than the whole of --help may.
HEAVY_PACKAGES = {
    "alembic",
    "apscheduler",
    "imapclient",
    "jinja2",
    "pydantic",
    "rich",
    "sqlalchemy",
    "starlette",
    "urllib3",
    "uvicorn",
    "yaml",
}

_TELL_IMPORTS = """
import json, sys
from collector.cli import main
try:
    main({arguments!r})
except SystemExit as ended:
    print(json.dumps([ended.code, sorted(sys.modules)]), file=sys.stderr)
"""


@click.command()
@click.option("--stop", is_flag=True)
def broken(*, stop: bool) -> None:
    """Break, as a bug does."""
    if stop:
        raise KeyboardInterrupt
    message = "no such\x1b[2J luck"
    raise TypeError(message)


@pytest.fixture
def with_a_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(COMMANDS, "broken", f"{__name__}:broken")


# ── Help ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_help_lists_every_command_with_a_sentence(command: Command, option: str) -> None:
    done = command(option)

    _, _, listing = done.output.partition("Commands:\n")
    listed = {line.split()[0]: line.split()[1:] for line in listing.splitlines()}
    assert (0, list(COMMANDS)) == (done.status, list(listed))
    assert all(listed.values())


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(command: Command, name: str) -> None:
    done = command(name, "--help")

    assert (0, True) == (done.status, done.output.startswith(f"Usage: tlsrpt-collector {name}"))


@pytest.mark.parametrize("arguments", [["--help"], ["show", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    done = subprocess.run(  # noqa: S603  our own command
        [sys.executable, "-c", _TELL_IMPORTS.format(arguments=arguments)],
        capture_output=True,
        check=True,
        timeout=TIMEOUT_SECONDS,
    )

    status, modules = json.loads(done.stderr)
    assert (0, set()) == (status, HEAVY_PACKAGES & set(modules))


def test_the_version_is_told(command: Command) -> None:
    assert f"tlsrpt-collector, version {__version__}\n" == command("--version").output


def test_it_runs_as_a_module() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "collector", "--version"],
        capture_output=True,
        text=True,
        check=True,
        timeout=TIMEOUT_SECONDS,
    )

    assert f"tlsrpt-collector, version {__version__}\n" == done.stdout


# ── Wrong usage ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("arguments", "near"),
    [
        (["report"], "reports"),
        (["polices"], "policies"),
        (["colect"], "collect"),
        (["alerts", "lst"], "list"),
    ],
)
def test_an_unknown_command_names_the_nearest(command: Command, arguments: list[str], near: str) -> None:
    done = command(*arguments)

    assert (2, "") == (done.status, done.output)
    assert f"No such command '{arguments[-1]}'." in done.errors
    assert near in done.errors.rpartition("No such command")[2]


def test_a_command_like_no_other_is_only_unknown(command: Command) -> None:
    done = command("xyzzy\x1b[2J")

    assert 2 == done.status
    assert "No such command" in done.errors
    assert "\x1b" not in done.errors


def test_an_unknown_option_is_wrong_usage(command: Command) -> None:
    assert 2 == command("reports", "--domian", "example.com").status


# ── Bugs and interruptions ────────────────────────────────────────────────────


@pytest.mark.usefixtures("with_a_bug")
def test_a_bug_is_told_in_one_line(command: Command) -> None:
    done = command("broken")

    assert (
        1,
        "",
        (
            "Error: this is a bug in tlsrpt-collector: TypeError: no such\\x1b[2J luck; "
            "run again with -v for the traceback, and report it\n"
        ),
    ) == (done.status, done.output, done.errors)


@pytest.mark.usefixtures("with_a_bug")
def test_a_bug_is_told_in_full_when_asked(command: Command) -> None:
    done = command("-v", "broken")

    assert 1 == done.status
    assert done.errors.startswith("Traceback (most recent call last):\n")


@pytest.mark.usefixtures("with_a_bug")
def test_an_interruption_ends_it_quietly(command: Command) -> None:
    done = command("broken", "--stop")

    assert (130, "", "") == (done.status, done.output, done.errors.strip())


@pytest.mark.parametrize("arguments", [["--version"], ["explain", "--format", "json"]])
def test_an_answer_that_cannot_be_written_is_said(arguments: list[str]) -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:  # noqa: PTH123  a device
        done = subprocess.run(  # noqa: S603  our own command
            [sys.executable, "-m", "collector", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
        )

    assert (69, "tlsrpt-collector: the answer cannot be written: No space left on device\n") == (
        done.returncode,
        done.stderr,
    )


# ── What is not installed ─────────────────────────────────────────────────────


@pytest.mark.parametrize("missing", ["pymap", "aiosmtpd"])
def test_the_demo_without_its_extra_says_what_to_install(
    command: Command, monkeypatch: pytest.MonkeyPatch, missing: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)

    done = command("demo")

    assert (78, f'tlsrpt-collector: the demo needs {missing}: pip install "tlsrpt-collector[demo]"\n') == (
        done.status,
        done.errors,
    )
