"""A real server on a free port of 127.0.0.1, and a client without opinions."""

import http.client
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from email.message import Message

import pytest

from collector.ports import Pulse, Questions
from collector.web.app import LOOPBACK_HOSTS, make_app
from collector.web.metrics import PrometheusMeter
from collector.web.server import WebServer
from tests.build import NOW
from tests.web.fakes import Program, Store

# Far beyond what any answer takes; a test that fails does not hang.
TIMEOUT_SECONDS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    status: int
    headers: Message
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A served application."""

    server: WebServer

    def get(self, path: str, *, method: str = "GET", **headers: str) -> Answer:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        host, port = self.server.address
        with closing(http.client.HTTPConnection(host, port, timeout=TIMEOUT_SECONDS)) as connection:
            connection.request(method, path, headers=named)
            response = connection.getresponse()
            return Answer(
                status=response.status, headers=response.headers, text=response.read().decode("utf-8")
            )


Serve = Callable[..., Site]


def _stopped(server: WebServer) -> bool:
    server.stop()
    return not server.is_alive()


@pytest.fixture(scope="session")
def stop_beside() -> Iterator[Callable[[WebServer], None]]:
    """Stop servers beside the tests that follow: a fifth of a second each, which no test waits for."""
    stops: list[Future[bool]] = []
    with ThreadPoolExecutor() as executor:
        yield lambda server: stops.append(executor.submit(_stopped, server))
    assert all(stop.result() for stop in stops)


@pytest.fixture
def serve(stop_beside: Callable[[WebServer], None]) -> Iterator[Serve]:
    """Serve the pages of a store and a program until the test ends."""
    servers: list[WebServer] = []

    def start(
        questions: Questions | None = None, pulse: Pulse | None = None, meter: PrometheusMeter | None = None
    ) -> Site:
        app = make_app(
            questions=questions or Store(),
            pulse=pulse or Program(),
            meter=meter or PrometheusMeter(),
            clock=lambda: NOW,
            allowed_hosts=LOOPBACK_HOSTS,
        )
        server = WebServer(app, host="127.0.0.1", port=0)
        server.start()
        servers.append(server)
        return Site(server=server)

    yield start
    for server in servers:
        stop_beside(server)
