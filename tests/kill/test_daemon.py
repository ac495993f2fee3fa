"""The daemon, killed in the middle of a round or told to end there, goes on where it was."""

import signal
import time

from tests.commands.running import running
from tests.commands.test_run import MAY_END_WITHIN_SECONDS, StallingProxy
from tests.kill.place import Place


def test_a_daemon_killed_in_a_round_goes_on_where_it_was(place: Place) -> None:
    place.site.source = {"batch_messages": 10}
    place.deliver(reports=60)

    with running(place.site) as daemon:
        daemon.wait_for("report_stored", times=25)
        assert -signal.SIGKILL == daemon.end(signal.SIGKILL)
    with running(place.site) as daemon:
        daemon.wait_for("round_finished")
        assert 0 == daemon.end()
    place.finish()

    place.check()


def test_a_daemon_told_to_end_while_it_moves_mail_ends_soon_and_loses_nothing(place: Place) -> None:
    place.site.source = {"batch_messages": 10}
    place.deliver(reports=20)
    directly = dict(place.site.source)

    with StallingProxy(place.site.dovecot.port, stall_at=b"UID MOVE") as proxy:
        place.site.source |= {"port": proxy.port, "tls": "none", "ca_file": None}
        with running(place.site) as daemon:
            proxy.wait_until_stalled()
            begin = time.monotonic()
            assert 0 == daemon.end()
            assert time.monotonic() - begin < MAY_END_WITHIN_SECONDS
    place.site.source = directly
    place.finish()

    place.check()


def test_a_daemon_told_to_end_in_a_round_ends_after_the_batch_and_leaves_the_rest(place: Place) -> None:
    place.site.source = {"batch_messages": 10}
    place.deliver(reports=200)

    with running(place.site) as daemon:
        daemon.wait_for("report_stored")
        assert 0 == daemon.end()
    assert len(place.stored()) < len(place.expected.report_ids)
    assert {} == place.suspects()
    place.finish()

    place.check()
