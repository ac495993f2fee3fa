"""The PostgreSQL of these tests: started once, when the first test asks for it."""

from collections.abc import Iterator

import pytest

from tests.stores.servers import Postgresql


@pytest.fixture(scope="session")
def postgresql() -> Iterator[Postgresql]:
    """A cluster; the tests share it and each has a database of its own."""
    server = Postgresql()
    try:
        server.start()
        yield server
    finally:
        server.remove()
