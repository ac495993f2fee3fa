"""The filesystem archive: the contract, and what its files look like."""

import gzip
import json
import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from collector.archives import durable
from collector.archives.filesystem import FilesystemArchive
from collector.errors import ArchiveUnavailable
from collector.intake.extract import MailFacts
from collector.intake.unpack import unpack
from collector.ports import ReceivedReport
from tests.archives.contract import AnArchive, ArchiveContract, KeptFile, unreadable
from tests.build import packed, policy_json, received, report_json, sha256

NAME = "google.com!example.com!1778457600!1778543999!{}"


class TestFilesystemArchive(ArchiveContract):
    @pytest.fixture(autouse=True)
    def _in(self, tmp_path: Path) -> None:
        self.path = tmp_path / "archive"

    def archive(self) -> AnArchive:
        return FilesystemArchive(path=self.path)

    def kept(self) -> Mapping[str, KeptFile]:
        return {
            str(file): (file.read_bytes(), json.loads(_beside(file, ".json.gz", ".facts.json").read_bytes()))
            for file in self.path.rglob("*.json.gz")
        }

    def aside(self) -> Mapping[str, tuple[bytes | None, dict[str, Any]]]:
        return {str(file): (_content(file), json.loads(file.read_bytes())) for file in _reasons(self.path)}


def _beside(file: Path, suffix: str, other: str) -> Path:
    return file.with_name(file.name.removesuffix(suffix) + other)


def _reasons(path: Path) -> list[Path]:
    return list((path / "quarantine").rglob("*.reason.json"))


def _content(reason: Path) -> bytes | None:
    for suffix in (".eml", ".bin"):
        file = _beside(reason, ".reason.json", suffix)
        if file.exists():
            return file.read_bytes()
    return None


def names(path: Path) -> list[str]:
    """Name every file, and every folder that is left of a batch."""
    return sorted(
        str(file.relative_to(path))
        for file in path.rglob("*")
        if file.is_file() or file.name.startswith(durable.TEMPORARY_PREFIX)
    )


class CountingFlush:
    """Flushes, and remembers what; with ``each`` every path by itself."""

    def __init__(self, *, each: bool = False) -> None:
        self.calls: list[list[Path]] = []
        self._flush = durable.flush_each if each else durable.flush

    def __call__(self, root: Path, paths: Sequence[Path]) -> None:
        self.calls.append(list(paths))
        self._flush(root, paths)


# ── where files lie ───────────────────────────────────────────────────────────


def test_a_report_lies_under_its_domain_and_day(tmp_path: Path) -> None:
    one = received()

    FilesystemArchive(path=tmp_path).keep([one])

    stem = f"reports/example.com/2026/05/11/{NAME.format(one.content_hash[:16])}"
    assert [f"{stem}.facts.json", f"{stem}.json.gz"] == names(tmp_path)


def test_a_foreign_report_lies_apart(tmp_path: Path) -> None:
    one = received(foreign=True)

    FilesystemArchive(path=tmp_path).keep([one])

    stem = f"foreign/2026/05/11/{NAME.format(one.content_hash[:16])}"
    assert [f"{stem}.facts.json", f"{stem}.json.gz"] == names(tmp_path)


def test_a_report_without_a_domain_lies_under_unknown_and_its_facts_tell_the_mails(tmp_path: Path) -> None:
    one = received(report_json(policy_json(None)))
    mail = MailFacts(
        from_address="a@b",
        subject="ü",
        message_id=None,
        tls_report_domain="x.test",
        tls_report_submitter=None,
    )
    policies = tuple(replace(policy, policy_domain="x.test") for policy in one.body.policies)
    one = replace(one, mail=mail, report=replace(one.body, policies=policies))

    FilesystemArchive(path=tmp_path).keep([one])

    (facts,) = tmp_path.glob("reports/_unknown/2026/05/11/*.facts.json")
    assert "x.test" == json.loads(facts.read_bytes())["inferred_policy_domain"]
    assert "ü" == json.loads(facts.read_bytes())["mail"]["subject"]
    assert facts.read_bytes().isascii()


def test_what_could_not_be_read_lies_under_the_day_it_came(tmp_path: Path) -> None:
    late = datetime.fromisoformat("2026-05-12T23:30:00-03:00")
    mail, document = b"Received: by x\r\n\r\n", b'{"a": 1}'

    FilesystemArchive(path=tmp_path).put_aside(
        [
            replace(unreadable(mail), received_at=late),
            replace(unreadable(document, kind="../Invalid report"), received_at=late),
        ]
    )

    folder = "quarantine/2026/05/13"
    assert [
        f"{folder}/corrupt-{sha256(mail)[:16]}.eml",
        f"{folder}/corrupt-{sha256(mail)[:16]}.reason.json",
        f"{folder}/invalid-report-{sha256(document)[:16]}.bin",
        f"{folder}/invalid-report-{sha256(document)[:16]}.reason.json",
    ] == names(tmp_path)


def test_files_and_folders_are_their_owners_alone(tmp_path: Path) -> None:
    FilesystemArchive(path=tmp_path / "archive").keep([received()])

    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "archive").rglob("*")}
    assert {0o600, 0o700} == modes


@pytest.mark.parametrize("evil", ["../../../../evil", "/etc/evil", "..", ".", "a/b", "x\0y", "ä", ".hidden"])
def test_no_name_in_a_report_leads_out_of_its_folder(tmp_path: Path, evil: str) -> None:
    sent = received(
        report_json(policy_json(evil), organization=evil, report_id=evil, contact_info=f"x@{evil}")
    )
    body = replace(
        sent.body,
        organization_name=evil,
        contact_info=None,
        policies=tuple(replace(policy, policy_domain=evil) for policy in sent.body.policies),
    )
    other = replace(sent, body=body, content_hash="0" * 64)

    FilesystemArchive(path=tmp_path / "archive").keep([sent, other])

    assert ["archive"] == [path.name for path in tmp_path.iterdir()]
    files = names(tmp_path / "archive")
    assert 4 == len(files)
    assert all(file.isascii() and file.startswith("reports/") and "/." not in file for file in files)
    assert all(file.count("/") == 5 for file in files)


def test_the_longest_names_fit(tmp_path: Path) -> None:
    domain = ".".join(["d" * 63] * 3 + ["d" * 61])
    FilesystemArchive(path=tmp_path).keep(
        [received(report_json(policy_json(domain), organization="o" * 5_000, contact_info=f"a@{domain}"))]
    )

    assert 2 == len(names(tmp_path))


# ── whole or not at all ───────────────────────────────────────────────────────


def test_a_batch_of_500_costs_two_flushes(tmp_path: Path) -> None:
    flush = CountingFlush()
    batch = batch_of(500)

    FilesystemArchive(path=tmp_path, flush=flush).keep(batch)

    assert 1_000 == len(names(tmp_path))
    assert 2 == len(flush.calls)


def test_what_is_there_already_is_flushed_once_more(tmp_path: Path) -> None:
    """Whoever put it there may have been killed before it was durable."""
    FilesystemArchive(path=tmp_path).keep([received()])
    flush = CountingFlush()

    FilesystemArchive(path=tmp_path, flush=flush).keep([received()])

    (paths,) = flush.calls
    assert set(tmp_path.glob("reports/example.com/2026/05/11/*")) < set(paths)


def test_without_syncfs_every_file_and_every_folder_is_flushed(tmp_path: Path) -> None:
    flush = CountingFlush(each=True)

    FilesystemArchive(path=tmp_path, flush=flush).keep([received()])

    files, folders = flush.calls
    assert [2, 6] == [len(files), len(folders)]
    assert {tmp_path, *(path for path in tmp_path.rglob("*") if path.is_dir())} == set(folders)


def test_content_is_flushed_before_it_has_its_name(tmp_path: Path) -> None:
    seen: list[list[str]] = []

    def look(_root: Path, _paths: Sequence[Path]) -> None:
        seen.append([name for name in names(tmp_path) if name.startswith("reports")])

    FilesystemArchive(path=tmp_path, flush=look).keep([received()])

    assert [0, 2] == [len(found) for found in seen]


@pytest.mark.parametrize("damaged", [b"", b"\x1f\x8b", gzip.compress(b"{}")])
def test_a_damaged_report_is_replaced(tmp_path: Path, damaged: bytes) -> None:
    one = received()
    FilesystemArchive(path=tmp_path).keep([one])
    (file,) = tmp_path.rglob("*.json.gz")
    file.write_bytes(damaged)

    FilesystemArchive(path=tmp_path).keep([one])

    assert one.document.received == file.read_bytes()


def test_damaged_or_missing_facts_are_written_anew(tmp_path: Path) -> None:
    FilesystemArchive(path=tmp_path).keep([received()])
    (facts,) = tmp_path.rglob("*.facts.json")
    whole = facts.read_bytes()
    for damage in (lambda: facts.write_bytes(whole[:20]), facts.unlink):
        damage()
        FilesystemArchive(path=tmp_path).keep([received()])
        assert whole == facts.read_bytes()


def test_a_report_packed_otherwise_is_the_same_report(tmp_path: Path) -> None:
    one = received()
    FilesystemArchive(path=tmp_path).keep([one])
    otherwise = unpack(gzip.compress(one.document.text, compresslevel=1, mtime=1))

    FilesystemArchive(path=tmp_path).keep([replace(one, document=otherwise)])

    (file,) = tmp_path.rglob("*.json.gz")
    assert one.document.received == file.read_bytes()


def test_what_a_killed_process_left_is_removed_by_the_next_batch(tmp_path: Path) -> None:
    leftover = tmp_path / ".tmp-0123456789abcdef"
    leftover.mkdir()
    (leftover / "0").write_bytes(b"half a rep")

    FilesystemArchive(path=tmp_path).keep([received()])

    assert not leftover.exists()


@pytest.mark.parametrize(("flush_number", "kept_files"), [(1, 0), (2, 40)])
def test_a_process_killed_in_a_batch_leaves_nothing_half_and_the_next_completes_it(
    tmp_path: Path, flush_number: int, kept_files: int
) -> None:
    script = [sys.executable, "-c", KILLED, str(tmp_path), str(flush_number)]

    died = subprocess.run(script, check=False, cwd=Path(__file__).parents[2])  # noqa: S603  our own script

    assert -signal.SIGKILL == died.returncode
    assert kept_files == len(list(tmp_path.glob("reports/**/*.json*")))
    FilesystemArchive(path=tmp_path).keep(batch_of(20))
    assert 40 == len(names(tmp_path))


KILLED = """
import os, pathlib, signal, sys
from collector.archives.filesystem import FilesystemArchive
from tests.archives.test_filesystem import batch_of
left = int(sys.argv[2])
def flush(root, paths):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)
FilesystemArchive(path=pathlib.Path(sys.argv[1]), flush=flush).keep(batch_of(20))
"""


def batch_of(count: int) -> list[ReceivedReport]:
    return [received(report_json(report_id=str(number))) for number in range(count)]


def test_what_another_process_is_writing_is_left_alone(tmp_path: Path) -> None:
    with durable.writing(tmp_path, durable.flush) as batch:
        batch.add(tmp_path / "reports" / "other", b"content")
        FilesystemArchive(path=tmp_path).keep([received()])

    assert b"content" == (tmp_path / "reports" / "other").read_bytes()


def test_an_error_leaves_nothing_half_and_no_temporary_file(tmp_path: Path) -> None:
    def fail(_root: Path, _paths: Sequence[Path]) -> None:
        raise OSError(5, "Input/output error")

    with pytest.raises(ArchiveUnavailable, match="Input/output error: look after the disk"):
        FilesystemArchive(path=tmp_path, flush=fail).keep([received()])

    assert [] == names(tmp_path)


# ── when the disk refuses ─────────────────────────────────────────────────────


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KB, where this user may mount one."""
    place = tmp_path / "small"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(place)]
    if os.geteuid() != 0 or subprocess.run(mount, check=False, capture_output=True).returncode != 0:  # noqa: S603
        pytest.skip("this user may not mount a tmpfs")
    yield place
    subprocess.run(["umount", str(place)], check=True)  # noqa: S603, S607


def test_a_full_disk_is_unavailable_and_work_goes_on_when_there_is_room(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(b"x" * 240 * 1024)
    batch = batch_of(20)
    archive = FilesystemArchive(path=small_disk / "archive")

    with pytest.raises(ArchiveUnavailable) as caught:
        archive.keep(batch)
    left = names(small_disk)
    ballast.unlink()
    archive.keep(batch)

    assert f"archive {small_disk}/archive: No space left on device: make room there; " in str(caught.value)
    assert ["ballast"] == left
    assert 40 == len(names(small_disk))


def test_a_file_that_may_not_grow_is_unavailable(tmp_path: Path) -> None:
    """Stands in for a quota, or a full disk where no small one can be mounted."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(ArchiveUnavailable, match="File too large"):
            FilesystemArchive(path=tmp_path).keep([received()])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        signal.signal(signal.SIGXFSZ, handler)

    assert [] == names(tmp_path)


def test_a_place_that_is_no_folder_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ArchiveUnavailable, match=f"archive {tmp_path}/file: File exists: "):
        FilesystemArchive(path=tmp_path / "file").keep([received()])


# ── what strangers may fill ───────────────────────────────────────────────────


def test_foreign_reports_beyond_their_quota_are_not_kept_and_ours_are(tmp_path: Path) -> None:
    archive = FilesystemArchive(path=tmp_path, foreign_bytes=2 * 4096)
    first, second = (received(report_json(report_id=name), foreign=True) for name in "ab")

    archive.keep([first, second, received()])

    assert 1 == len(list(tmp_path.glob("foreign/**/*.json.gz")))
    assert 1 == len(list(tmp_path.glob("reports/**/*.json.gz")))


def test_beyond_its_quota_the_quarantine_keeps_reasons_and_then_nothing(tmp_path: Path) -> None:
    archive = FilesystemArchive(path=tmp_path, quarantine_bytes=5 * 4096 * 2)

    archive.put_aside([unreadable(f"Subject: {number}\r\n\r\n".encode()) for number in range(10)])

    assert 5 == len(list(tmp_path.rglob("*.eml")))
    kept = sorted(json.loads(file.read_bytes())["content_kept"] for file in tmp_path.rglob("*.reason.json"))
    assert [False] + [True] * 5 == kept


def test_what_was_there_before_counts_against_the_quota(tmp_path: Path) -> None:
    FilesystemArchive(path=tmp_path).put_aside([unreadable(b"Subject: 1\r\n\r\n")])

    FilesystemArchive(path=tmp_path, quarantine_bytes=2 * 4096).put_aside([unreadable(packed(report_json()))])

    assert [] == list(tmp_path.rglob("*.bin"))
