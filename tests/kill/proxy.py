"""Stands between the collector and its mail server, and has it killed at certain words."""

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from enum import Enum, auto
from types import TracebackType
from typing import Self


class Moment(Enum):
    """When to kill: before the server has heard the words, as it hears them, or as it answers them."""

    UNHEARD = auto()
    HEARD = auto()
    ANSWERED = auto()


class KillingProxy:
    """A plain line to a server on 127.0.0.1; ``kill`` is called when the words come for the n-th time."""

    def __init__(self, port: int, *, words: bytes, times: int, moment: Moment) -> None:
        self._server_port = port
        self._words = words
        self._left = times
        self._moment = moment
        self._is_answer_awaited = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self.kill: Callable[[], None] | None = None
        self.port: int = self._listener.getsockname()[1]

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Wakes the thread that waits in accept; closing alone does not.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client, socket.create_connection(("127.0.0.1", self._server_port)) as server:
                back = threading.Thread(target=self._bring_back, args=(server, client))
                back.start()
                with suppress(OSError):
                    self._bring(client, server)
                with suppress(OSError):
                    server.shutdown(socket.SHUT_WR)
                back.join()

    def _bring(self, client: socket.socket, server: socket.socket) -> None:
        """Hand on what the collector says; its lines are short and come in one piece."""
        while sent := client.recv(65536):
            is_it = self._words in sent and self._strike()
            if is_it and self._moment is Moment.UNHEARD:
                self._kill()
                return
            if is_it and self._moment is Moment.ANSWERED:
                self._is_answer_awaited.set()
            server.sendall(sent)
            if is_it and self._moment is Moment.HEARD:
                self._kill()

    def _bring_back(self, server: socket.socket, client: socket.socket) -> None:
        """Hand on what the server says, to its end, be there someone who listens or not."""
        with suppress(OSError):
            while answer := server.recv(65536):
                if self._is_answer_awaited.is_set():
                    self._is_answer_awaited.clear()
                    self._kill()
                with suppress(OSError):
                    client.sendall(answer)

    def _strike(self) -> bool:
        self._left -= 1
        return self._left == 0

    def _kill(self) -> None:
        assert self.kill is not None
        self.kill()
