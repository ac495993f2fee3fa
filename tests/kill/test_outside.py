"""SIGKILL from outside while mails are moved and alerts are sent: the servers see an end in the middle."""

import signal

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.channels.servers import Mailbox, smtp_server
from tests.commands.site import TIMEOUT_SECONDS
from tests.kill.place import Place
from tests.kill.proxy import KillingProxy, Moment

# A command moves up to 700 mails: a batch of more is in two places when its second command comes.
MORE_THAN_A_COMMAND = 720


def killed_at(place: Place, words: bytes, *, times: int, moment: Moment) -> None:
    """Collect through a proxy that kills, then directly to the end."""
    directly = dict(place.site.source)
    with KillingProxy(place.site.dovecot.port, words=words, times=times, moment=moment) as proxy:
        place.site.source |= {"port": proxy.port, "tls": "none", "ca_file": None}
        proxy.kill = place.kill
        process = place.start()
        _, told = process.communicate(timeout=TIMEOUT_SECONDS)
        assert -signal.SIGKILL == process.returncode, told
    place.site.source = directly
    place.finish()


@pytest.mark.parametrize(
    ("words", "moment"),
    [
        (b"BODY.PEEK", Moment.ANSWERED),
        (b"UID MOVE", Moment.UNHEARD),
        (b"UID MOVE", Moment.HEARD),
        (b"UID MOVE", Moment.ANSWERED),
    ],
)
def test_a_death_while_the_mailbox_is_asked_loses_nothing(place: Place, words: bytes, moment: Moment) -> None:
    place.site.source = {"batch_messages": 5}
    place.deliver(reports=11)

    killed_at(place, words, times=2, moment=moment)

    place.check()


def test_a_death_in_the_middle_of_moving_a_batch_moves_the_rest_later(place: Place) -> None:
    place.site.source = {"batch_messages": 1000}
    place.deliver(reports=MORE_THAN_A_COMMAND)

    killed_at(place, b"UID MOVE", times=2, moment=Moment.UNHEARD)

    place.check()


def test_a_death_between_marking_and_deleting_leaves_mails_that_are_marked_and_not_read_again(
    place: Place,
) -> None:
    place.site.source = {"batch_messages": 5, "settle": "delete"}
    place.deliver(reports=11, others=False)

    killed_at(place, b"UID EXPUNGE", times=2, moment=Moment.UNHEARD)

    left = place.site.dovecot.mails_with_flags(place.site.user)
    assert [frozenset({b"\\Deleted"})] * 5 == [flags for _, flags in left]
    assert sorted(place.expected.report_ids) == sorted(place.stored()) == sorted(place.archived())


class FatalMailbox(Mailbox):
    """Takes a first mail and kills who brought it before it is told so; takes others as ever."""

    def __init__(self, place: Place) -> None:
        super().__init__(messages=place.alerts.messages)
        self._is_fatal = True
        self._place = place

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  aiosmtpd's name
        answer = await super().handle_DATA(server, session, envelope)
        if self._is_fatal:
            self._is_fatal = False
            self._place.kill()
        return answer


def test_a_death_while_an_alert_is_handed_over_tells_it_again_under_the_same_id(place: Place) -> None:
    place.deliver(reports=1)
    with smtp_server(FatalMailbox(place)) as port:
        place.site.smtp_port = port
        place.start().communicate(timeout=TIMEOUT_SECONDS)
        assert -signal.SIGKILL == place.running.returncode
        place.finish()

    place.check()
    assert 2 == len(place.alerts.messages)
