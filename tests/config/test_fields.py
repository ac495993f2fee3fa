"""Every field says what it takes."""

from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from collector.config import fields
from collector.config.fields import ListenAddress, is_loopback


def read(kind: Any, value: object) -> object:
    return TypeAdapter(kind).validate_python(value)


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (fields.Interval, "30s", timedelta(seconds=30)),
        (fields.Interval, "5m", timedelta(minutes=5)),
        (fields.Interval, "48h", timedelta(hours=48)),
        (fields.Interval, "7d", timedelta(days=7)),
        (fields.Timeout, "60s", timedelta(minutes=1)),
        (fields.Share, "1%", Fraction(1, 100)),
        (fields.Share, "0.5%", Fraction(1, 200)),
        (fields.Share, Decimal("0.01"), Fraction(1, 100)),
        (fields.Share, "0.01", Fraction(1, 100)),
        (fields.Share, 0, Fraction(0)),
        (fields.Share, "100%", Fraction(1)),
        (fields.Share, "33.333333333333%", Fraction(33333333333333, 10**14)),
        (fields.Size, "512KB", 512_000),
        (fields.Size, "25MB", 25_000_000),
        (fields.Size, "1GB", 1_000_000_000),
        (fields.Size, "1KiB", 1024),
        (fields.Size, "32MiB", 33_554_432),
        (fields.HostName, "IMAP.Example.COM.", "imap.example.com"),
        (fields.HostName, "bücher.example", "xn--bcher-kva.example"),
        (fields.HostName, "192.0.2.1", "192.0.2.1"),
        (fields.HostName, "2001:DB8::0:1", "2001:db8::1"),
        (fields.DomainName, "Example.COM.", "example.com"),
        (fields.MailAddress, "TLS+rpt@Example.com", "TLS+rpt@example.com"),
        (fields.Listen, "127.0.0.1:8460", ListenAddress(host="127.0.0.1", port=8460)),
        (fields.Listen, "[::1]:0", ListenAddress(host="::1", port=0)),
        (fields.Listen, "localhost:80", ListenAddress(host="localhost", port=80)),
        (fields.WebUrl, "https://Example.com:8443/a/?b=c", "https://Example.com:8443/a/?b=c"),
        (fields.PageUrl, "http://[::1]:80/tls/", "http://[::1]:80/tls"),
        (fields.Name, "main-2.a_B", "main-2.a_B"),
    ],
)
def test_values_are_read(kind: Any, value: object, expected: object) -> None:
    assert expected == read(kind, value)


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        (fields.Interval, 300, "a number has no unit: write 30s, 5m, 48h or 7d"),
        (fields.Interval, Decimal("0.5"), "a number has no unit"),
        (fields.Interval, True, "a number has no unit"),
        (fields.Interval, "5 minutes", "a duration is wanted, like 30s, 5m, 48h or 7d"),
        (fields.Interval, "\u0665m", "a duration is wanted"),
        (fields.Interval, None, "a duration is wanted"),
        (fields.Interval, "0s", "a duration between 1s and 31d is wanted"),
        (fields.Interval, "32d", "a duration between 1s and 31d is wanted"),
        (fields.Timeout, "2h", "a duration between 1s and 1h is wanted"),
        (fields.Share, 5, "a bare number of 1 or more is no share: write 5%"),
        (fields.Share, "5", "a bare number of 1 or more is no share: write 5%"),
        (fields.Share, 1, "write 1%"),
        (fields.Share, Decimal("1.0"), "write 1.0%"),
        (fields.Share, "101%", "a share is at most 100%"),
        (fields.Share, -1, "a share is wanted, like 5%, 0.5% or 0.05"),
        (fields.Share, True, "a share is wanted"),
        (fields.Share, "1e-2", "a share is wanted"),
        (fields.Share, "1/3", "a share is wanted"),
        (fields.Size, 25, "a number has no unit: write 512KB, 25MB or 32MiB"),
        (fields.Size, "25mb", "a size is wanted, like 512KB, 25MB or 32MiB"),
        (fields.Size, "0MB", "a size is wanted"),
        (fields.HostName, "imap.example.com:993", "the port has its own key"),
        (fields.HostName, "https://x", "a host name or an IP address is wanted"),
        (fields.DomainName, "exa mple", "a domain name is wanted, like example.com"),
        (fields.DomainName, "", "a domain name is wanted"),
        (fields.MailAddress, "TLS <a@example.com>", "a mail address is wanted"),
        (fields.MailAddress, "a", "a mail address is wanted"),
        (fields.MailAddress, "a@b@example.com", "a mail address is wanted"),
        (fields.Listen, 8460, 'write the address too: "127.0.0.1:8460"'),
        (fields.Listen, ":8460", "an address and a port are wanted"),
        (fields.Listen, "127.0.0.1", "an address and a port are wanted"),
        (fields.Listen, "::1:80", "an address and a port are wanted"),
        (fields.Listen, "127.0.0.1:65536", "an address and a port are wanted"),
        (fields.WebUrl, "ftp://example.com", "an address that begins with https:// or http:// is wanted"),
        (fields.WebUrl, "https://", "an address that begins with https://"),
        (fields.WebUrl, "https://[::1", "an address is wanted, like https://host/path"),
        (fields.WebUrl, "https://example.com:99999/", "an address is wanted, like https://host/path"),
        (fields.WebUrl, "https://u:p@example.com/", "within the address is not sent: remove it"),
        (fields.WebUrl, "https://example.com/a b", "an address as it is sent is wanted"),
        (fields.WebUrl, "https://exa_mple..com/", "a host name or an IP address is wanted"),
        (fields.Name, "a b", "a name of letters, digits, dots, hyphens and underscores is wanted"),
        (fields.Name, "a" * 65, "64 at most"),
        (fields.Text, " ", "a text is wanted, not an empty one"),
    ],
)
def test_what_is_refused_is_told_with_what_to_write(kind: Any, value: object, reason: str) -> None:
    with pytest.raises(ValidationError) as refused:
        read(kind, value)

    assert reason in refused.value.errors()[0]["msg"]


@pytest.mark.parametrize("written", ["127.0.0.1:8460", "[::1]:0"])
def test_a_listen_address_is_shown_as_it_is_written(written: str) -> None:
    assert written == str(read(fields.Listen, written))


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("a.localhost", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("example.com", False),
        ("192.0.2.1", False),
        ("notlocalhost", False),
    ],
)
def test_only_this_machine_is_loopback(host: str, *, expected: bool) -> None:
    assert expected == is_loopback(host)


@pytest.mark.parametrize(
    ("kind", "written"),
    [
        *((fields.Interval, written) for written in ("90s", "5m", "36h", "7d")),
        *((fields.Share, written) for written in ("1%", "0.5%", "0%", "100%", "33.333333333333%")),
        *((fields.Size, written) for written in ("512KB", "25MB", "1GB", "1KiB", "33MiB", "3GiB")),
        *((fields.Listen, written) for written in ("127.0.0.1:8460", "[::1]:0")),
    ],
)
def test_values_are_dumped_as_they_are_written(kind: Any, written: str) -> None:
    assert written == TypeAdapter(kind).dump_python(read(kind, written))
