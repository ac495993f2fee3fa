"""The mails that are measured with."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.commands.site import Site, report_of
from tests.servers import Dovecot

# One mail in three tells of failures, as in the traffic that the goals were measured with.
FAILING = 3

# The mails are about some hundred domains.
DOMAINS = 200

# Made and delivered so many at a time: all at once would fill the memory of the one who measures.
_CHUNK = 1_000


def report_mails(count: int) -> Iterator[bytes]:
    """Make mails of one report each."""
    for number in range(count):
        failed = 3 if number % FAILING == 0 else 0
        domain = f"d{number % DOMAINS}.example.com"
        yield report_of(number % 7 + 1, failed=failed, domain=domain, report_id=f"{number}")


def deliver(dovecot: Dovecot, user: str, count: int) -> None:
    """Put so many mails into a user's INBOX."""
    for chunk in _chunks(count):
        dovecot.deliver(user, chunk)


def write(folder: Path, count: int) -> None:
    """Write so many mails as files, for an import."""
    folder.mkdir()
    for number, mail in enumerate(report_mails(count)):
        (folder / f"{number}.eml").write_bytes(mail)


def site_of(folder: Path, dovecot: Dovecot, store: str | None) -> Site:
    """Lay out an installation that collects from a new mailbox and alerts nobody."""
    site = Site(folder=folder, dovecot=dovecot, user=dovecot.new_user(), smtp_port=9)
    site.extra = {"channels": []} | ({} if store is None else {"store": store})
    return site


def _chunks(count: int) -> Iterator[Sequence[bytes]]:
    chunk: list[bytes] = []
    for mail in report_mails(count):
        chunk.append(mail)
        if len(chunk) == _CHUNK:
            yield chunk
            chunk = []
    yield chunk
