"""A site that is killed, and the facts that hold once it has been started again."""

import gzip
import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from collector.ports import Filter
from collector.stores import open_store
from tests.channels.servers import Mailbox
from tests.commands.site import TIMEOUT_SECONDS, Site, report_of

LUNCH = b"Subject: Lunch?\n\nThursday\n"


@dataclass
class Expected:
    """What was delivered, as it has to be found in the end."""

    report_ids: set[str] = field(default_factory=set)
    processed: list[bytes] = field(default_factory=list)
    rejected: list[bytes] = field(default_factory=list)
    quarantined: Counter[str] = field(default_factory=Counter)


class Place:
    """A site with what was delivered to it, and its command: started, killed, started again."""

    def __init__(self, site: Site, alerts: Mailbox) -> None:
        self.site = site
        self.alerts = alerts
        self.expected = Expected()
        self.wave = 0
        self.running: subprocess.Popen[str]

    def deliver(self, *, reports: int, others: bool = True) -> None:
        """Deliver reports (some of failures), and of each kind that is not collected a mail."""
        self.wave += 1
        ids = [f"{self.wave}-{number}" for number in range(reports)]
        mails = [self._report(report_id) for report_id in ids]
        self.expected.report_ids |= set(ids)
        self.expected.processed += mails
        if others:
            duplicate = mails[0]
            broken = self._report(f"{self.wave}-broken").replace(b"H4sI", b"H4sX")
            lunch = b"X-Wave: %d\n%b" % (self.wave, LUNCH)
            self.expected.processed.append(duplicate)
            self.expected.rejected += [broken, lunch]
            self.expected.quarantined["corrupt"] += 1
            mails[len(mails) // 2 : len(mails) // 2] = [broken, duplicate, lunch]
        self.site.deliver(*mails)

    def deliver_marked(self, mark: bytes, *, kind: str | None) -> None:
        """Deliver a report's mail with a mark; it ends in the quarantine as ``kind``, if there is one."""
        self.wave += 1
        marked = mark + b"\n" + self._report(f"{self.wave}-marked")
        if kind is None:
            self.expected.report_ids.add(f"{self.wave}-marked")
            self.expected.processed.append(marked)
        else:
            self.expected.rejected.append(marked)
            self.expected.quarantined[kind] += 1
        self.site.deliver(marked)

    def trapped(self, step: str, moment: str = "before", times: int = 1) -> None:
        """Run the command into a trap of :mod:`tests.kill.killed`."""
        process = self._start(self._with_trap(step, moment, times))
        _, told = process.communicate(timeout=TIMEOUT_SECONDS)
        assert -signal.SIGKILL == process.returncode, told

    def marked(self, step: str, *, status: int = 0) -> None:
        """Run the command to its end where mails with a mark do harm."""
        process = self._start(self._with_trap(step, "before", 1))
        _, told = process.communicate(timeout=TIMEOUT_SECONDS)
        assert status == process.returncode, told

    def start(self, command: str = "collect") -> subprocess.Popen[str]:
        """Start the command; it is :attr:`running`, and tells errors alone."""
        return self._start(self.site.command("-qq", command))

    def kill(self) -> None:
        """Kill what is running."""
        self.running.kill()

    def finish(self) -> None:
        """Run the command to its end, which is a good one."""
        self.site.run("collect")

    def check(self, *, in_place: bool = False) -> None:
        """See that everything is where it belongs, once; ``in_place``: the mails stayed where they were."""
        expected = self.expected
        ids = Counter(expected.report_ids)
        assert expected.quarantined == Counter(self.quarantined())
        assert ({}, {}) == _differences(ids, Counter(self.archived()))
        assert ({}, {}) == _differences(ids, Counter(self.stored()))
        mails = [self._mails(folder) for folder in ("INBOX", "TLSRPT-processed", "TLSRPT-rejected")]
        processed, rejected = Counter(expected.processed), Counter(expected.rejected)
        wanted = (
            [processed + rejected, Counter(), Counter()] if in_place else [Counter(), processed, rejected]
        )
        assert [({}, {})] * 3 == [_differences(*folder) for folder in zip(wanted, mails, strict=True)]
        self._check_alerts()

    def stored(self) -> list[str]:
        """Tell the reports that are in the store, by report-id."""
        store = open_store(self.site_store, read_only=True)
        try:
            return [row.report_id for row in store.questions.reports(Filter())]
        finally:
            store.close()

    def archived(self) -> list[str]:
        """Tell the reports that are in the archive, by report-id; each is readable and has its facts."""
        reports = self.site.archived()
        for report in reports:
            facts = json.loads(report.with_name(report.name.replace(".json.gz", ".facts.json")).read_bytes())
            assert "main" == facts["source"]
        assert len(reports) == len(self.site.archived(ending=".facts.json"))
        return [json.loads(gzip.decompress(report.read_bytes()))["report-id"] for report in reports]

    def quarantined(self) -> list[str]:
        """Tell why mails are in the quarantine."""
        reasons = self.site.archived("quarantine", ".reason.json")
        return [json.loads(reason.read_bytes())["kind"] for reason in reasons]

    def suspects(self) -> dict[str, int]:
        """Tell which deliveries are under suspicion; asking counts what is noted as in flight."""
        store = open_store(self.site_store)
        try:
            return dict(store.flights.suspects("main"))
        finally:
            store.close()

    @property
    def site_store(self) -> str:
        """The address of the store."""
        return f"sqlite:///{self.site.folder}/store.db"

    def _check_alerts(self) -> None:
        """See that every change of an alert was told, always under its one message id."""
        store = open_store(self.site_store, read_only=True)
        try:
            records = [store.questions.alert(a.alert_id) for a in store.questions.alerts(open_only=False)]
        finally:
            store.close()
        recorded = [n.change.message_id for record in records if record for n in record.notifications]
        told = {str(message["Message-ID"]).strip("<>").split("@")[0] for message in self.alerts.messages}
        assert sorted(recorded) == sorted(told)

    def _mails(self, folder: str) -> Counter[bytes]:
        """Count the mails of a folder by content, with the line ends of files."""
        mails = self.site.dovecot.mails(self.site.user, folder)
        return Counter(mail.replace(b"\r\n", b"\n") for mail in mails)

    def _report(self, report_id: str) -> bytes:
        failed = 60 if report_id.endswith("0") else 0
        return report_of(1, failed=failed, domain=f"d{self.wave % 7}.example.com", report_id=report_id)

    def _with_trap(self, step: str, moment: str, times: int) -> list[str]:
        own = [sys.executable, "-m", "tests.kill.killed", step, moment, str(times), "--"]
        arguments = self.site.command("collect")
        return own + arguments[arguments.index("collector") + 1 :]

    def _start(self, arguments: Sequence[str]) -> subprocess.Popen[str]:
        self.running = subprocess.Popen(  # noqa: S603  our own command
            arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        return self.running


def _differences(expected: Counter[Any], found: Counter[Any]) -> tuple[dict[Any, int], dict[Any, int]]:
    """Tell what is missing and what is too much; where there are thousands the whole is too long to read."""
    return dict(expected - found), dict(found - expected)
