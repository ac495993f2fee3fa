"""What every kind of archive keeps to; a kind's test class inherits it and says how to look in."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any, Protocol

from collector.intake.delivery import Evidence
from collector.intake.extract import NO_MAIL
from collector.intake.unpack import unpack
from collector.ports import Archive, Facts, FileRetention, KeptReports, ReceivedReport, Unreadable
from tests.build import DAY, NOW, packed, policy_json, received, report_json

KeptFile = tuple[bytes, dict[str, Any]]


class AnArchive(Archive, KeptReports, FileRetention, Protocol):
    """All that an archive does, for several callers."""


class ArchiveContract(ABC):
    """Facts about any archive. Names are compared, never what they are."""

    @abstractmethod
    def archive(self) -> AnArchive:
        """Open the archive of this test; each call gives another opening of the same."""

    @abstractmethod
    def kept(self) -> Mapping[str, KeptFile]:
        """Tell name, bytes and facts of every report that is kept."""

    @abstractmethod
    def aside(self) -> Mapping[str, tuple[bytes | None, dict[str, Any]]]:
        """Tell name, bytes if there are any, and reason of everything put aside."""

    def test_a_report_is_kept_as_it_was_received(self) -> None:
        one = received()

        self.archive().keep([one])

        assert [one.document.received] == [content for content, _ in self.kept().values()]

    def test_plain_json_is_kept_packed(self) -> None:
        one = as_json(received())

        self.archive().keep([one])

        ((content, _),) = self.kept().values()
        assert one.document.text == unpack(content).text
        assert content != one.document.text

    def test_what_only_the_delivery_knew_is_kept_beside_it(self) -> None:
        one = received()

        self.archive().keep([one])

        ((_, facts),) = self.kept().values()
        assert {
            "version": 1,
            "source": "main",
            "received_at": "2026-05-12T06:00:00+00:00",
            "order": 0,
            "evidence": "none",
            "foreign": False,
            "content_hash": one.content_hash,
            "mail": dict.fromkeys(
                ("from_address", "subject", "message_id", "tls_report_domain", "tls_report_submitter")
            ),
            "inferred_policy_domain": None,
            "key": {
                "organization": "google inc.",
                "report_id": "2026-05-11_example.com",
                "start": "2026-05-11T00:00:00+00:00",
                "policy_domains": ["example.com"],
            },
        } == facts

    def test_to_keep_a_report_again_changes_nothing(self) -> None:
        self.archive().keep([received()])
        before = self.kept()

        self.archive().keep([received(received_at=NOW.replace(year=2027)), received()])

        assert before == self.kept()

    def test_better_evidence_of_a_later_copy_is_noted_and_nothing_else(self) -> None:
        self.archive().keep([received()])
        ((name, (content, facts)),) = self.kept().items()

        self.archive().keep([received(evidence=Evidence.VERIFIED, received_at=NOW.replace(year=2027))])
        self.archive().keep([received(evidence=Evidence.SIGNED)])

        assert {name: (content, facts | {"evidence": "verified"})} == self.kept()

    def test_of_copies_in_one_batch_the_best_evidence_is_noted(self) -> None:
        self.archive().keep([received(), received(evidence=Evidence.SIGNED), received()])

        assert ["signed"] == [facts["evidence"] for _, facts in self.kept().values()]

    def test_the_order_of_reports_received_at_one_moment_is_kept(self) -> None:
        archive = self.archive()
        reports = [received(report_json(report_id=str(n))) for n in range(5)]

        archive.keep(reports[:3])
        archive.keep(reports)

        orders = {facts["key"]["report_id"]: facts["order"] for _, facts in self.kept().values()}
        assert [str(n) for n in range(5)] == sorted(orders, key=lambda name: orders[name])

    def test_what_is_kept_is_found_again_by_its_day(self) -> None:
        archive = self.archive()
        one, foreign = received(), received(report_json(day=DAY - timedelta(days=1)), foreign=True)
        archive.keep([one, foreign])

        assert [foreign.body.period.day, one.body.period.day] == archive.days()
        (kept,) = archive.kept_on(one.body.period.day)
        assert one.content_hash[:16] == kept.digits
        assert one.document.received == archive.content(kept)
        assert Facts(
            source="main",
            received_at=NOW,
            order=0,
            mail=NO_MAIL,
            evidence=Evidence.NONE,
            foreign=False,
            content_hash=one.content_hash,
        ) == archive.facts(kept)
        assert [] == archive.kept_on(NOW.date())

    def test_what_is_old_is_removed_a_day_at_a_time(self) -> None:
        archive = self.archive()
        archive.keep([received(report_json(day=DAY - timedelta(days=ago))) for ago in range(4)])
        archive.put_aside([unreadable(None)])

        assert [2, 2] == list(archive.remove_reports((DAY - timedelta(days=1)).date()))
        assert [] == list(archive.remove_reports((DAY - timedelta(days=1)).date()))
        assert [] == list(archive.remove_quarantine(NOW.date()))
        assert (2, 1) == (len(self.kept()), len(self.aside()))
        assert [1] == list(archive.remove_quarantine(NOW.date() + timedelta(days=1)))
        assert {} == self.aside()

    def test_a_batch_may_hold_the_same_report_twice(self) -> None:
        self.archive().keep([received(), received()])

        assert 1 == len(self.kept())

    def test_two_reports_of_one_key_are_both_kept(self) -> None:
        one = received()
        other = received(report_json(policy_json(failed=5)))
        assert one.key == other.key

        self.archive().keep([one, other])

        assert {one.document.received, other.document.received} == {c for c, _ in self.kept().values()}

    def test_nothing_to_keep_is_fine(self) -> None:
        self.archive().keep([])
        self.archive().put_aside([])

        assert {} == self.kept()
        assert {} == self.aside()

    def test_what_could_not_be_read_is_put_aside_as_it_came_with_the_reason(self) -> None:
        self.archive().put_aside([unreadable(packed(report_json())[:50])])

        ((content, reason),) = self.aside().values()
        assert packed(report_json())[:50] == content
        assert {
            "source": "main",
            "reference": "INBOX;UIDVALIDITY=1/;UID=7",
            "received_at": "2026-05-12T06:00:00+00:00",
            "kind": "corrupt",
            "reason": "gzip: cut off before its end",
            "size_bytes": 50,
            "content_kept": True,
        } == reason
        assert {} == self.kept()

    def test_of_what_was_never_brought_in_the_reason_is_put_aside(self) -> None:
        self.archive().put_aside([unreadable(None)])

        ((content, reason),) = self.aside().values()
        assert content is None
        assert (None, False) == (reason["size_bytes"], reason["content_kept"])

    def test_to_put_the_same_aside_again_changes_nothing(self) -> None:
        self.archive().put_aside([unreadable(b"Subject: x\r\n\r\n"), unreadable(None)])
        before = self.aside()

        self.archive().put_aside([unreadable(b"Subject: x\r\n\r\n"), unreadable(None)])

        assert 2 == len(before)
        assert before == self.aside()


def as_json(one: ReceivedReport) -> ReceivedReport:
    """The same report as it comes unpacked."""
    return replace(one, document=unpack(one.document.text))


def unreadable(
    content: bytes | None, *, kind: str = "corrupt", reference: str = "INBOX;UIDVALIDITY=1/;UID=7"
) -> Unreadable:
    return Unreadable(
        source="main",
        reference=reference,
        received_at=NOW,
        content=content,
        kind=kind,
        reason="gzip: cut off before its end",
    )
