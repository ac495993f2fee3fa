"""Files of every kind are read by what they hold, and folders whole."""

import io
import mailbox
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.errors import SourceUnavailable
from collector.intake.delivery import Delivery, DeliveryKind, Fate, Settlement, Withheld
from collector.sources.files import ImportedFiles, Limits, files_below, read_file, read_stream
from tests.build import NOW, mail, packed, report_json
from tests.sources.fakes import RememberedUids

MAIL = mail(report_json())
LIMIT = 100_000


def read(content: bytes, *, maximum_message_bytes: int = LIMIT) -> list[Delivery | Withheld]:
    return list(
        read_stream(
            io.BytesIO(content),
            source="import",
            reference="x",
            received_at=NOW,
            maximum_message_bytes=maximum_message_bytes,
        )
    )


def contents(found: list[Delivery | Withheld]) -> list[bytes]:
    return [delivery.content for delivery in found if isinstance(delivery, Delivery)]


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (MAIL, DeliveryKind.MAIL),
        (b"Subject: x\r\n\r\n", DeliveryKind.MAIL),
        (packed(report_json()), DeliveryKind.FILE),
        (b'{"report-id": "1"}', DeliveryKind.FILE),
        (b"", DeliveryKind.FILE),
        (b"hello", DeliveryKind.FILE),
    ],
)
def test_a_file_is_what_its_first_bytes_say(content: bytes, kind: DeliveryKind) -> None:
    (found,) = read(content)

    assert isinstance(found, Delivery)
    assert (kind, content, "x") == (found.kind, found.content, found.reference)


def test_an_mbox_gives_its_mails_unquoted_and_numbered(tmp_path: Path) -> None:
    """Written by the standard library, so that the two of us agree on RFC 4155."""
    path = tmp_path / "reports.mbox"
    box = mailbox.mbox(path)
    for subject in ("one", "two"):
        box.add(mailbox.mboxMessage(f"Subject: {subject}\n\nFrom here on\n".encode()))
    box.close()

    found = list(read_file(path, source="import", maximum_message_bytes=LIMIT))

    assert [f"{path}#1", f"{path}#2"] == [delivery.reference for delivery in found]
    assert [b"From here on", b"From here on"] == [c.strip().splitlines()[-1] for c in contents(found)]


def test_a_message_that_is_too_large_is_withheld_and_the_next_is_read() -> None:
    box = b"From a\nSubject: large\n\n" + b"x" * 500 + b"\n\nFrom b\nSubject: small\n\n"

    large, small = read(box, maximum_message_bytes=100)

    assert (Withheld, b"Subject: small\n\n") == (
        type(large),
        small.content if isinstance(small, Delivery) else b"",
    )


def test_a_file_that_is_too_large_is_withheld() -> None:
    (found,) = read(b"{" + b" " * 200, maximum_message_bytes=100)

    assert isinstance(found, Withheld)


def test_the_time_received_is_that_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_bytes(b"{}")
    modified_at = datetime.fromtimestamp(file.stat().st_mtime, UTC)

    (found,) = read_file(file, source="import", maximum_message_bytes=LIMIT)

    assert modified_at == found.received_at


def test_a_folder_gives_its_files_by_name_and_those_below_but_not_hidden_ones(tmp_path: Path) -> None:
    for name in ("b.eml", "a/c.json.gz", ".part", ".git/x"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")

    assert ["a/c.json.gz", "b.eml"] == [str(f.relative_to(tmp_path)) for f in files_below(tmp_path)]


def test_a_maildir_gives_its_mails_and_nothing_else(tmp_path: Path) -> None:
    box = mailbox.Maildir(tmp_path / "box")
    box.add(MAIL)
    (tmp_path / "box" / "dovecot-uidlist").write_bytes(b"3 V1")
    (tmp_path / "box" / "tmp" / "half").write_bytes(b"half")

    assert 1 == len(list(files_below(tmp_path / "box")))


def test_an_import_yields_everything_in_bounded_batches_and_suspects_last(tmp_path: Path) -> None:
    for number in range(5):
        (tmp_path / f"{number}.eml").write_bytes(MAIL)
    suspect = str(tmp_path / "0.eml")
    source = ImportedFiles(
        [tmp_path], name="import", memory=RememberedUids(), limits=Limits(batch_messages=2)
    )

    batches = [[d.reference for d in b] for b in source.deliveries(alone=frozenset({suspect}))]
    source.settle([Settlement(reference=suspect, fate=Fate.PROCESSED)])

    assert ([2, 2, 1], [suspect]) == ([len(batch) for batch in batches], batches[-1])
    assert 5 == len(list(tmp_path.iterdir()))


def test_an_import_goes_on_where_it_was_broken_off(tmp_path: Path) -> None:
    """What was understood is not read again; what could not be read is."""
    memory = RememberedUids()
    for name in ("a.eml", "b.eml", "c.eml"):
        (tmp_path / name).write_bytes(MAIL)
    first = ImportedFiles([tmp_path], name="import", memory=memory)
    fates = [Fate.PROCESSED, Fate.REJECTED]
    for batch in first.deliveries(alone=frozenset()):
        first.settle([Settlement(reference=d.reference, fate=f) for d, f in zip(batch, fates, strict=False)])

    again = ImportedFiles([tmp_path], name="import", memory=memory).deliveries(alone=frozenset())

    assert [["b.eml", "c.eml"]] == [[Path(d.reference).name for d in batch] for batch in again]


def test_batches_are_bounded_in_bytes(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.eml").write_bytes(MAIL)
    source = ImportedFiles(
        [tmp_path], name="import", memory=RememberedUids(), limits=Limits(batch_bytes=len(MAIL) * 2)
    )

    assert [2, 1] == [len(batch) for batch in source.deliveries(alone=frozenset())]


def test_a_file_that_went_meanwhile_is_said_plainly(tmp_path: Path) -> None:
    source = ImportedFiles([tmp_path / "gone"], name="import", memory=RememberedUids())

    with pytest.raises(SourceUnavailable, match="gone"):
        list(source.deliveries(alone=frozenset()))


@given(st.binary() | st.binary().map(lambda tail: b"From x\n" + tail))
def test_any_bytes_give_deliveries_within_the_limit(content: bytes) -> None:
    for found in read(content, maximum_message_bytes=50):
        assert isinstance(found, Withheld) or len(found.content) <= 50
