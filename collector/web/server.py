"""Runs an application on an address, in a thread of its own; the landlord of ``uvicorn``."""

import asyncio
import logging
import socket
import threading
from datetime import timedelta
from http import HTTPStatus

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn import Config, Server
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from collector.errors import Misconfigured

# A browser, a monitor and a few people; worker threads number 40. Beyond it: 503 at once.
MAX_CONNECTIONS = 100

# A request is a few hundred bytes, sent at once. Without a limit half a request stays for ever.
REQUEST_TIMEOUT = timedelta(seconds=10)

# Nothing here has a body; browsers send headers of a few kilobytes, cookies of a neighbour included.
MAX_REQUEST_BYTES = 64 * 1024

# Prometheus and a browser that reloads come back sooner or not at all.
KEEP_ALIVE = timedelta(seconds=5)

# What is being answered may be finished for so long ...
DRAIN = timedelta(seconds=1)
# ... and the thread may take so long in all: systemd and a person at the keyboard wait for it.
STOP_WITHIN = timedelta(seconds=2)


class Pages:
    """An application that may be exchanged while it is served."""

    def __init__(self) -> None:
        """Start without any; the first is shown before anyone can ask."""
        self._app: ASGIApp | None = None

    def show(self, app: ASGIApp) -> None:
        """Serve this application from the next request on."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand a request to the application of the moment."""
        assert self._app is not None
        await self._app(scope, receive, send)


class WebServer:
    """Serves one application; port 0 takes any free port."""

    def __init__(self, app: ASGIApp, *, host: str, port: int) -> None:
        """Prepare to listen; nothing is bound before :meth:`start`."""
        self._asked_for = (host, port)
        self._address: tuple[str, int] | None = None
        self._server = Server(_config(app))
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen, then answer in a thread; raises ``Misconfigured`` when the address is not to be had."""
        listener = _listen(*self._asked_for)
        self._address = listener.getsockname()[:2]
        # A daemon thread: a page that hangs in the store must not hold up the exit for ever.
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [listener]}, name="web", daemon=True
        )
        self._thread.start()

    @property
    def address(self) -> tuple[str, int]:
        """The host and port listened on."""
        assert self._address is not None, "the server has not been started"
        return self._address

    def is_alive(self) -> bool:
        """Tell whether the thread runs."""
        return self._thread is not None and self._thread.is_alive()

    def stop(self) -> None:
        """Stop listening, finish what is being answered, end the thread, all within :data:`STOP_WITHIN`."""
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(STOP_WITHIN.total_seconds())


class _PunctualProtocol(HttpToolsProtocol):
    """Closes a connection whose request is late or long; uvicorn itself waits, and reads, for ever."""

    _deadline: asyncio.TimerHandle | None = None
    _received_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's
        super().connection_made(transport)
        self._expect_request()

    def data_received(self, data: bytes) -> None:
        self._received_bytes += len(data)
        if self._received_bytes > MAX_REQUEST_BYTES:
            self.transport.close()
        else:
            super().data_received(data)

    def on_message_begin(self) -> None:
        self._expect_request()
        super().on_message_begin()

    def on_message_complete(self) -> None:
        self._stop_waiting()
        self._received_bytes = 0
        super().on_message_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _expect_request(self) -> None:
        self._stop_waiting()
        self._deadline = self.loop.call_later(REQUEST_TIMEOUT.total_seconds(), self.transport.close)

    def _stop_waiting(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()


class _Stoppable:
    """Answers a request that is still waiting for the store when the server stops."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            # Ends here: uvicorn would log the end of its own task as a failure, with a traceback.
            stopping = PlainTextResponse("The program is stopping.\n", HTTPStatus.SERVICE_UNAVAILABLE)
            await stopping(scope, receive, send)


def _config(app: ASGIApp) -> Config:
    return Config(
        _Stoppable(app),
        loop="asyncio",
        http=_PunctualProtocol,
        ws="none",
        lifespan="off",
        log_config=None,
        log_level=logging.WARNING,  # below it uvicorn tells of its own starting and stopping, at length
        access_log=False,
        server_header=False,
        proxy_headers=False,
        workers=1,  # else uvicorn asks the environment
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=int(KEEP_ALIVE.total_seconds()),
        timeout_graceful_shutdown=int(DRAIN.total_seconds()),
    )


def _listen(host: str, port: int) -> socket.socket:
    """Bind and listen; from here on connections wait until the thread takes them."""
    listener = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
        # Connections of the process before us may linger for a minute (TIME_WAIT).
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen()
    except OSError as error:
        if listener is not None:
            listener.close()
        raise Misconfigured(
            f"web.listen: cannot listen on {host} port {port}: {error.strerror}; "
            "stop what uses it, or choose another address"
        ) from error
    return listener
