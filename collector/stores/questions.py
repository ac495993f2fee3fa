"""What people and scripts ask of the store."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Text, case, cast, func, select

from collector.alerting.alert import Alert
from collector.alerting.traffic import failure_rate
from collector.intake.delivery import Evidence
from collector.ports import AlertRecord, FailureRow, Filter, PolicyRow, ReportRow, SummaryRow
from collector.stores import schema
from collector.stores.columns import day_of, number_of, storable, sum_of, summed, time_of, words_of
from collector.stores.database import Database
from collector.stores.notices import alert_of, notification_of
from collector.tlsrpt.names import normalise_name
from collector.tlsrpt.report import STS, TLSA

# Rows are fetched so many at a time, so that an answer of a million rows does not fill the memory.
_ROWS_AT_A_TIME = 1_000

_reports, _policies, _failures, _traffic = (
    schema.reports.c,
    schema.policies.c,
    schema.failures.c,
    schema.traffic.c,
)
_NEWEST_FIRST = (_reports.day.desc(), _reports.organization_folded, _reports.report_id, _reports.id)


class SqlQuestions:
    """Implements :class:`collector.ports.Questions`."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database

    def reports(self, wanted: Filter) -> Iterator[ReportRow]:
        """Yield the reports that count."""
        question = select(schema.reports).where(*_counted(wanted))
        if wanted.domain is not None:
            about = select(_traffic.report).where(_traffic.policy_domain == _domain(wanted))
            question = question.where(_reports.id.in_(about))
        if wanted.failures_only:
            question = question.where(_reports.failed_sessions > 0)
        for row in self._rows(question.order_by(*_NEWEST_FIRST)):
            yield ReportRow(
                date=day_of(row.day),
                organization_name=row.organization_name,
                report_id=row.report_id,
                contact_info=row.contact_info,
                policy_domains=words_of(row.policy_domains),
                policy_types=words_of(row.policy_types),
                sessions=row.sessions,
                successful_sessions=row.sessions - row.failed_sessions,
                failed_sessions=row.failed_sessions,
                evidence=Evidence(row.evidence).word,
                foreign=bool(row.foreign_domain),
            )

    def policies(self, wanted: Filter) -> Iterator[PolicyRow]:
        """Yield their policy entries."""
        question = (
            select(schema.policies, _reports.day, _reports.organization_name)
            .join(schema.reports, _reports.id == _policies.report)
            .where(*_counted(wanted), *_of_domain(_policies.policy_domain, wanted))
        )
        if wanted.failures_only:
            question = question.where(_policies.failed_sessions > 0)
        for row in self._rows(question.order_by(*_NEWEST_FIRST, _policies.position)):
            yield PolicyRow(
                date=day_of(row.day),
                organization_name=row.organization_name,
                policy_domain=row.policy_domain,
                policy_type=row.policy_type,
                policy_details=policy_details(row.policy_type, words_of(row.policy_strings)),
                successful_sessions=row.successful_sessions,
                failed_sessions=row.failed_sessions,
            )

    def failures(self, wanted: Filter) -> Iterator[FailureRow]:
        """Yield their failure details."""
        question = (
            select(schema.failures, _reports.day, _reports.organization_name)
            .join(schema.reports, _reports.id == _failures.report)
            .where(*_counted(wanted), *_of_domain(_failures.policy_domain, wanted))
        )
        if wanted.failures_only:
            question = question.where(_failures.failed_sessions > 0)
        for row in self._rows(question.order_by(*_NEWEST_FIRST, _failures.position)):
            yield FailureRow(
                date=day_of(row.day),
                organization_name=row.organization_name,
                policy_domain=row.policy_domain,
                policy_type=row.policy_type,
                result_type=row.result_type,
                sending_mta_ip=row.sending_mta_ip,
                receiving_mx_hostname=row.receiving_mx_hostname,
                receiving_ip=row.receiving_ip,
                failed_sessions=row.failed_sessions,
                failure_reason_code=row.failure_reason_code,
            )

    def summary(self, wanted: Filter) -> Iterator[SummaryRow]:
        """Yield a row a domain and day, by domain (the nameless last) and then by day."""
        t = _traffic
        question = select(
            *(t.policy_domain, t.day, *summed(t.sessions), *summed(t.failed_sessions)),
            func.min(_one_where(t.judged_domain != t.policy_domain)).label("served"),
            self._names(t.organization).label("organizations"),
        ).where(t.counted == 1, *_between(t.day, wanted), *_of_domain(t.policy_domain, wanted))
        if wanted.organization is not None:
            question = question.join(schema.reports, _reports.id == t.report).where(
                _reports.organization_folded == _organization(wanted)
            )
        question = question.group_by(t.policy_domain, t.day).order_by(
            _one_where(t.policy_domain == ""), t.policy_domain, t.day
        )
        for row in self._rows(question):
            told = _summary_row(row)
            if told.failed_sessions or not wanted.failures_only:
                yield told

    def alerts(self, *, open_only: bool) -> Iterator[Alert]:
        """Yield the alerts, the latest raised first."""
        a = schema.alerts.c
        question = select(schema.alerts).order_by(a.raised_at.desc(), a.alert_id)
        if open_only:
            question = question.where(a.cleared_at.is_(None))
        for row in self._rows(question):
            yield alert_of(row._asdict())

    def alert(self, alert_id: str) -> AlertRecord | None:
        """Return one alert with its history, None when there is none of that id."""
        changes, alert_id = schema.alert_changes.c, storable(alert_id)
        with self._database.reading() as connection:
            found = connection.execute(
                select(schema.alerts).where(schema.alerts.c.alert_id == alert_id)
            ).one_or_none()
            told = connection.execute(
                select(changes.notification).where(changes.alert_id == alert_id).order_by(changes.number)
            ).scalars()
            if found is None:
                return None
            return AlertRecord(
                alert=alert_of(found._asdict()),
                notifications=tuple(notification_of(text) for text in told),
            )

    def last_reports(self) -> Mapping[str, datetime]:
        """Tell for each policy domain when its latest report was received."""
        with self._database.reading() as connection:
            rows = connection.execute(select(schema.heard).order_by(schema.heard.c.policy_domain))
            return {row.policy_domain: time_of(row.received_at) for row in rows}

    def ping(self) -> None:
        """Ask the store for a sign of life; raises ``StoreUnavailable``."""
        with self._database.reading() as connection:
            connection.execute(select(1))

    def _names(self, column: ColumnElement[str]) -> ColumnElement[str]:
        """Return what gathers the names in a column, each once, as a JSON list."""
        if self._database.is_sqlite:
            return func.json_group_array(column.distinct())
        return cast(func.json_agg(column.distinct()), Text)

    def _rows(self, question: Select[Any]) -> Iterator[Row[Any]]:
        """Yield rows as they come; whoever stops half way gives the connection back."""
        with (
            self._database.reading() as connection,
            connection.execution_options(yield_per=_ROWS_AT_A_TIME).execute(question) as rows,
        ):
            yield from rows


def policy_details(policy_type: str | None, strings: tuple[str, ...]) -> str:
    """Put a policy into a few words: a mode and hosts for sts, a number of records for tlsa."""
    if policy_type == TLSA:
        return "" if not strings else f"{len(strings)} TLSA record{'s' if len(strings) > 1 else ''}"
    if policy_type != STS:
        return "; ".join(strings)
    members = [
        (name.strip(), value.strip())
        for name, _, value in (line.partition(":") for text in strings for line in text.splitlines())
    ]
    hosts = ", ".join(value for name, value in members if name == "mx")
    told = dict(reversed(members)) | {"mx": hosts}
    return "; ".join(f"{name}={told[name]}" for name in ("mode", "mx", "max_age") if told.get(name))


def _summary_row(row: Row[Any]) -> SummaryRow:
    sessions = sum_of(row.sessions_upper, row.sessions_lower)
    failed_sessions = sum_of(row.failed_sessions_upper, row.failed_sessions_lower)
    return SummaryRow(
        domain=row.policy_domain or None,
        day=day_of(row.day),
        sessions=sessions,
        failed_sessions=failed_sessions,
        failure_rate=failure_rate(failed_sessions, sessions),
        organizations=tuple(sorted(name for name in words_of(row.organizations) if name)),
        served=bool(row.served),
    )


def _counted(wanted: Filter) -> list[ColumnElement[bool]]:
    conditions = [_reports.counted == 1, *_between(_reports.day, wanted)]
    if wanted.organization is not None:
        conditions.append(_reports.organization_folded == _organization(wanted))
    return conditions


def _between(day: ColumnElement[int], wanted: Filter) -> list[ColumnElement[bool]]:
    conditions = []
    if wanted.since is not None:
        conditions.append(day >= number_of(wanted.since))
    if wanted.until is not None:
        conditions.append(day <= number_of(wanted.until))
    return conditions


def _of_domain(policy_domain: ColumnElement[Any], wanted: Filter) -> list[ColumnElement[bool]]:
    return [] if wanted.domain is None else [policy_domain == _domain(wanted)]


def _organization(wanted: Filter) -> str:
    return storable(wanted.organization or "").casefold()


def _domain(wanted: Filter) -> str:
    """Return the domain asked for as the store holds it; what is no name matches nothing."""
    return normalise_name(wanted.domain or "") or "?"


def _one_where(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """Return 1 where a condition holds and 0 where not; PostgreSQL sorts and adds no booleans."""
    return case((condition, 1), else_=0)
