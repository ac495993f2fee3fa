"""Adds reports: which are known, which contradict, which count (see :class:`ReportKey`)."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from collector.alerting.traffic import domain_traffic, total
from collector.ports import Outcome, ReceivedReport
from collector.stores import schema
from collector.stores.columns import json_of, number_of, seconds_of, storable, storable_or_none
from collector.stores.database import Database
from collector.tlsrpt.identity import organization_of
from collector.tlsrpt.report import Failure, Policy

# A statement takes 32,766 values at SQLite; a batch has 500 reports.
_HASHES_PER_QUESTION = 5_000


@dataclass(slots=True)
class _Known:
    """A report of this batch or of the store: ``row`` is its key there, None while it is new."""

    content_hash: str
    key_digest: str
    evidence: int
    counted: bool
    row: int | None
    received: ReceivedReport | None = None
    changed: bool = False


@dataclass(slots=True)
class _Shelf:
    """What is known of the contents and keys in a batch; decides who counts."""

    by_content: dict[str, _Known] = field(default_factory=dict)
    by_key: dict[str, list[_Known]] = field(default_factory=dict)

    def put(self, known: _Known) -> None:
        self.by_content[known.content_hash] = known
        self.by_key.setdefault(known.key_digest, []).append(known)

    def receive(self, received: ReceivedReport) -> Outcome:
        """Judge one report against all that came before it."""
        known = self.by_content.get(received.content_hash)
        if known is not None:
            if received.evidence > known.evidence:
                known.evidence, known.changed = int(received.evidence), True
                self._choose(known.key_digest)
            return Outcome.DUPLICATE
        digest = received.key.digest
        rivals = bool(self.by_key.get(digest))
        self.put(
            _Known(
                content_hash=received.content_hash,
                key_digest=digest,
                evidence=int(received.evidence),
                counted=False,
                row=None,
                received=received,
            )
        )
        self._choose(digest)
        if rivals:
            return Outcome.CONFLICT
        return Outcome.FOREIGN if received.foreign else Outcome.STORED

    def _choose(self, key_digest: str) -> None:
        """Let the best evidence count; at equal rank the first."""
        rivals = self.by_key[key_digest]
        best = max(rivals, key=lambda rival: rival.evidence)
        for rival in rivals:
            if rival.counted != (rival is best):
                rival.counted, rival.changed = rival is best, True


class SqlReportStore:
    """Implements :class:`collector.ports.ReportStore`."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database

    def add(self, reports: Sequence[ReceivedReport]) -> tuple[Outcome, ...]:
        """Add a batch in one transaction; one outcome a report, in order."""
        if not reports:
            return ()
        with self._database.writing() as connection:
            self._database.lock(connection)
            shelf = _shelf_of(connection, reports)
            outcomes = tuple(shelf.receive(received) for received in reports)
            new = [known for known in shelf.by_content.values() if known.row is None]
            _insert(connection, new)
            _update(connection, [k for k in shelf.by_content.values() if k.row is not None and k.changed])
            _hear(connection, reports)
        return outcomes


def _shelf_of(connection: Connection, reports: Sequence[ReceivedReport]) -> _Shelf:
    """Fetch from the store whatever shares a content or a key with the batch, oldest first."""
    shelf = _Shelf()
    table = schema.reports.c
    for start in range(0, len(reports), _HASHES_PER_QUESTION):
        part = reports[start : start + _HASHES_PER_QUESTION]
        question = (
            select(table.id, table.content_hash, table.key_digest, table.evidence, table.counted)
            .where(
                or_(
                    table.content_hash.in_({received.content_hash for received in part}),
                    table.key_digest.in_({received.key.digest for received in part}),
                )
            )
            .order_by(table.id)
        )
        for row in connection.execute(question):
            if row.content_hash not in shelf.by_content:
                shelf.put(
                    _Known(
                        content_hash=row.content_hash,
                        key_digest=row.key_digest,
                        evidence=row.evidence,
                        counted=bool(row.counted),
                        row=row.id,
                    )
                )
    return shelf


def _insert(connection: Connection, new: Sequence[_Known]) -> None:
    """Insert new reports with everything they hold, a statement a table."""
    if not new:
        return
    inserted = connection.execute(
        insert(schema.reports).returning(schema.reports.c.id, sort_by_parameter_order=True),
        [_report_row(known) for known in new],
    )
    policies: list[dict[str, Any]] = []
    failures: list[dict[str, Any]] = []
    traffic: list[dict[str, Any]] = []
    for known, row in zip(new, inserted.scalars(), strict=True):
        assert known.received is not None
        report = known.received.report
        policies += [_policy_row(row, at, policy) for at, policy in enumerate(report.policies)]
        details = [(policy, failure) for policy in report.policies for failure in policy.failures]
        failures += [_failure_row(row, at, *detail) for at, detail in enumerate(details)]
        traffic += _traffic_rows(row, known)
    for table, rows in ((schema.policies, policies), (schema.failures, failures), (schema.traffic, traffic)):
        if rows:
            connection.execute(insert(table), rows)


def _update(connection: Connection, changed: Sequence[_Known]) -> None:
    """Note better evidence, and who counts now."""
    reports, traffic = schema.reports, schema.traffic
    for known in changed:
        values = {"evidence": known.evidence, "counted": int(known.counted)}
        connection.execute(update(reports).where(reports.c.id == known.row).values(values))
        foreign = select(reports.c.foreign_domain).where(reports.c.id == known.row).scalar_subquery()
        connection.execute(
            update(traffic)
            .where(traffic.c.report == known.row)
            .values(counted=int(known.counted) * (1 - foreign))
        )


def _hear(connection: Connection, reports: Sequence[ReceivedReport]) -> None:
    """Note when each domain of ours was last heard of."""
    latest: dict[str, int] = {}
    for received in reports:
        if not received.foreign:
            for domain in received.report.policy_domains:
                latest[domain] = max(latest.get(domain, 0), seconds_of(received.received_at))
    if not latest:
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
        [{"policy_domain": domain, "received_at": at} for domain, at in sorted(latest.items())],
    )


# ── Rows ──────────────────────────────────────────────────────────────────────


def _report_row(known: _Known) -> dict[str, Any]:
    received = known.received
    assert received is not None
    report = received.report
    sessions, failed_sessions = total(domain_traffic(report))
    organization = storable(organization_of(report))
    return {
        "content_hash": known.content_hash,
        "key_digest": known.key_digest,
        "counted": int(known.counted),
        "foreign_domain": int(received.foreign),
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


def _policy_row(report: int, position: int, policy: Policy) -> dict[str, Any]:
    return {
        "report": report,
        "position": position,
        "policy_domain": policy.policy_domain,
        "policy_type": storable_or_none(policy.policy_type),
        "policy_strings": json_of(policy.policy_strings),
        "mx_hosts": json_of(policy.mx_hosts),
        "successful_sessions": policy.successful_sessions,
        "failed_sessions": policy.failed_sessions,
    }


def _failure_row(report: int, position: int, policy: Policy, failure: Failure) -> dict[str, Any]:
    return {
        "report": report,
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


def _traffic_rows(report: int, known: _Known) -> list[dict[str, Any]]:
    received = known.received
    assert received is not None
    return [
        {
            "report": report,
            "policy_domain": row.policy_domain or "",
            "judged_domain": row.judged_domain or "",
            "day": number_of(received.report.period.day),
            "organization": storable(organization_of(received.report)),
            "sessions": row.sessions,
            "failed_sessions": row.failed_sessions,
            "counted": int(known.counted and not received.foreign),
        }
        for row in domain_traffic(received.report)
    ]
