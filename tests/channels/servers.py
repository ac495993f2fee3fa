"""Real servers for channels to talk to: SMTP by aiosmtpd, HTTP by the standard library."""

import asyncio
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


@dataclass
class Mailbox:
    """Takes mail; refuses the recipients it is told to, and answers DATA as it is told to."""

    answer: str = "250 taken"
    refused: Mapping[str, str] = field(default_factory=dict)
    messages: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del server, session, options
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  as above
        del server
        if self.answer.startswith("2"):
            assert isinstance(envelope.content, bytes)
            message = message_from_bytes(envelope.content, policy=policy.default)
            self.messages.append(message)
            self.recipients.append(envelope.rcpt_tos)
            self.encrypted.append(session.ssl is not None)
        return self.answer


class _AnyPort(Controller):
    """Listens on a free port."""

    def _trigger_server(self) -> None:
        assert isinstance(self.server, asyncio.Server)
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()  # type: ignore[no-untyped-call]


@contextmanager
def smtp_server(mailbox: Mailbox, **options: Any) -> Iterator[int]:
    """Run a mail server, and yield its port."""
    controller = _AnyPort(mailbox, hostname="127.0.0.1", port=0, server_hostname="mail.test", **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


def authenticator(username: bytes, password: bytes) -> Any:
    """Check a login. ``handled=False`` lets aiosmtpd send the answer; else the client waits for ever."""

    def check(server: SMTP, session: Session, envelope: Envelope, mechanism: str, login: Any) -> AuthResult:
        del server, session, envelope, mechanism
        right = isinstance(login, LoginPassword) and (login.login, login.password) == (username, password)
        return AuthResult(success=right, handled=False)

    return check


@dataclass(frozen=True)
class Post:
    """One request as it arrived."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class Hook:
    """Answers every POST alike, and keeps what was posted."""

    status: int = 204
    headers: Mapping[str, str] = field(default_factory=dict)
    posts: list[Post] = field(default_factory=list)


@contextmanager
def http_server(hook: Hook, context: ssl.SSLContext | None = None) -> Iterator[int]:
    """Run a web server, and yield its port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.posts.append(Post(path=self.path, headers=dict(self.headers), body=body))
            self.send_response(hook.status)
            for name, value in hook.headers.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  its name there
            del format, args

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        if context is not None:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
