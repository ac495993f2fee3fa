"""An IMAP server that says what a test tells it to, for what a good server never does."""

import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from types import TracebackType
from typing import Self

_ANSWERS = {
    "CAPABILITY": "* CAPABILITY IMAP4rev1 AUTH=PLAIN MOVE UIDPLUS\r\n{tag} OK done",
    "AUTHENTICATE": "{tag} OK done",
    "LIST": '* LIST () "/" "TLSRPT-processed"\r\n* LIST () "/" "TLSRPT-rejected"\r\n{tag} OK done',
    "SELECT": "* 1 EXISTS\r\n* OK [UIDVALIDITY 7] fine\r\n{tag} OK [READ-WRITE] done",
    "EXAMINE": "* 1 EXISTS\r\n* OK [UIDVALIDITY 7] fine\r\n{tag} OK [READ-ONLY] done",
    "SEARCH": "* SEARCH 1\r\n{tag} OK done",
    "LOGOUT": "* BYE\r\n{tag} OK done",
}


class ScriptedImap:
    """Speaks plain text on 127.0.0.1 to one client after the other; use it in a ``with``.

    ``answers``, by words of the command, go before those of a server with one mail;
    ``{tag}`` becomes the command's tag, and an answer without it never ends.
    ``heard`` is every line that came in.
    """

    def __init__(self, *, greeting: str = "* OK hello", answers: Mapping[str, str] | None = None) -> None:
        self._greeting = greeting
        self._answers = dict(answers or {})
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve)
        self.port: int = self._listener.getsockname()[1]
        self.heard: list[str] = []

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
                connection, _ = self._listener.accept()
            except OSError:
                return
            with connection, suppress(ConnectionError):
                self._converse(connection)

    def _converse(self, connection: socket.socket) -> None:
        with connection.makefile("rw", encoding="utf-8", newline="") as stream:
            print(self._greeting, end="\r\n", file=stream, flush=True)
            for line in stream:
                self.heard.append(line.rstrip("\r\n"))
                tag, _, command = line.removesuffix("\r\n").partition(" ")
                if command.startswith("AUTHENTICATE"):
                    print("+ ", end="\r\n", file=stream, flush=True)
                    self.heard.append(stream.readline().rstrip("\r\n"))
                answer = self._answer(command).replace("{tag}", tag)
                print(answer, end="\r\n", file=stream, flush=True)
                if answer.startswith("* BYE"):
                    return

    def _answer(self, command: str) -> str:
        for answers in (self._answers, _ANSWERS):
            for words, answer in answers.items():
                if words in command:
                    return answer
        return "{tag} OK done"
