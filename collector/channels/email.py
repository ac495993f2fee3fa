"""Alerts by e-mail: SMTP with TLS, STARTTLS and authentication."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path
from typing import Literal

import structlog

from collector.alerting.alert import Notification
from collector.alerting.wording import printable
from collector.channels.mail import alert_mail
from collector.channels.tls import tls_context, untrusted
from collector.errors import ChannelRefused, ChannelUnavailable

_log = structlog.get_logger()

# RFC 5321 §4.2.1: from here on a reply says "not this way, ever".
_PERMANENT = 500

# A reply may have many lines of 512 octets; the start says what matters.
_REPLY_SHOWN = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailChannel:
    """Sends alerts through one SMTP server to every recipient, in the calling thread.

    With ``implicit`` and ``starttls`` nothing is said in the clear: a server that offers
    no TLS, or whose certificate does not verify, gets no message.
    """

    name: str
    host: str
    port: int
    tls: Literal["implicit", "starttls", "none"]
    ca_file: Path | None
    username: str | None
    password: str | None = field(repr=False)
    sender: str
    to: tuple[str, ...]
    timeout: timedelta
    page_url: str | None

    def send(self, notification: Notification, *, now: datetime) -> None:
        """Hand the message over; taken by one recipient it counts as sent, and is not sent again."""
        message = alert_mail(notification, sender=self.sender, to=self.to, page_url=self.page_url, now=now)
        with _translated(self._place):
            smtp = self._connected()
            try:
                refused = self._handed_over(smtp, message)
                _say_goodbye(smtp)
            finally:
                smtp.close()
        if refused:
            replies = {to: _reply(code, text) for to, (code, text) in refused.items()}
            _log.warning("recipients_refused", channel=self.name, replies=replies)

    @property
    def _place(self) -> str:
        return f"{self.host}:{self.port}"

    def _connected(self) -> smtplib.SMTP:
        seconds = self.timeout.total_seconds()
        if self.tls == "implicit":
            context = tls_context(self.ca_file)
            return smtplib.SMTP_SSL(self.host, self.port, timeout=seconds, context=context)
        return smtplib.SMTP(self.host, self.port, timeout=seconds)

    def _handed_over(self, smtp: smtplib.SMTP, message: EmailMessage) -> dict[str, tuple[int, bytes]]:
        """Secure the session, log in and send; return who was refused while others were not."""
        if self.tls == "starttls":
            smtp.starttls(context=tls_context(self.ca_file))
        if self.username is not None and self.password is not None:
            _log_in(smtp, self.username, self.password)
        return smtp.send_message(message, from_addr=_address(self.sender), to_addrs=self._recipients)

    @property
    def _recipients(self) -> list[str]:
        return [_address(recipient) for recipient in self.to]


def _log_in(smtp: smtplib.SMTP, username: str, password: str) -> None:
    try:
        smtp.login(username, password)
    except UnicodeEncodeError:
        # smtplib writes both as ASCII only; its error would carry the password.
        raise ChannelRefused("username and password of an SMTP server must be ASCII; change them") from None


def _say_goodbye(smtp: smtplib.SMTP) -> None:
    """End the session; the message is taken, whatever the server says to QUIT."""
    with suppress(smtplib.SMTPException, OSError):
        smtp.quit()


@contextmanager
def _translated(place: str) -> Iterator[None]:
    """Turn what smtplib raises into the two errors of a channel."""
    try:
        yield
    except smtplib.SMTPRecipientsRefused as error:
        replies = "; ".join(f"{to}: {_reply(*reply)}" for to, reply in error.recipients.items())
        final = all(code >= _PERMANENT for code, _ in error.recipients.values())
        raise _error(final=final, message=f"{place} refuses every recipient: {replies}") from error
    except smtplib.SMTPAuthenticationError as error:
        message = f"{place} refuses the login: {_reply(error.smtp_code, error.smtp_error)}"
        raise _error(
            final=error.smtp_code >= _PERMANENT, message=f"{message}; check username and password"
        ) from error
    except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        message = f"{place} refuses the message: {_reply(error.smtp_code, error.smtp_error)}"
        raise _error(final=error.smtp_code >= _PERMANENT, message=message) from error
    except smtplib.SMTPResponseException as error:
        raise ChannelUnavailable(f"{place}: {_reply(error.smtp_code, error.smtp_error)}") from error
    except ssl.SSLCertVerificationError as error:
        raise untrusted(place, error) from error
    except ssl.SSLError as error:
        reason = error.reason or str(error)
        raise ChannelUnavailable(f"{place}: TLS fails: {reason}; check that tls fits the port") from error
    except smtplib.SMTPNotSupportedError as error:
        message = f"{place}: {error} Nothing was sent; mend the server, or check port, tls and username"
        raise ChannelUnavailable(message) from error
    except (smtplib.SMTPException, OSError) as error:
        raise ChannelUnavailable(f"{place}: {printable(str(error), _REPLY_SHOWN)}") from error


def _error(*, final: bool, message: str) -> ChannelRefused | ChannelUnavailable:
    return ChannelRefused(message) if final else ChannelUnavailable(message)


def _reply(code: int, text: bytes | str) -> str:
    words = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return f"{code} {printable(words, _REPLY_SHOWN)}"


def _address(mailbox: str) -> str:
    return parseaddr(mailbox)[1] or mailbox
