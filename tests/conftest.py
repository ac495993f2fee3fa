"""Servers for all tests: each is started once, when the first test asks for it."""

from collections.abc import Iterator

import pytest

from tests.servers import Dovecot


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """An IMAP server; the tests share it and each has a user of its own."""
    server = Dovecot()
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def imap_user(dovecot: Dovecot) -> str:
    """A user of :func:`dovecot` with an empty mailbox, password ``servers.PASSWORD``."""
    return dovecot.new_user()
