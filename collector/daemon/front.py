"""The web listener over the life of the process: pages and address may change, connections do not notice."""

from collections.abc import Sequence
from typing import NoReturn, cast
from urllib.parse import urlsplit

import structlog

from collector.config import ListenAddress, WebSettings
from collector.errors import StoreUnavailable
from collector.ports import Clock, Pulse, Questions
from collector.web.app import LOOPBACK_HOSTS, make_app
from collector.web.metrics import PrometheusMeter
from collector.web.server import Pages, WebServer

_log = structlog.get_logger()


class Front:
    """Serves the latest pages at the latest address."""

    def __init__(self, meter: PrometheusMeter, clock: Clock) -> None:
        """Prepare; nothing is served before :meth:`listen` and :meth:`show`."""
        self._meter = meter
        self._clock = clock
        self._pages = Pages()
        self._listen: ListenAddress | None = None
        self._server: WebServer | None = None

    def listen(self, listen: ListenAddress | None) -> None:
        """Listen at an address, or no longer; raises ``Misconfigured`` and stays where it cannot."""
        if listen == self._listen:
            return
        server = None
        if listen is not None:
            server = WebServer(self._pages, host=listen.host, port=listen.port)
            server.start()
            _log.info("web_started", address=":".join(map(str, server.address)))
        self.close()
        self._listen, self._server = listen, server

    def show(self, settings: WebSettings, questions: Questions, pulse: Pulse) -> None:
        """Change the pages: of which store, of which threads."""
        host = settings.listen.host if settings.listen else ""
        self._pages.show(
            make_app(
                questions=questions,
                pulse=pulse,
                meter=self._meter,
                clock=self._clock,
                allowed_hosts=_allowed_hosts(host, settings.url),
            )
        )

    def is_alive(self) -> bool:
        """Tell whether the server runs, where one should."""
        return self._server is None or self._server.is_alive()

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.stop()
            self._server = None


class AbsentStore:
    """Answers every question with the reason why the store is not there."""

    def __init__(self, reason: str) -> None:
        """Keep the reason."""
        self._reason = reason

    def __getattr__(self, question: str) -> object:
        """Be asked anything."""

        def refuse(*wanted: object, **more: object) -> NoReturn:
            del wanted, more
            raise StoreUnavailable(self._reason)

        return refuse

    def stalled(self) -> Sequence[str]:
        """Name no thread: to wait for a store is no standstill."""
        return ()

    def troubles(self) -> dict[str, str]:
        """Tell that the store is away."""
        return {"store": self._reason}

    @property
    def questions(self) -> Questions:
        """The same, as whoever asks questions knows it."""
        return cast("Questions", self)


def _allowed_hosts(listen_host: str, url: str | None) -> Sequence[str] | None:
    """Tell by which names the page may be asked for; on loopback a foreign one is an attack."""
    if listen_host not in LOOPBACK_HOSTS:
        return None
    public = urlsplit(url or "").hostname
    return (*LOOPBACK_HOSTS, public) if public else LOOPBACK_HOSTS
