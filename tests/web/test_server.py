"""Starting, stopping, and clients that do not behave."""

import contextlib
import logging
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from collector.errors import Misconfigured
from collector.web.server import MAX_REQUEST_BYTES, STOP_WITHIN, WebServer
from tests.web.conftest import TIMEOUT_SECONDS, Serve, Site
from tests.web.fakes import Store


@contextlib.contextmanager
def connected(site: Site) -> Iterator[socket.socket]:
    with socket.create_connection(site.server.address, timeout=TIMEOUT_SECONDS) as connection:
        yield connection


def test_a_port_in_use_is_a_mistake_of_the_configuration(serve: Serve) -> None:
    host, port = serve().server.address

    with pytest.raises(Misconfigured) as caught:
        WebServer(_no_app, host=host, port=port).start()

    assert (
        f"web.listen: cannot listen on 127.0.0.1 port {port}: Address already in use; "
        "stop what uses it, or choose another address"
    ) == str(caught.value)


def test_an_address_of_another_machine_is_a_mistake_of_the_configuration() -> None:
    """192.0.2.0/24 is for documentation (RFC 5737)."""
    with pytest.raises(Misconfigured, match=r"^web.listen: cannot listen on 192\.0\.2\.1 port 0: "):
        WebServer(_no_app, host="192.0.2.1", port=0).start()


def test_a_server_that_never_started_stops_too() -> None:
    server = WebServer(_no_app, host="127.0.0.1", port=0)

    server.stop()

    assert not server.is_alive()


def test_a_server_stops_at_once_after_it_started(serve: Serve) -> None:
    server = serve().server

    server.stop()

    assert not server.is_alive()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(server.address, timeout=TIMEOUT_SECONDS)


def test_half_a_request_holds_up_neither_others_nor_the_end(serve: Serve) -> None:
    site = serve()
    with connected(site) as half, connected(site) as silent:
        half.sendall(b"GET / HTTP/1.1\r\nHost: local")

        assert 200 == site.get("/healthz").status

        begun = time.monotonic()
        site.server.stop()
        assert time.monotonic() - begun < STOP_WITHIN.total_seconds()
        assert not site.server.is_alive()
        assert (b"", b"") == (half.recv(1), silent.recv(1))


def test_half_a_request_is_dropped_in_time(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit is shortened, so that the test need not wait for it."""
    monkeypatch.setattr("collector.web.server.REQUEST_TIMEOUT", STOP_WITHIN / 10)
    site = serve()
    with connected(site) as silent, connected(site) as half, connected(site) as second_half:
        half.sendall(b"GET / HTTP/1.1\r\nHost: local")
        second_half.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /healthz HTT")

        assert (b"", b"") == (half.recv(1), silent.recv(1))
        assert b"HTTP/1.1 200 OK" == _all_of(second_half).splitlines()[0]


def test_a_request_without_end_is_dropped(serve: Serve) -> None:
    site = serve()
    with connected(site) as endless:
        try:
            endless.sendall(b"GET / HTTP/1.1\r\nX: " + b"x" * (2 * MAX_REQUEST_BYTES))
            assert b"" == endless.recv(1)
        except ConnectionError:
            pass  # it was dropped while we were still sending

    assert 200 == site.get("/healthz").status


def test_one_connection_serves_many_requests(serve: Serve) -> None:
    """The limit is for each request, not for all that a connection ever carries."""
    request = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 1_000 + b"\r\n\r\n"
    with connected(serve()) as connection:
        answers = connection.makefile("rb")
        for _ in range(2 * MAX_REQUEST_BYTES // len(request)):
            connection.sendall(request)
            assert b"HTTP/1.1 200 OK\r\n" == answers.readline()
            while answers.readline() != b"\r\n":
                pass
            assert b"ok\n" == answers.read(3)


def test_what_is_no_http_is_answered_400(serve: Serve) -> None:
    with connected(serve()) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n")

        assert b"HTTP/1.1 400 Bad Request" == _all_of(connection).splitlines()[0]


def test_a_slow_page_does_not_hold_up_the_others(serve: Serve) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        asked.set()
        assert go_on.wait(TIMEOUT_SECONDS)

    site = serve(Store(before=wait))
    slow = threading.Thread(target=site.get, args=("/",))
    slow.start()
    try:
        assert asked.wait(TIMEOUT_SECONDS)
        assert 200 == site.get("/healthz").status
    finally:
        go_on.set()
        slow.join(TIMEOUT_SECONDS)


def test_a_page_that_hangs_in_the_store_does_not_hold_up_the_end(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The time to finish is shortened, so that the test need not wait for it."""
    monkeypatch.setattr("collector.web.server.DRAIN", STOP_WITHIN * 0)
    asked, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        asked.set()
        assert go_on.wait(TIMEOUT_SECONDS)

    site = serve(Store(before=wait))
    with connected(site) as patient:
        patient.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert asked.wait(TIMEOUT_SECONDS)

        begun = time.monotonic()
        site.server.stop()
        assert time.monotonic() - begun < STOP_WITHIN.total_seconds()

        go_on.set()
        answer = _all_of(patient)
        assert b"HTTP/1.1 503 Service Unavailable" == answer.splitlines()[0]
        assert answer.endswith(b"\r\n\r\nThe program is stopping.\n")
    assert "Traceback" not in caplog.text


def test_a_client_that_hangs_up_leaves_no_trace_in_the_log(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    asked, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        asked.set()
        assert go_on.wait(TIMEOUT_SECONDS)

    site = serve(Store(before=wait))
    with connected(site) as impatient:
        impatient.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert asked.wait(TIMEOUT_SECONDS)
    go_on.set()
    assert 200 == site.get("/").status
    site.server.stop()

    assert [] == [record for record in caplog.records if record.levelno >= logging.WARNING]


def _all_of(connection: socket.socket) -> bytes:
    return b"".join(iter(lambda: connection.recv(65_536), b""))


async def _no_app(scope: object, receive: object, send: object) -> None:
    raise NotImplementedError
