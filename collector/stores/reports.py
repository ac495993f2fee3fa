"""Adds reports: which are known, which contradict, which count (see :class:`ReportKey`)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, Table, and_, bindparam, delete, func, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from collector.alerting.traffic import DomainTraffic, domain_traffic, total
from collector.ports import Outcome, ReceivedReport
from collector.stores import schema
from collector.stores.columns import (
    index_label,
    json_of,
    number_of,
    seconds_of,
    storable,
    storable_or_none,
)
from collector.stores.database import Database
from collector.tlsrpt.identity import organization_of
from collector.tlsrpt.report import Failure, Policy

# Two values a report, and a statement takes 32,766 at SQLite; a batch has 500 reports.
_REPORTS_PER_QUESTION = 5_000

# Four tables are filled, in the words of the one database that is open.
_INSERTIONS = 4


@dataclass(slots=True)
class _Known:
    """A report of the store or of this batch; ``received`` is set where it is new."""

    row: int
    content_hash: str
    key_digest: str
    evidence: int
    foreign: bool
    counted: bool = False
    changed: bool = False
    received: ReceivedReport | None = None

    @property
    def rank(self) -> tuple[int, int]:
        """The better evidence outranks; at equal evidence the one that came first."""
        return self.evidence, -self.row


@dataclass(slots=True)
class _Shelf:
    """What is known of the contents in a batch, and who counts of each key."""

    next_row: int
    by_content: dict[str, _Known] = field(default_factory=dict)
    counting: dict[str, _Known] = field(default_factory=dict)

    def receive(self, received: ReceivedReport, key_digest: str) -> Outcome:
        """Judge one report against all that came before it."""
        known = self.by_content.get(received.content_hash)
        if known is not None:
            if received.evidence > known.evidence:
                known.evidence, known.changed = int(received.evidence), True
                self._contend(known)
            return Outcome.DUPLICATE
        rivals = key_digest in self.counting
        known = _Known(
            row=self.next_row,
            content_hash=received.content_hash,
            key_digest=key_digest,
            evidence=int(received.evidence),
            foreign=received.foreign,
            received=received,
        )
        self.next_row += 1
        self.by_content[known.content_hash] = known
        self._contend(known)
        if rivals:
            return Outcome.CONFLICT
        return Outcome.FOREIGN if received.foreign else Outcome.STORED

    def _contend(self, known: _Known) -> None:
        """Let a report count if it outranks the one that did."""
        best = self.counting.get(known.key_digest)
        if best is not None:
            if best.rank >= known.rank:
                return
            best.counted, best.changed = False, True
        known.counted, known.changed = True, True
        self.counting[known.key_digest] = known


class SqlReportStore:
    """Implements :class:`collector.ports.ReportStore`."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database

    def add(self, reports: Sequence[ReceivedReport]) -> tuple[Outcome, ...]:
        """Add a batch in one transaction; one outcome a report, in order."""
        if not reports:
            return ()
        digests = [received.key.digest for received in reports]
        with self._database.writing() as connection:
            self._database.lock(connection)
            shelf = _shelf_of(connection, [received.content_hash for received in reports], digests)
            outcomes = tuple(map(shelf.receive, reports, digests))
            known = shelf.by_content.values()
            _insert(connection, [one for one in known if one.received is not None])
            _update(connection, [one for one in known if one.received is None and one.changed])
        return outcomes


def _shelf_of(connection: Connection, contents: Sequence[str], key_digests: Sequence[str]) -> _Shelf:
    """Fetch from the store the contents of a batch, and who counts so far of its keys."""
    table = schema.reports.c
    latest = connection.execute(select(func.max(table.id))).scalar()
    shelf = _Shelf(next_row=(latest or 0) + 1)
    for start in range(0, len(contents), _REPORTS_PER_QUESTION):
        part = slice(start, start + _REPORTS_PER_QUESTION)
        question = select(
            *(table.id, table.content_hash, table.key_digest, table.evidence),
            *(table.foreign_domain, table.counted),
        ).where(
            or_(
                table.content_hash.in_(contents[part]),
                and_(table.key_digest.in_(key_digests[part]), table.counted == 1),
            )
        )
        for row, content_hash, key_digest, evidence, foreign, counted in connection.execute(question):
            known = _Known(
                row=row,
                content_hash=content_hash,
                key_digest=key_digest,
                evidence=evidence,
                foreign=bool(foreign),
                counted=bool(counted),
            )
            shelf.by_content[content_hash] = known
            if known.counted:
                shelf.counting[key_digest] = known
    return shelf


def _insert(connection: Connection, new: Sequence[_Known]) -> None:
    """Insert new reports with everything they hold, a statement a table."""
    reports: list[dict[str, Any]] = []
    policies: list[dict[str, Any]] = []
    failures: list[dict[str, Any]] = []
    traffic: list[dict[str, Any]] = []
    heard: dict[str, int] = {}
    for known in new:
        received = known.received
        assert received is not None
        report = received.report
        counts = domain_traffic(report)
        reports.append(_report_row(known, received, counts))
        policies += [_policy_row(known.row, at, policy) for at, policy in enumerate(report.policies)]
        details = ((policy, failure) for policy in report.policies for failure in policy.failures)
        failures += [_failure_row(known.row, at, *detail) for at, detail in enumerate(details)]
        traffic += _traffic_rows(known, received, counts)
        if known.counted and not known.foreign:
            _hear(heard, received)
    for table, rows in (
        (schema.reports, reports),
        (schema.policies, policies),
        (schema.failures, failures),
        (schema.traffic, traffic),
    ):
        _fill(connection, table, rows)
    _note_heard(connection, heard)


def _fill(connection: Connection, table: Table, rows: Sequence[dict[str, Any]]) -> None:
    """Insert rows that name every column, as they are.

    Handed to the driver at once: SQLAlchemy would look at each value of each row for nothing to
    convert, a quarter of all the time that adding takes.
    """
    if rows:
        connection.exec_driver_sql(_insertion(table, connection.dialect), rows)


@lru_cache(maxsize=_INSERTIONS)
def _insertion(table: Table, dialect: Dialect) -> str:
    return str(insert(table).compile(dialect=dialect))


def _hear(heard: dict[str, int], received: ReceivedReport) -> None:
    at = seconds_of(received.received_at)
    for domain in received.report.policy_domains:
        heard[domain] = max(heard.get(domain, at), at)


def _note_heard(connection: Connection, heard: dict[str, int]) -> None:
    """Note when domains of ours were heard of, unless they were later."""
    if not heard:
        return
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(schema.heard)
    newer = statement.excluded.received_at
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=["policy_domain"],
            set_={"received_at": newer},
            where=schema.heard.c.received_at < newer,
        ),
        [{"policy_domain": domain, "received_at": at} for domain, at in sorted(heard.items())],
    )


def _update(connection: Connection, changed: Sequence[_Known]) -> None:
    """Note better evidence, and who counts now; with it goes what its domains were heard of."""
    if not changed:
        return
    reports, traffic = schema.reports, schema.traffic
    connection.execute(
        update(reports)
        .where(reports.c.id == bindparam("row"))
        .values(evidence=bindparam("rank"), counted=bindparam("counts")),
        [{"row": known.row, "rank": known.evidence, "counts": int(known.counted)} for known in changed],
    )
    connection.execute(
        update(traffic).where(traffic.c.report == bindparam("row")).values(counted=bindparam("counts")),
        [{"row": known.row, "counts": int(known.counted and not known.foreign)} for known in changed],
    )
    _hear_again(connection, [known.row for known in changed])


def _hear_again(connection: Connection, rows: Sequence[int]) -> None:
    """Ask anew when the domains of some reports were last heard of, as other reports count now."""
    reports, traffic, heard = schema.reports.c, schema.traffic.c, schema.heard
    touched = select(traffic.policy_domain).where(traffic.report.in_(rows), traffic.policy_domain != "")
    latest = (
        select(traffic.policy_domain, func.max(reports.received_at))
        .join_from(schema.traffic, schema.reports, reports.id == traffic.report)
        .where(traffic.policy_domain.in_(touched), traffic.counted == 1)
        .group_by(traffic.policy_domain)
    )
    connection.execute(delete(heard).where(heard.c.policy_domain.in_(touched)))
    connection.execute(insert(heard).from_select(["policy_domain", "received_at"], latest))


# ── Rows ──────────────────────────────────────────────────────────────────────


def _report_row(known: _Known, received: ReceivedReport, counts: Sequence[DomainTraffic]) -> dict[str, Any]:
    report = received.report
    sessions, failed_sessions = total(counts)
    organization = storable(organization_of(report))
    return {
        "id": known.row,
        "content_hash": known.content_hash,
        "key_digest": known.key_digest,
        "counted": int(known.counted),
        "foreign_domain": int(known.foreign),
        "evidence": known.evidence,
        "source": received.source,
        "received_at": seconds_of(received.received_at),
        "day": number_of(report.period.day),
        "start_at": seconds_of(report.period.start),
        "end_at": None if report.period.end is None else seconds_of(report.period.end),
        "organization_name": storable_or_none(report.organization_name),
        "organization": organization,
        "organization_folded": organization.casefold(),
        "report_id": storable(report.report_id),
        "contact_info": storable_or_none(report.contact_info),
        "submitter": storable_or_none(received.mail.tls_report_submitter),
        "policy_domains": json_of(report.policy_domains),
        "policy_types": json_of(report.policy_types),
        "sessions": sessions,
        "failed_sessions": failed_sessions,
        "deviations": json_of(report.deviations),
    }


def _policy_row(row: int, position: int, policy: Policy) -> dict[str, Any]:
    return {
        "report": row,
        "position": position,
        "policy_domain": policy.policy_domain,
        "policy_type": storable_or_none(policy.policy_type),
        "policy_strings": json_of(policy.policy_strings),
        "mx_hosts": json_of(policy.mx_hosts),
        "successful_sessions": policy.successful_sessions,
        "failed_sessions": policy.failed_sessions,
    }


def _failure_row(row: int, position: int, policy: Policy, failure: Failure) -> dict[str, Any]:
    return {
        "report": row,
        "position": position,
        "policy_domain": policy.policy_domain,
        "policy_type": storable_or_none(policy.policy_type),
        "result_type": storable_or_none(failure.result_type),
        "sending_mta_ip": None if failure.sending_mta_ip is None else str(failure.sending_mta_ip),
        "receiving_mx_hostname": failure.receiving_mx_hostname,
        "receiving_mx_helo": storable_or_none(failure.receiving_mx_helo),
        "receiving_ip": None if failure.receiving_ip is None else str(failure.receiving_ip),
        "failed_sessions": failure.failed_sessions,
        "additional_information": storable_or_none(failure.additional_information),
        "failure_reason_code": storable_or_none(failure.failure_reason_code),
    }


def _traffic_rows(
    known: _Known, received: ReceivedReport, counts: Sequence[DomainTraffic]
) -> list[dict[str, Any]]:
    day = number_of(received.report.period.day)
    organization = index_label(organization_of(received.report))
    counted = int(known.counted and not known.foreign)
    return [
        {
            "report": known.row,
            "policy_domain": count.policy_domain or "",
            "judged_domain": count.judged_domain or "",
            "day": day,
            "organization": organization,
            "sessions": count.sessions,
            "failed_sessions": count.failed_sessions,
            "counted": counted,
        }
        for count in counts
    ]
