"""The webhook channel against real HTTP servers."""

import hashlib
import hmac
import json
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from collector.alerting.alert import AlertEvent, Notification
from collector.alerting.trial import trial_notification
from collector.channels.webhook import MAX_CAUSES, MAX_ORGANIZATIONS, WebhookChannel
from collector.errors import ChannelRefused, ChannelUnavailable
from collector.tlsrpt.result_types import RESULT_TYPES
from tests.build import NOW, utc
from tests.channels.contract import LONG, SECRET, SHORT, Arrived, ChannelContract
from tests.channels.notices import FETCH_ERROR, HARMLESS, MISMATCH, alert, hostile_notification, notification
from tests.channels.servers import Hook, Post, http_server

PATH = "/hooks/T0KEN"


def channel(port: int, *, scheme: str = "http", path: str = PATH, **changes: Any) -> WebhookChannel:
    settings: dict[str, Any] = {
        "name": "hook",
        "url": f"{scheme}://127.0.0.1:{port}{path}",
        "secret": SECRET,
        "ca_file": None,
        "timeout": LONG,
        "page_url": "https://tlsrpt.example.com/",
    }
    return WebhookChannel(**(settings | changes))


@pytest.fixture
def hook() -> Hook:
    return Hook()


@pytest.fixture
def port(hook: Hook) -> Iterator[int]:
    with http_server(hook) as port:
        yield port


@pytest.fixture
def tls_port(hook: Hook, server_context: ssl.SSLContext) -> Iterator[int]:
    with http_server(hook, server_context) as port:
        yield port


class TestWebhookKeepsTheContract(ChannelContract):
    @pytest.fixture
    def working(self, tls_port: int, ca_file: Path) -> WebhookChannel:
        return channel(tls_port, scheme="https", ca_file=ca_file)

    @pytest.fixture
    def arrived(self, hook: Hook) -> Arrived:
        return lambda: [_unescaped(post.body) for post in hook.posts]

    @pytest.fixture
    def untrusted(self, tls_port: int, other_ca_file: Path) -> WebhookChannel:
        return channel(tls_port, scheme="https", ca_file=other_ca_file)

    @pytest.fixture
    def busy(self, port: int, hook: Hook) -> WebhookChannel:
        hook.status = 503
        return channel(port)

    @pytest.fixture
    def refusing(self, port: int, hook: Hook) -> WebhookChannel:
        hook.status = 404
        return channel(port)

    @pytest.fixture
    def away(self, closed_port: int) -> WebhookChannel:
        return channel(closed_port)

    @pytest.fixture
    def silent(self, silent_port: int) -> WebhookChannel:
        return channel(silent_port, timeout=SHORT)


def _unescaped(body: bytes) -> str:
    """The JSON with its escapes undone, as a careless receiver would show it."""
    return json.dumps(json.loads(body), ensure_ascii=False).replace("\\n", "\n")


def post(port: int, told: Notification, hook: Hook, **changes: Any) -> Post:
    channel(port, **changes).send(told, now=NOW)
    return hook.posts[-1]


def body(port: int, told: Notification, hook: Hook) -> dict[str, Any]:
    document = json.loads(post(port, told, hook).body)
    assert isinstance(document, dict)
    return document


def test_the_body_is_the_documented_one(port: int, hook: Hook) -> None:
    mismatch = RESULT_TYPES["certificate-host-mismatch"]
    fetch_error = RESULT_TYPES["sts-policy-fetch-error"]

    assert {
        "version": 1,
        "event": "alert.raised",
        "kind": "failure-rate",
        "id": f"{alert().alert_id}.1",
        "alert_id": alert().alert_id,
        "sent_at": "2026-05-12T06:00:00Z",
        "severity": "critical",
        "title": "CRITICAL: 47 of 937 TLS sessions to example.com failed (5.02 %) on 2026-05-11",
        "policy_domain": "example.com",
        "day": "2026-05-11",
        "sessions": 937,
        "failed_sessions": 47,
        "failure_rate": 47 / 937,
        "threshold": 0.05,
        "causes": [
            {
                "result_type": "certificate-host-mismatch",
                "receiving_mx_hostname": "mail2.example.com",
                "failed_sessions": 45,
                "meaning": mismatch.meaning,
                "action": mismatch.action,
                "check": (
                    "openssl s_client -starttls smtp -connect mail2.example.com:25"
                    " -servername mail2.example.com </dev/null 2>/dev/null"
                    " | openssl x509 -noout -subject -ext subjectAltName"
                ),
            },
            {
                "result_type": "sts-policy-fetch-error",
                "receiving_mx_hostname": None,
                "failed_sessions": 2,
                "meaning": fetch_error.meaning,
                "action": fetch_error.action,
                "check": "curl -sS -i https://mta-sts.example.com/.well-known/mta-sts.txt",
            },
        ],
        "organizations": ["Google Inc.", "Microsoft Corporation"],
        "url": "https://tlsrpt.example.com/",
    } == body(port, notification(), hook)


def test_a_day_without_sessions_has_no_rate(port: int, hook: Hook) -> None:
    told = notification(AlertEvent.CLEARED, about=alert(sessions=0, failed=0, cleared_at=NOW, changes=2))

    document = body(port, told, hook)

    assert ("alert.cleared", f"{alert().alert_id}.2", alert().alert_id, None) == (
        document["event"],
        document["id"],
        document["alert_id"],
        document["failure_rate"],
    )


def test_a_test_is_an_affair_of_the_operator(port: int, hook: Hook) -> None:
    document = body(port, trial_notification(now=NOW), hook)

    assert ("alert.test", "operator", "warning") == (
        document["event"],
        document["kind"],
        document["severity"],
    )


def test_every_event_has_the_same_keys(port: int, hook: Hook) -> None:
    raised = body(port, notification(), hook)
    others = (notification(AlertEvent.CLEARED, causes=(), organizations=()), trial_notification(now=NOW))

    assert [list(raised)] * 2 == [list(body(port, told, hook)) for told in others]


def test_hostile_names_are_one_line_of_visible_text(port: int, hook: Hook) -> None:
    document = body(port, hostile_notification(), hook)

    cause = document["causes"][0]
    assert ([HARMLESS], HARMLESS, HARMLESS) == (
        document["organizations"],
        cause["result_type"],
        cause["receiving_mx_hostname"],
    )


def test_lists_are_bounded(port: int, hook: Hook) -> None:
    told = notification(
        causes=(MISMATCH, FETCH_ERROR) * MAX_CAUSES, organizations=("X",) * (MAX_ORGANIZATIONS + 1)
    )

    document = body(port, told, hook)

    assert (MAX_CAUSES, MAX_ORGANIZATIONS) == (len(document["causes"]), len(document["organizations"]))


def test_a_receiver_can_verify_the_signature(port: int, hook: Hook) -> None:
    """As a receiver would: from the raw body, the header and the shared secret alone."""
    arrived = post(port, notification(), hook)

    signed = arrived.headers["X-TLSRPT-Timestamp"].encode() + b"." + arrived.body
    expected = "sha256=" + hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
    assert hmac.compare_digest(expected, arrived.headers["X-TLSRPT-Signature"])
    assert str(int(NOW.timestamp())) == arrived.headers["X-TLSRPT-Timestamp"]


def test_without_a_secret_nothing_is_signed(port: int, hook: Hook) -> None:
    arrived = post(port, notification(), hook, secret=None)

    assert not [name for name in arrived.headers if name.startswith("X-TLSRPT")]


def test_a_retry_keeps_its_id_and_tells_its_own_time(port: int, hook: Hook) -> None:
    for hour in (6, 7):
        channel(port).send(notification(), now=utc(2026, 5, 12, hour))

    first, second = (json.loads(arrived.body) for arrived in hook.posts)
    assert first["id"] == second["id"]
    assert ("2026-05-12T06:00:00Z", "2026-05-12T07:00:00Z") == (first["sent_at"], second["sent_at"])


def test_the_request_is_json_to_the_whole_address(port: int, hook: Hook) -> None:
    arrived = post(port, notification(), hook, path="/hooks/T0KEN?team=mail")

    assert ("/hooks/T0KEN?team=mail", "application/json") == (arrived.path, arrived.headers["Content-Type"])
    assert arrived.headers["User-Agent"].startswith("tlsrpt-collector/")


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_2xx_is_a_yes(port: int, hook: Hook, status: int) -> None:
    hook.status = status

    post(port, notification(), hook)

    assert 1 == len(hook.posts)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_some_answers_mean_later(port: int, hook: Hook, status: int) -> None:
    hook.status = status

    with pytest.raises(
        ChannelUnavailable, match=rf"^http://127\.0\.0\.1:{port} answers with status {status}$"
    ):
        post(port, notification(), hook)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_other_answers_mean_never(port: int, hook: Hook, status: int) -> None:
    hook.status = status

    with pytest.raises(
        ChannelRefused,
        match=rf"^http://127\.0\.0\.1:{port} refuses with status {status}; check url and secret$",
    ):
        post(port, notification(), hook)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_refused_and_not_followed(port: int, hook: Hook, status: int) -> None:
    hook.status = status
    hook.headers = {"Location": "/elsewhere"}

    with pytest.raises(ChannelRefused, match=f"status {status}: redirects are not followed"):
        post(port, notification(), hook)

    assert [PATH] == [arrived.path for arrived in hook.posts]


def test_a_proxy_of_the_environment_is_not_used(
    port: int, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")

    post(port, notification(), hook)

    assert 1 == len(hook.posts)


@pytest.mark.parametrize(
    "url",
    [
        "http://[::1/hooks/T0KEN",
        "http://a..b/hooks/T0KEN",
        "ftp://example.com/hooks/T0KEN",
        "/hooks/T0KEN",
        "",
    ],
)
def test_an_address_that_is_none_is_refused_without_being_shown(hook: Hook, url: str) -> None:
    with pytest.raises(ChannelRefused, match=r"this is no address to post to: .*; check url") as caught:
        post(0, notification(), hook, url=url)

    assert "T0KEN" not in str(caught.value)


def test_no_error_shows_the_path_of_the_address_nor_do_the_errors_behind_it(port: int, hook: Hook) -> None:
    hook.status = 500

    with pytest.raises(ChannelUnavailable) as caught:
        post(port, notification(), hook)

    assert "T0KEN" not in f"{caught.value} {caught.value.__cause__}"


def test_https_on_a_port_that_speaks_http_says_so(port: int, hook: Hook) -> None:
    with pytest.raises(ChannelUnavailable, match=r"cannot be reached: TLS fails: "):
        post(port, notification(), hook, scheme="https")
