"""What holds for every channel; each kind inherits it and says what its servers are."""

import socket
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest

from collector.alerting.alert import AlertEvent
from collector.alerting.trial import trial_notification
from collector.alerting.wording import wording
from collector.errors import ChannelRefused, ChannelUnavailable
from collector.ports import Channel
from tests.build import NOW
from tests.channels.notices import alert, hostile_notification, notification

# Longer than any answer takes here, shorter than a reader notices.
SHORT = timedelta(milliseconds=200)
LONG = timedelta(seconds=10)

Arrived = Callable[[], list[str]]

SECRET = "correct horse battery staple"


class ChannelContract:
    """Inherit, and give the fixtures: a channel for each kind of server, and what arrived."""

    @pytest.fixture
    def working(self) -> Channel:
        raise NotImplementedError

    @pytest.fixture
    def arrived(self) -> Arrived:
        """Tells the text of each message that the working server took so far."""
        raise NotImplementedError

    @pytest.fixture
    def untrusted(self) -> Channel:
        raise NotImplementedError

    @pytest.fixture
    def busy(self) -> Channel:
        raise NotImplementedError

    @pytest.fixture
    def refusing(self) -> Channel:
        raise NotImplementedError

    @pytest.fixture
    def away(self, closed_port: int) -> Channel:
        raise NotImplementedError

    @pytest.fixture
    def silent(self, silent_port: int) -> Channel:
        raise NotImplementedError

    @pytest.fixture
    def closed_port(self) -> Iterator[int]:
        """A port that is taken, so that nobody else gets it, and refuses connections."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            yield taken.getsockname()[1]

    @pytest.fixture
    def silent_port(self) -> Iterator[int]:
        """A port that takes connections and never says a word."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            yield server.getsockname()[1]

    def test_a_notification_arrives(self, working: Channel, arrived: Arrived) -> None:
        working.send(notification(), now=NOW)

        (message,) = arrived()
        assert "CRITICAL: 47 of 937 TLS sessions to example.com failed (5.02 %) on 2026-05-11" in message
        assert "mail2.example.com" in message

    @pytest.mark.parametrize("event", [AlertEvent.ESCALATED, AlertEvent.CLEARED])
    def test_every_later_change_of_an_alert_arrives(
        self, working: Channel, arrived: Arrived, event: AlertEvent
    ) -> None:
        change = notification(event, about=alert(changes=2, cleared_at=NOW))

        working.send(change, now=NOW)

        (message,) = arrived()
        assert wording(change).title in message

    def test_a_test_arrives_and_says_that_it_is_one(self, working: Channel, arrived: Arrived) -> None:
        working.send(trial_notification(now=NOW), now=NOW)

        (message,) = arrived()
        assert "TEST (made up): " in message

    def test_hostile_names_arrive_as_text_and_steer_nothing(self, working: Channel, arrived: Arrived) -> None:
        working.send(hostile_notification(), now=NOW)

        (message,) = arrived()
        assert not {"\x00", "\x1b", "\u202e", "\ud800"} & set(message)
        assert "\nBcc:" not in message

    def test_a_server_that_is_away_is_unavailable(self, away: Channel) -> None:
        with pytest.raises(ChannelUnavailable, match=r"127\.0\.0\.1.*Connection refused"):
            away.send(notification(), now=NOW)

    def test_a_server_that_does_not_answer_in_time_is_unavailable(self, silent: Channel) -> None:
        with pytest.raises(ChannelUnavailable, match=r"timed out|does not answer within 0\.2 s"):
            silent.send(notification(), now=NOW)

    def test_a_server_that_says_later_is_unavailable(self, busy: Channel) -> None:
        with pytest.raises(ChannelUnavailable):
            busy.send(notification(), now=NOW)

    def test_a_server_that_says_never_refuses(self, refusing: Channel) -> None:
        with pytest.raises(ChannelRefused):
            refusing.send(notification(), now=NOW)

    def test_a_certificate_of_another_authority_is_not_trusted_and_may_be_mended(
        self, untrusted: Channel, arrived: Arrived
    ) -> None:
        with pytest.raises(ChannelUnavailable, match=r"certificate is not trusted: .*; mend the certificate"):
            untrusted.send(notification(), now=NOW)

        assert [] == arrived()

    def test_a_channel_never_shows_its_secrets(self, working: Channel) -> None:
        assert SECRET not in repr(working)
        assert "/hooks/" not in repr(working)
