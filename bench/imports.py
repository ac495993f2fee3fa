"""How fast a folder of mails is imported."""

import tempfile
from pathlib import Path

from bench.command import Cost, check_kept, cost_of
from bench.mails import site_of, write
from tests.servers import Dovecot


def import_mails(dovecot: Dovecot, mails: int, *, store: str | None = None) -> Cost:
    """Write a folder of mails, import it into a fresh installation, and check what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        site = site_of(Path(folder), dovecot, store)
        write(Path(folder) / "mails", mails)
        cost = cost_of(site.command("-qq", "import", str(Path(folder) / "mails")), mails=mails)
        check_kept(site, mails)
        return cost
