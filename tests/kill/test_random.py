"""SIGKILL at random moments, again and again, while mail keeps coming in.

``KILLS=100 KILLS_SEED=7`` in the environment makes it longer, and other.
"""

import os
import random
import subprocess
import time

from tests.commands.site import TIMEOUT_SECONDS
from tests.kill.place import Place

KILLS = int(os.environ.get("KILLS", "6"))
SEED = int(os.environ.get("KILLS_SEED", "8460"))

# What comes in before each start: three batches and a bit.
REPORTS_A_WAVE = 62

# How often to ask for what nobody tells.
POLL_SECONDS = 0.002


def logins(place: Place) -> int:
    return place.site.dovecot.log.count(f"Login: user=<{place.site.user}>")


def ended_within(process: subprocess.Popen[str], *, seconds: float) -> bool:
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def start_and_log_in(place: Place) -> subprocess.Popen[str]:
    """Start ``collect``, and return once it has logged in, or ended."""
    before = logins(place)
    process = place.start()
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while logins(place) == before and not ended_within(process, seconds=POLL_SECONDS):
        assert time.monotonic() < deadline
    return process


def test_random_deaths_lose_nothing_and_double_nothing(place: Place) -> None:
    rng = random.Random(SEED)  # noqa: S311  repeatable, not secret
    place.site.source = {"batch_messages": 20}
    place.deliver(reports=REPORTS_A_WAVE)
    process = start_and_log_in(place)
    begin = time.monotonic()
    process.communicate(timeout=TIMEOUT_SECONDS)
    # A whole wave, the alerts after it, and a margin in which to come too late.
    longest_seconds = 1.1 * (time.monotonic() - begin)

    killed = 0
    for _ in range(KILLS):
        place.deliver(reports=REPORTS_A_WAVE)
        process = start_and_log_in(place)
        if not ended_within(process, seconds=rng.uniform(0, longest_seconds)):
            process.kill()
            killed += 1
        _, told = process.communicate(timeout=TIMEOUT_SECONDS)
        assert "Traceback" not in told
    place.finish()

    place.check()
    assert {} == place.suspects()
    assert killed > KILLS / 3
