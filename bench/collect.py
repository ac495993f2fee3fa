"""How fast a mailbox becomes rows and files: the real command against a real Dovecot."""

import tempfile
from pathlib import Path

from bench.command import Cost, check_kept, cost_of
from bench.mails import deliver, site_of
from tests.commands.site import Site
from tests.servers import PASSWORD, Dovecot


def collect(dovecot: Dovecot, mails: int, *, store: str | None = None) -> Cost:
    """Fill a fresh mailbox, collect it with a fresh installation, and check what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        site = site_of(Path(folder), dovecot, store)
        deliver(dovecot, site.user, mails)
        cost = cost_of(site.command("-qq", "collect"), mails=mails)
        check_kept(site, mails)
        _check_moved(site, mails)
        return cost


def _check_moved(site: Site, mails: int) -> None:
    with site.dovecot.client(site.user, PASSWORD) as client:
        counts = [
            client.folder_status(name, ["MESSAGES"])[b"MESSAGES"] for name in ("INBOX", "TLSRPT-processed")
        ]
    if counts != [0, mails]:
        raise SystemExit(f"of {mails} mails: INBOX, processed = {counts}")
