"""Where the demo's alerts arrive: an SMTP server and a webhook, both of which only keep what comes."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from collector.demo.mailbox import free_port


@dataclass(slots=True)
class Sink:
    """A port on this machine, and what arrived there; ``taken`` of it has been looked at."""

    port: int
    arrived: list[bytes] = field(default_factory=list)
    taken: int = 0

    def take(self) -> list[bytes]:
        """Return what arrived since the last time."""
        new = self.arrived[self.taken :]
        self.taken += len(new)
        return new


@contextmanager
def mail_sink() -> Iterator[Sink]:
    """Run an SMTP server that keeps every mail."""
    from aiosmtpd.controller import Controller  # noqa: PLC0415  an extra, needed by the demo alone

    sink = Sink(port=0)

    class Keeper:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: ANN401, N802  aiosmtpd's signature
            del server, session
            sink.arrived.append(envelope.content)
            return "250 kept"

    # It tries the port itself before it tells which one it got, so 0 will not do.
    sink.port = free_port()
    controller = Controller(Keeper(), hostname="127.0.0.1", port=sink.port)
    controller.start()
    try:
        yield sink
    finally:
        controller.stop()


@contextmanager
def webhook_sink() -> Iterator[Sink]:
    """Run an HTTP server that keeps every body that is posted."""
    sink = Sink(port=0)

    class Keeper(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            sink.arrived.append(self.rfile.read(length))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            del args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Keeper)
    sink.port = server.server_address[1]
    # A daemon thread: an interruption that comes now must not leave a thread to be waited for.
    thread = threading.Thread(target=server.serve_forever, name="webhook-sink", daemon=True)
    thread.start()
    try:
        yield sink
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
