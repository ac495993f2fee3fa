"""A site for each test, with a mailbox of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.channels.servers import Mailbox, smtp_server
from tests.commands.site import Site
from tests.servers import Dovecot


@pytest.fixture
def alerts() -> Mailbox:
    """Where alerts arrive by mail."""
    return Mailbox()


@pytest.fixture
def site(tmp_path: Path, dovecot: Dovecot, imap_user: str, alerts: Mailbox) -> Iterator[Site]:
    with smtp_server(alerts) as port:
        yield Site(folder=tmp_path, dovecot=dovecot, user=imap_user, smtp_port=port)
