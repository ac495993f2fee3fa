"""SIGKILL at each step of the line: the next start finds everything once, and loses nothing."""

import pytest

from tests.kill.place import Place

# Small batches: the trap closes in the second, with one behind it and one ahead.
BATCH = 5
REPORTS = 11

# One death after the other, each over the remains of the one before and a new wave of mail.
DEATHS: dict[str, list[tuple[str, str, int]]] = {
    "reading": [("flight taking off", "after", 2), ("flight landing", "before", 2)],
    "archiving": [
        ("archive keeping", "before", 2),
        ("archive writing a file", "after", 13),
        ("archive putting a file in place", "after", 13),
        ("archive keeping", "after", 2),
        ("quarantine", "before", 1),
        ("quarantine", "after", 1),
    ],
    "storing": [("store adding", "before", 2), ("store inserting", "after", 2), ("store adding", "after", 2)],
    # The second move of a batch is that of the rejected mails.
    "settling": [("settling", "before", 2), ("moving", "after", 3), ("settling", "after", 2)],
    "telling": [
        ("alert recording", "before", 1),
        ("alert recording", "after", 1),
        ("alert sending", "before", 1),
        ("alert sending", "after", 1),
        ("alert noted as sent", "after", 1),
    ],
}


@pytest.mark.parametrize("stage", DEATHS)
def test_deaths_at_every_step_lose_nothing_and_double_nothing(place: Place, stage: str) -> None:
    place.site.source = {"batch_messages": BATCH}
    for step, moment, times in DEATHS[stage]:
        place.deliver(reports=REPORTS)
        place.trapped(step, moment, times)
    place.finish()

    place.check()
    assert {} == place.suspects()


def test_a_suspect_that_was_settled_before_another_death_is_forgotten(place: Place) -> None:
    place.deliver(reports=3)

    place.trapped("flight landing")
    place.trapped("forgetting")
    place.finish()

    place.check()
    assert {} == place.suspects()


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_death_beside_the_memory_of_mail_left_in_place_doubles_nothing(place: Place, moment: str) -> None:
    place.site.source = {"batch_messages": BATCH, "settle": "leave"}
    place.deliver(reports=REPORTS)

    place.trapped("remembering", moment, 2)
    place.finish()

    place.check(in_place=True)
