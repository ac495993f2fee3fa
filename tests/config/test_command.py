"""The commands of ``config``."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner, Result

from collector.cli.config import config
from collector.config import example
from collector.config.schema import schema
from tests.config.files import SOURCE, written

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocation:
    config_path: Path


def called(command: str, path: Path) -> Result:
    return CliRunner().invoke(config, [command], obj=Invocation(config_path=path))


def test_check_tells_what_a_valid_file_holds(tmp_path: Path) -> None:
    path = written(
        tmp_path, f"domains: [{', '.join(f'{c}.example' for c in 'abcdef')}]\nsources: [{SOURCE}]\n"
    )

    result = called("check", path)

    assert (0, "") == (result.exit_code, result.stderr)
    assert (
        f"{path} is valid\n"
        "  domains: 6 (a.example, b.example, c.example, d.example, e.example, …)\n"
        "  sources: 1 (main)\n"
        "  channels: none\n"
        "  warning: no channels: alerts are stored, but told to nobody\n"
    ) == result.stdout


def test_check_tells_every_problem_on_standard_error(tmp_path: Path) -> None:
    path = written(tmp_path, "domain: []\nweb: 1\n")

    result = called("check", path)

    assert (78, "") == (result.exit_code, result.stdout)
    assert (
        f"{path}:1:1: domain: there is no such key; did you mean domains?\n"
        f"{path}:2:6: web: a mapping is wanted, with lines like key: value\n"
    ) == result.stderr


def test_check_opens_no_secret_file(tmp_path: Path) -> None:
    path = written(tmp_path, f"sources: [{SOURCE}]")

    assert not (tmp_path / "p").exists()
    assert 0 == called("check", path).exit_code


def test_schema_prints_json_alone(tmp_path: Path) -> None:
    assert schema() == json.loads(called("schema", tmp_path).stdout)


def test_example_prints_the_example_alone(tmp_path: Path) -> None:
    assert example() == called("example", tmp_path).stdout


def test_the_example_passes_the_check(tmp_path: Path) -> None:
    path = written(tmp_path, called("example", tmp_path).stdout)

    assert f"{path} is valid\n" == called("check", path).stdout.splitlines(keepends=True)[0]


def test_the_configuration_imports_nothing_heavy() -> None:
    script = "import sys, collector.config; print(*sys.modules)"
    modules = subprocess.run(  # noqa: S603  our own interpreter
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.split()

    assert set() == {"sqlalchemy", "imapclient", "starlette", "uvicorn", "urllib3", "alembic", "msgspec"} & {
        *modules
    }
