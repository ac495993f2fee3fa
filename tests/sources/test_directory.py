"""A folder as a source: what is put in is taken, and put where its fate wants it."""

from pathlib import Path
from typing import Any

import pytest

from collector.errors import SourceRefused, SourceUnavailable
from collector.intake.delivery import Delivery, Fate, Settlement, Withheld
from collector.sources.directory import DirectorySource
from tests.build import mail, packed, report_json
from tests.sources.fakes import RememberedUids

MAIL = mail(report_json())


@pytest.fixture
def memory() -> RememberedUids:
    return RememberedUids()


def source(path: Path, memory: RememberedUids, **settings: Any) -> DirectorySource:
    defaults: dict[str, Any] = {
        "name": "drop",
        "path": path,
        "settle": "move",
        "processed_folder": "processed",
        "rejected_folder": "rejected",
        "not_reports": "move",
        "batch_messages": 500,
        "batch_bytes": 32_000_000,
        "maximum_message_bytes": 25_000_000,
        "memory": memory,
    }
    return DirectorySource(**(defaults | settings))


def round_over(directory: DirectorySource, fates: dict[str, Fate] | None = None) -> list[str]:
    """Take everything, settle it by file name (processed where not said), and name what was taken."""
    taken = []
    for batch in directory.deliveries(alone=frozenset()):
        directory.settle(
            [
                Settlement(
                    reference=delivery.reference,
                    fate=(fates or {}).get(Path(delivery.reference).name, Fate.PROCESSED),
                )
                for delivery in batch
            ]
        )
        taken += [Path(delivery.reference).name for delivery in batch]
    return taken


def names(folder: Path) -> list[str]:
    return sorted(str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file())


def test_files_are_moved_by_their_fate(tmp_path: Path, memory: RememberedUids) -> None:
    for name in ("good.eml", "bad.eml", "other.eml", "later.eml"):
        (tmp_path / name).write_bytes(MAIL)
    fates = {"bad.eml": Fate.REJECTED, "other.eml": Fate.NOT_A_REPORT, "later.eml": Fate.KEPT}

    round_over(source(tmp_path, memory), fates)

    assert ["later.eml", "processed/good.eml", "rejected/bad.eml", "rejected/other.eml"] == names(tmp_path)
    assert ["later.eml"] == round_over(source(tmp_path, memory))


def test_files_left_in_place_are_taken_once_and_again_when_they_change(
    tmp_path: Path, memory: RememberedUids
) -> None:
    (tmp_path / "report.json.gz").write_bytes(packed(report_json()))
    directory = source(tmp_path, memory, settle="leave")

    assert (["report.json.gz"], []) == (round_over(directory), round_over(directory))
    (tmp_path / "report.json.gz").write_bytes(packed(report_json(report_id="another")))
    assert ["report.json.gz"] == round_over(directory)


def test_deleting_never_deletes_what_was_not_understood(tmp_path: Path, memory: RememberedUids) -> None:
    for name in ("good.eml", "bad.eml"):
        (tmp_path / name).write_bytes(MAIL)

    round_over(source(tmp_path, memory, settle="delete"), {"bad.eml": Fate.REJECTED})

    assert ["rejected/bad.eml"] == names(tmp_path)


def test_a_second_file_of_a_name_does_not_replace_the_first(tmp_path: Path, memory: RememberedUids) -> None:
    for _ in range(3):
        (tmp_path / "report.eml").write_bytes(MAIL)
        round_over(source(tmp_path, memory))

    assert ["processed/report.1.eml", "processed/report.2.eml", "processed/report.eml"] == names(tmp_path)


def test_files_below_are_taken_and_unfinished_ones_are_not(tmp_path: Path, memory: RememberedUids) -> None:
    (tmp_path / "google").mkdir()
    (tmp_path / "google" / "a.json").write_bytes(b"{}")
    (tmp_path / ".unfinished").write_bytes(b"{")

    assert ["a.json"] == round_over(source(tmp_path, memory))


def test_a_large_file_and_an_mbox_are_withheld(tmp_path: Path, memory: RememberedUids) -> None:
    (tmp_path / "large.json").write_bytes(b"{" + b" " * 100)
    (tmp_path / "two.mbox").write_bytes(b"From a\nA: 1\n\nFrom b\nB: 2\n\n")

    (batch,) = source(tmp_path, memory, maximum_message_bytes=50).deliveries(alone=frozenset())

    assert [Withheld, Withheld] == [type(delivery) for delivery in batch]


def test_suspects_come_last_and_alone(tmp_path: Path, memory: RememberedUids) -> None:
    for name in ("a.eml", "b.eml", "c.eml"):
        (tmp_path / name).write_bytes(MAIL)
    suspect = str(tmp_path / "a.eml")

    batches = list(source(tmp_path, memory).deliveries(alone=frozenset({suspect})))

    assert [2, 1] == [len(batch) for batch in batches]
    assert isinstance(batches[1][0], Delivery)
    assert suspect == batches[1][0].reference


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path, memory: RememberedUids) -> None:
    with pytest.raises(SourceRefused, match="no such folder"):
        list(source(tmp_path / "gone", memory).deliveries(alone=frozenset()))


def test_a_destination_that_cannot_be_made_is_unavailable(tmp_path: Path, memory: RememberedUids) -> None:
    (tmp_path / "report.eml").write_bytes(MAIL)
    (tmp_path / ".in-the-way").write_bytes(b"")

    with pytest.raises(SourceUnavailable, match="in-the-way"):
        round_over(source(tmp_path, memory, processed_folder=".in-the-way/processed"))
    assert [".in-the-way", "report.eml"] == names(tmp_path)
