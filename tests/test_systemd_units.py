"""The units are what systemd takes, and as closed as promised."""

import re
import subprocess
from pathlib import Path

import pytest

from tests.servers import require_server

UNITS = Path(__file__).parents[1] / "systemd"
SERVICES = ("tlsrpt-collector.service", "tlsrpt-collector-collect.service")

# Out of ten; 1.5 is what this project promises at most.
MOST_EXPOSED = 1.5


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """Copies whose program exists on this machine."""
    for unit in UNITS.iterdir():
        text = unit.read_text(encoding="utf-8").replace("/usr/local/bin/tlsrpt-collector", "/bin/true")
        (tmp_path / unit.name).write_text(text, encoding="utf-8")
    return tmp_path


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = require_server("systemd", program="systemd-analyze", package="systemd", folders=("/usr/bin",))
    return subprocess.run(  # noqa: S603  our own arguments
        [str(program), *arguments], capture_output=True, text=True, check=False
    )


def test_systemd_takes_every_unit(units: Path) -> None:
    done = analyze("verify", *(str(units / name) for name in (*SERVICES, "tlsrpt-collector.timer")))

    assert (0, "") == (done.returncode, done.stderr)


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_is_closed_as_promised(units: Path, service: str) -> None:
    done = analyze("security", "--offline=true", str(units / service))

    match = re.search(r"exposure level for .*: ([0-9.]+)", done.stdout)
    assert match is not None, done.stdout + done.stderr
    assert MOST_EXPOSED >= float(match[1])


def test_both_services_are_closed_alike() -> None:
    daemon, once = ((UNITS / name).read_text(encoding="utf-8") for name in SERVICES)

    def closed(text: str) -> str:
        return text[text.index("StateDirectory=") : text.index("KeyringMode=private")]

    assert closed(daemon) == closed(once)
