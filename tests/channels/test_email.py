"""The e-mail channel against real SMTP servers."""

import ssl
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from collector.alerting.alert import AlertEvent, Notification
from collector.alerting.traffic import Cause
from collector.alerting.wording import MAX_CAUSES
from collector.channels.email import EmailChannel
from collector.errors import ChannelRefused, ChannelUnavailable
from tests.build import NOW, utc
from tests.channels.contract import LONG, SECRET, SHORT, Arrived, ChannelContract
from tests.channels.notices import FETCH_ERROR, HARMLESS, alert, hostile_notification, notification
from tests.channels.servers import Mailbox, authenticator, smtp_server

PAGE = "https://tlsrpt.example.com/"

GOLDEN_TEXT = """\
On 2026-05-11 (UTC) 47 of 937 TLS sessions to example.com failed. That is
5.02 % and exceeds the critical threshold of 5 %.

Domain:          example.com
Day:             2026-05-11 (UTC)
Failed sessions: 47 of 937
Failure rate:    5.02 %
Threshold:       5 % (critical); a rate must exceed it
Reported by:     Google Inc., Microsoft Corporation
Raised:          2026-05-12 06:00 UTC
Alert:           {alert_id}

------------------------------------------------------------------------
certificate-expired on mx1.example.com: 45 sessions

  Meaning
    The certificate that the MX host presented is past its end date.
  Likely cause
    It was not renewed, or it was renewed and the mail server still serves
    the old one because nothing reloaded it.
  What to do
    Renew it now (certbot renew) and reload what serves it (systemctl reload
    postfix; dovecot too where it shares the certificate). Make that
    automatic with certbot renew --deploy-hook "systemctl reload postfix".
    Look at every MX host: a backup MX is easily missed.
  Seen by one organization
    Only Google Inc. reports this. It may connect to another address of the
    host (IPv6, one node behind a load balancer) that still serves the old
    certificate.
  To check
    openssl s_client -starttls smtp -connect mx1.example.com:25 -servername mx1.example.com \
</dev/null 2>/dev/null | openssl x509 -noout -dates
    openssl s_client -starttls smtp -connect mx1.example.com:25 -servername mx1.example.com \
-verify_hostname mx1.example.com -verify_return_error </dev/null

------------------------------------------------------------------------
sts-policy-fetch-error: 2 sessions

  Meaning
    The sender found your MTA-STS record in DNS, and could not fetch the
    policy by HTTPS. Senders that hold an older policy go on with it; for
    the others the domain has none.
  Likely cause
    The host mta-sts of your domain has no address in DNS, does not answer,
    or answers something other than status 200. Redirects are not followed
    (RFC 8461 §3.3). Or the TXT record was left behind when the policy host
    went.
  What to do
    Serve /.well-known/mta-sts.txt on that host with status 200 and as
    text/plain, without redirect, login or bot protection, with a
    certificate for its name. If MTA-STS is no longer wanted, publish a
    policy of mode none first, wait out the longest max_age, and then remove
    record and policy (RFC 8461 §8.3).
  Seen by one organization
    Only Microsoft Corporation reports this. A firewall, rate limit or bot
    protection in front of the policy host may turn its fetchers away, or
    the host is broken on IPv6 only: look into the web server's log.
  To check
    curl -sS -i https://mta-sts.example.com/.well-known/mta-sts.txt
    dig +short TXT _mta-sts.example.com
    dig +short A mta-sts.example.com; dig +short AAAA mta-sts.example.com
------------------------------------------------------------------------

Senders report a day at a time: a repair shows in the reports of the next 48
to 72 hours. The alert is then cleared by itself, and you are told.

Overview: https://tlsrpt.example.com/
"""


def channel(port: int, **changes: Any) -> EmailChannel:
    settings: dict[str, Any] = {
        "name": "ops",
        "host": "127.0.0.1",
        "port": port,
        "tls": "none",
        "ca_file": None,
        "username": None,
        "password": None,
        "sender": "TLS alerts <alerts@example.com>",
        "to": ("ops@example.com", "Duty <duty@example.net>"),
        "timeout": LONG,
        "page_url": PAGE,
    }
    return EmailChannel(**(settings | changes))


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox()


@pytest.fixture
def plain_port(mailbox: Mailbox) -> Iterator[int]:
    with smtp_server(mailbox) as port:
        yield port


@pytest.fixture
def starttls_port(mailbox: Mailbox, server_context: ssl.SSLContext) -> Iterator[int]:
    """STARTTLS first, then a login: nothing goes without either."""
    with smtp_server(
        mailbox,
        tls_context=server_context,
        require_starttls=True,
        auth_required=True,
        authenticator=authenticator(b"collector", SECRET.encode()),
    ) as port:
        yield port


class TestEmailKeepsTheContract(ChannelContract):
    @pytest.fixture
    def working(self, starttls_port: int, ca_file: Path) -> EmailChannel:
        return channel(starttls_port, tls="starttls", ca_file=ca_file, username="collector", password=SECRET)

    @pytest.fixture
    def arrived(self, mailbox: Mailbox) -> Arrived:
        return lambda: [f"{message['Subject']}\n{text_of(message)}" for message in mailbox.messages]

    @pytest.fixture
    def untrusted(self, starttls_port: int, other_ca_file: Path) -> EmailChannel:
        return channel(
            starttls_port, tls="starttls", ca_file=other_ca_file, username="collector", password=SECRET
        )

    @pytest.fixture
    def busy(self, plain_port: int, mailbox: Mailbox) -> EmailChannel:
        mailbox.answer = "451 try again later"
        return channel(plain_port)

    @pytest.fixture
    def refusing(self, plain_port: int, mailbox: Mailbox) -> EmailChannel:
        mailbox.answer = "554 not here"
        return channel(plain_port)

    @pytest.fixture
    def away(self, closed_port: int) -> EmailChannel:
        return channel(closed_port)

    @pytest.fixture
    def silent(self, silent_port: int) -> EmailChannel:
        return channel(silent_port, timeout=SHORT)


def text_of(message: EmailMessage, subtype: str = "plain") -> str:
    part = message.get_body((subtype,))
    assert isinstance(part, EmailMessage)
    content = part.get_content()
    assert isinstance(content, str)
    return content.replace("\r\n", "\n")


def send(port: int, told: Notification, mailbox: Mailbox, **changes: Any) -> EmailMessage:
    channel(port, **changes).send(told, now=NOW)
    return mailbox.messages[-1]


def test_the_text_says_what_is_broken_and_how_to_mend_it(plain_port: int, mailbox: Mailbox) -> None:
    expired = Cause(
        result_type="certificate-expired",
        receiving_mx_hostname="mx1.example.com",
        failed_sessions=45,
        organizations=("Google Inc.",),
    )

    message = send(plain_port, notification(causes=(expired, FETCH_ERROR)), mailbox)

    assert GOLDEN_TEXT.format(alert_id=alert().alert_id) == text_of(message)


def test_causes_left_out_are_counted(plain_port: int, mailbox: Mailbox) -> None:
    message = send(plain_port, notification(causes=(FETCH_ERROR,) * (MAX_CAUSES + 1)), mailbox)

    assert "\n\nand 1 more cause; tlsrpt-collector failures lists them all\n" in text_of(message)
    assert ">and 1 more cause; <code>tlsrpt-collector failures</code> lists them all<" in text_of(
        message, "html"
    )


def test_long_facts_go_over_several_lines(plain_port: int, mailbox: Mailbox) -> None:
    organizations = ("Google Inc.", "Microsoft Corporation", "Another Organization with a Long Name")

    text = text_of(send(plain_port, notification(organizations=organizations), mailbox))

    assert (
        "\nReported by:     Google Inc., Microsoft Corporation, Another Organization"
        "\n                 with a Long Name\n"
    ) in text


def test_without_failure_details_there_is_no_list_of_causes(plain_port: int, mailbox: Mailbox) -> None:
    text = text_of(send(plain_port, notification(causes=()), mailbox))

    assert "----" not in text
    assert f"Alert:           {alert().alert_id}\n\nSenders report a day at a time" in text


def test_the_message_is_text_and_html_in_one(plain_port: int, mailbox: Mailbox) -> None:
    message = send(plain_port, notification(), mailbox)

    assert ["multipart/alternative", "text/plain", "text/html"] == [
        part.get_content_type() for part in message.walk()
    ]


def test_the_headers_name_the_message_and_keep_automata_quiet(plain_port: int, mailbox: Mailbox) -> None:
    message = send(plain_port, notification(), mailbox)

    alert_id = alert().alert_id
    assert {
        "From": "TLS alerts <alerts@example.com>",
        "To": "ops@example.com, Duty <duty@example.net>",
        "Subject": "CRITICAL: 47 of 937 TLS sessions to example.com failed (5.02 %) on 2026-05-11",
        "Date": "Tue, 12 May 2026 06:00:00 +0000",
        "Message-ID": f"<{alert_id}.1@example.com>",
        "In-Reply-To": None,
        "References": None,
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "All",
    } == {
        name: message[name]
        for name in (
            "From",
            "To",
            "Subject",
            "Date",
            "Message-ID",
            "In-Reply-To",
            "References",
            "Auto-Submitted",
            "X-Auto-Response-Suppress",
        )
    }


def test_later_messages_hang_under_the_one_that_raised_the_alert(plain_port: int, mailbox: Mailbox) -> None:
    message = send(plain_port, notification(AlertEvent.ESCALATED, about=alert(changes=2)), mailbox)

    raised = f"<{alert().alert_id}.1@example.com>"
    assert (f"<{alert().alert_id}.2@example.com>", raised, raised) == (
        message["Message-ID"],
        message["In-Reply-To"],
        message["References"],
    )


def test_a_retry_has_the_same_name(plain_port: int, mailbox: Mailbox) -> None:
    first = send(plain_port, notification(), mailbox)
    channel(plain_port).send(notification(), now=utc(2026, 5, 12, 7))

    assert first["Message-ID"] == mailbox.messages[-1]["Message-ID"]


def test_every_recipient_gets_it(plain_port: int, mailbox: Mailbox) -> None:
    send(plain_port, notification(), mailbox)

    assert [["ops@example.com", "duty@example.net"]] == mailbox.recipients


def test_the_html_shows_hostile_names_as_text_and_loads_nothing(plain_port: int, mailbox: Mailbox) -> None:
    message = send(plain_port, hostile_notification(), mailbox)

    html = text_of(message, "html")
    assert HARMLESS.replace("<", "&lt;").replace(">", "&gt;") in html
    assert "<script" not in html
    assert not [word for word in ("src=", "url(", "@import", "<link", "<img") if word in html]
    assert 1 == html.count("href=")


def test_the_message_is_seven_bit_for_servers_that_know_no_other(plain_port: int, mailbox: Mailbox) -> None:
    message = send(plain_port, notification(organizations=("Größe GmbH",)), mailbox)

    assert "Reported by:     Größe GmbH" in text_of(message)
    assert message.as_bytes().isascii()


def test_a_name_in_a_header_is_encoded(plain_port: int, mailbox: Mailbox) -> None:
    message = send(plain_port, notification(), mailbox, sender="Größe <alerts@example.com>")

    assert "Größe <alerts@example.com>" == message["From"]


def test_the_session_is_encrypted_by_starttls(starttls_port: int, mailbox: Mailbox, ca_file: Path) -> None:
    send(
        starttls_port,
        notification(),
        mailbox,
        tls="starttls",
        ca_file=ca_file,
        username="collector",
        password=SECRET,
    )

    assert [True] == mailbox.encrypted


def test_implicit_tls_works_from_the_first_byte(
    mailbox: Mailbox, server_context: ssl.SSLContext, ca_file: Path
) -> None:
    with smtp_server(mailbox, ssl_context=server_context) as port:
        send(port, notification(), mailbox, tls="implicit", ca_file=ca_file)

    assert 1 == len(mailbox.messages)


def test_implicit_tls_checks_the_certificate_too(
    mailbox: Mailbox, server_context: ssl.SSLContext, other_ca_file: Path
) -> None:
    with (
        smtp_server(mailbox, ssl_context=server_context) as port,
        pytest.raises(ChannelUnavailable, match="certificate is not trusted"),
    ):
        send(port, notification(), mailbox, tls="implicit", ca_file=other_ca_file)


def test_a_server_without_starttls_gets_nothing_in_the_clear(plain_port: int, mailbox: Mailbox) -> None:
    with pytest.raises(ChannelUnavailable, match=r"STARTTLS extension not supported by server\. Nothing was"):
        send(plain_port, notification(), mailbox, tls="starttls", username="collector", password=SECRET)

    assert [] == mailbox.messages


def test_tls_on_a_port_that_speaks_plain_smtp_says_what_to_look_at(plain_port: int, mailbox: Mailbox) -> None:
    with pytest.raises(ChannelUnavailable, match=r"TLS fails: .*; check that tls fits the port"):
        send(plain_port, notification(), mailbox, tls="implicit")


def test_a_missing_ca_file_is_named(plain_port: int, mailbox: Mailbox, tmp_path: Path) -> None:
    missing = tmp_path / "missing.pem"

    with pytest.raises(ChannelUnavailable, match=r"cannot read the CA file .*missing\.pem: No such file"):
        send(plain_port, notification(), mailbox, tls="implicit", ca_file=missing)


def test_a_wrong_password_is_refused_for_good_and_not_shown(
    starttls_port: int, mailbox: Mailbox, ca_file: Path
) -> None:
    with pytest.raises(
        ChannelRefused, match=r"refuses the login: 535 .*; check username and password"
    ) as caught:
        send(
            starttls_port,
            notification(),
            mailbox,
            tls="starttls",
            ca_file=ca_file,
            username="collector",
            password="hunter2",
        )

    assert "hunter2" not in str(caught.value)


def test_a_missing_login_is_refused_for_good(starttls_port: int, mailbox: Mailbox, ca_file: Path) -> None:
    with pytest.raises(ChannelRefused, match="refuses the message: 530 "):
        send(starttls_port, notification(), mailbox, tls="starttls", ca_file=ca_file)


def test_a_password_that_smtplib_cannot_send_is_refused_and_not_shown(
    starttls_port: int, mailbox: Mailbox, ca_file: Path
) -> None:
    with pytest.raises(ChannelRefused, match="must be ASCII") as caught:
        send(
            starttls_port,
            notification(),
            mailbox,
            tls="starttls",
            ca_file=ca_file,
            username="collector",
            password="schlüssel",
        )

    assert "schl" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_one_recipient_refused_is_logged_and_the_others_get_it(plain_port: int, mailbox: Mailbox) -> None:
    mailbox.refused = {"ops@example.com": "550 no such user"}

    with capture_logs() as logs:
        send(plain_port, notification(), mailbox)

    assert [["duty@example.net"]] == mailbox.recipients
    assert [
        {
            "event": "recipients_refused",
            "log_level": "warning",
            "channel": "ops",
            "replies": {"ops@example.com": "550 no such user"},
        }
    ] == logs


@pytest.mark.parametrize(
    ("replies", "error"),
    [
        (("550 no such user", "550 no such user"), ChannelRefused),
        (("450 greylisted", "450 greylisted"), ChannelUnavailable),
        (("550 no such user", "450 greylisted"), ChannelUnavailable),
    ],
)
def test_all_recipients_refused_is_for_good_only_when_every_reply_is(
    plain_port: int, mailbox: Mailbox, replies: tuple[str, str], error: type[Exception]
) -> None:
    mailbox.refused = dict(zip(("ops@example.com", "duty@example.net"), replies, strict=True))

    with pytest.raises(error, match=f"refuses every recipient: ops@example.com: {replies[0]}"):
        send(plain_port, notification(), mailbox)


def test_the_place_of_a_failure_is_host_and_port(plain_port: int, mailbox: Mailbox) -> None:
    mailbox.answer = "451 try again later"

    with pytest.raises(
        ChannelUnavailable, match=rf"^127\.0\.0\.1:{plain_port} refuses the message: 451 try again later$"
    ):
        send(plain_port, notification(), mailbox, timeout=timedelta(seconds=5))


@pytest.mark.parametrize("labels", [1, 20, 60])
def test_the_subject_stands_on_one_line_whatever_the_length_of_the_domain(
    plain_port: int, mailbox: Mailbox, labels: int
) -> None:
    message = send(plain_port, notification(about=alert(domain="abc." * labels + "example")), mailbox)

    assert message["Subject"].startswith("CRITICAL: 47 of 937 TLS sessions to abc.")
    assert message["Subject"].endswith(" failed (5.02 %) on 2026-05-11")
