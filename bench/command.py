"""Measures a command of the product as a whole process, its start included."""

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.commands.site import Site

HEADINGS = ("mails", "store", "mails/s", "client CPU µs/mail", "peak RSS MB", "wall s")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What one run of a command cost, as the operating system accounts for it."""

    mails: int
    wall_seconds: float
    cpu_seconds: float
    peak_kilobytes: int

    def row(self, store: str) -> tuple[str, ...]:
        """Tell it as a row below ``HEADINGS``."""
        return (
            f"{self.mails:,}",
            store,
            f"{self.mails / self.wall_seconds:,.0f}",
            f"{self.cpu_seconds / self.mails * 1e6:,.0f}",
            f"{self.peak_kilobytes / 1024:.0f}",
            f"{self.wall_seconds:.1f}",
        )


def cost_of(command: list[str], *, mails: int) -> Cost:
    """Run a command to its end; one that fails ends the benchmark."""
    with tempfile.NamedTemporaryFile() as file:
        launcher = [sys.executable, str(Path(__file__).with_name("launch.py")), file.name, *command]
        done = subprocess.run(launcher, check=False, stdout=subprocess.DEVNULL)  # noqa: S603  our own command
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(command)} ended with exit status {done.returncode}")
        return Cost(mails=mails, **json.loads(Path(file.name).read_bytes()))


def check_kept(site: Site, mails: int) -> None:
    """See that each mail is one row and one file: a fast run that loses a mail would be worth nothing."""
    ids = {row["report_id"] for row in site.ask("reports")}
    found = (len(ids), len(site.archived()), len(site.archived(ending=".facts.json")))
    if found != (mails,) * 3:
        raise SystemExit(f"of {mails} mails: rows, files, facts = {found}")
