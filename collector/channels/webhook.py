"""Alerts by webhook: one signed POST of JSON (see "Webhook" in the documentation)."""

import hashlib
import hmac
import json
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any

import urllib3
from urllib3.exceptions import HTTPError, LocationValueError, NewConnectionError
from urllib3.exceptions import TimeoutError as NoAnswer

from collector import __version__
from collector.alerting.alert import AlertEvent, Notification
from collector.alerting.wording import CauseWording, cause_wordings, printable, wording
from collector.channels.tls import tls_context, untrusted
from collector.errors import ChannelRefused, ChannelUnavailable

BODY_VERSION = 1

# A receiver can do more with a list than a reader, but a hostile report could name thousands.
MAX_CAUSES = 20
MAX_ORGANIZATIONS = 50

# Of these the HTTP specifications say: try again (RFC 9110 §15.5.9, RFC 8470 §5.2, RFC 6585 §4).
_TRY_AGAIN = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})

_SCHEMES = frozenset({"http", "https"})
_NO_ADDRESS = "this is no address to post to: it needs https:// and a host; check url"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookChannel:
    """Posts alerts to one address. The address may hold a secret: scheme and host alone are ever shown."""

    name: str
    url: str = field(repr=False)
    secret: str | None = field(repr=False)
    ca_file: Path | None
    timeout: timedelta
    page_url: str | None

    def send(self, notification: Notification, *, now: datetime) -> None:
        """Post one notification; any 2xx is a yes, redirects are not followed."""
        body = webhook_body(notification, page_url=self.page_url, now=now)
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"tlsrpt-collector/{__version__}",
            **signature_headers(body, secret=self.secret, now=now),
        }
        place = _place(self.url)
        with _translated(place, self.timeout):
            status = self._post(body, headers)
        _judge(status, place)

    def _post(self, body: bytes, headers: dict[str, str]) -> int:
        """Return the status of the answer. Its body is left unread: it says nothing we need."""
        seconds = self.timeout.total_seconds()
        with urllib3.PoolManager(ssl_context=tls_context(self.ca_file)) as pool:
            answer = pool.request(
                "POST",
                self.url,
                body=body,
                headers=headers,
                timeout=urllib3.Timeout(total=seconds),
                redirect=False,
                retries=False,
                preload_content=False,
            )
            answer.close()
            return answer.status


def webhook_body(notification: Notification, *, page_url: str | None, now: datetime) -> bytes:
    """Build the JSON document: every key is always there, null where it has no meaning."""
    change = notification.change
    alert = change.alert
    rate = alert.failure_rate
    causes = cause_wordings(notification, limit=MAX_CAUSES)
    document: dict[str, Any] = {
        "version": BODY_VERSION,
        "event": change.event.value,
        "kind": "operator" if change.event is AlertEvent.TEST else alert.kind.value,
        "id": change.message_id,
        "alert_id": alert.alert_id,
        "sent_at": f"{now:%Y-%m-%dT%H:%M:%SZ}",
        "severity": alert.severity.word,
        "title": wording(notification).title,
        "policy_domain": alert.policy_domain,
        "day": alert.day.isoformat(),
        "sessions": alert.sessions,
        "failed_sessions": alert.failed_sessions,
        "failure_rate": None if rate is None else float(rate),
        "threshold": float(alert.threshold),
        "causes": [_cause(cause) for cause in causes],
        "organizations": [printable(name) for name in notification.organizations[:MAX_ORGANIZATIONS]],
        "url": page_url,
    }
    return json.dumps(document).encode()


def signature_headers(body: bytes, *, secret: str | None, now: datetime) -> dict[str, str]:
    """Sign a body with the time, so that a receiver can tell an old message from a new one."""
    if secret is None:
        return {}
    timestamp = str(int(now.timestamp()))
    digest = hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {"X-TLSRPT-Timestamp": timestamp, "X-TLSRPT-Signature": f"sha256={digest}"}


def _cause(cause: CauseWording) -> dict[str, Any]:
    return {
        "result_type": cause.result_type,
        "receiving_mx_hostname": cause.receiving_mx_hostname,
        "failed_sessions": cause.failed_sessions,
        "meaning": cause.meaning,
        "action": cause.action,
        "check": cause.commands[0],
    }


def _judge(status: int, place: str) -> None:
    """Raise unless the answer was a yes."""
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    if status in _TRY_AGAIN or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise ChannelUnavailable(f"{place} answers with status {status}")
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        message = f"{place} answers with status {status}: redirects are not followed; give the final url"
        raise ChannelRefused(message)
    raise ChannelRefused(f"{place} refuses with status {status}; check url and secret")


@contextmanager
def _translated(place: str, timeout: timedelta) -> Iterator[None]:
    """Turn what urllib3 raises into the errors of a channel.

    The texts of urllib3 may hold the whole address, and so do the errors behind them:
    none of these is shown, and only those without it are kept as the cause.
    """
    try:
        yield
    except LocationValueError:
        raise ChannelRefused(f"{place}: {_NO_ADDRESS}") from None
    except (HTTPError, OSError) as error:
        # A refused connection is a timeout by its class only.
        if isinstance(error, NoAnswer) and not isinstance(error, NewConnectionError):
            message = f"{place} does not answer within {timeout.total_seconds():g} s"
            raise ChannelUnavailable(message) from error
        reason = _reason(error)
        if isinstance(reason, ssl.SSLCertVerificationError):
            raise untrusted(place, reason) from reason
        raise ChannelUnavailable(f"{place} cannot be reached: {_words(reason)}") from reason


def _reason(error: BaseException) -> BaseException:
    """Find the socket's own error behind those of urllib3."""
    while not isinstance(error, OSError):
        behind = error.__cause__ or error.__context__
        behind = behind or next((a for a in error.args if isinstance(a, BaseException)), None)
        if behind is None:
            return error
        error = behind
    return error


def _words(error: BaseException) -> str:
    if isinstance(error, ssl.SSLError):
        return f"TLS fails: {error.reason}"
    return (error.strerror if isinstance(error, OSError) else None) or type(error).__name__


def _place(url: str) -> str:
    """Return scheme and host of an address, the only parts of it that are shown."""
    try:
        parts = urllib3.util.parse_url(url)
    except LocationValueError:
        raise ChannelRefused(_NO_ADDRESS) from None
    if parts.scheme not in _SCHEMES or not parts.host:
        raise ChannelRefused(_NO_ADDRESS)
    port = "" if parts.port is None else f":{parts.port}"
    return printable(f"{parts.scheme}://{parts.host}{port}")
