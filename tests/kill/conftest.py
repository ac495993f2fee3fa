"""A place for each test, with a mailbox of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.channels.servers import Mailbox, smtp_server
from tests.commands.site import Site
from tests.kill.place import Place
from tests.servers import Dovecot


@pytest.fixture
def place(tmp_path: Path, dovecot: Dovecot, imap_user: str) -> Iterator[Place]:
    alerts = Mailbox()
    with smtp_server(alerts) as port:
        yield Place(Site(folder=tmp_path, dovecot=dovecot, user=imap_user, smtp_port=port), alerts)
