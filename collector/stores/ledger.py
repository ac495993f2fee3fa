"""Alerts as stored facts, and what of them is still to be told."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from collector.alerting.alert import Notification
from collector.alerting.evaluate import Standing
from collector.ports import Dispatch
from collector.stores import schema
from collector.stores.columns import day_of, seconds_of, storable
from collector.stores.database import Database
from collector.stores.notices import alert_of, alert_row, notification_of, notification_text

_alerts, _changes, _dispatches = schema.alerts, schema.alert_changes, schema.dispatches

_OWED, _SENT, _GIVEN_UP = "owed", "sent", "given-up"


class SqlAlertLedger:
    """Implements :class:`collector.ports.AlertLedger`."""

    def __init__(self, database: Database) -> None:
        """Work on an open database."""
        self._database = database

    def standing(self) -> Standing:
        """Return the open alerts, and the last day already told of each domain."""
        told = select(_alerts.c.policy_domain, func.max(_alerts.c.last_exceeding_day).label("day"))
        with self._database.reading() as connection:
            still_open = connection.execute(select(_alerts).where(_alerts.c.cleared_at.is_(None)))
            open_alerts = tuple(alert_of(row._asdict()) for row in still_open)
            rows = connection.execute(
                told.where(_alerts.c.cleared_at.is_not(None)).group_by(_alerts.c.policy_domain)
            )
            told_through = {row.policy_domain: day_of(row.day) for row in rows}
        return Standing(open_alerts=open_alerts, told_through=told_through)

    def record(self, notifications: Sequence[Notification], channels: Sequence[str]) -> None:
        """Store changes and owe each to every channel, in one transaction."""
        with self._database.writing() as connection:
            dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
            for notification in notifications:
                alert = notification.change.alert
                row = alert_row(alert)
                upsert = dialect.insert(_alerts).values(row)
                connection.execute(
                    upsert.on_conflict_do_update(
                        index_elements=["alert_id"],
                        set_={name: upsert.excluded[name] for name in row if name != "alert_id"},
                        where=_alerts.c.changes < alert.changes,
                    )
                )
                number = {"alert_id": alert.alert_id, "number": alert.changes}
                at = seconds_of(notification.change.at)
                new = connection.execute(
                    dialect.insert(_changes)
                    .values(number | {"at": at, "notification": notification_text(notification)})
                    .on_conflict_do_nothing()
                    .returning(_changes.c.number)
                ).all()
                if new and channels:
                    owed = {"state": _OWED, "attempts": 0, "next_attempt_at": at}
                    connection.execute(
                        insert(_dispatches),
                        [number | owed | {"channel": name} for name in dict.fromkeys(channels)],
                    )

    def due(self, now: datetime) -> Sequence[Dispatch]:
        """Return what is to be sent now, oldest first; within an alert and a channel one after the other."""
        d, earlier = _dispatches.c, _dispatches.alias("earlier")
        waits_for_another = (
            select(earlier.c.number)
            .where(
                earlier.c.state == _OWED,
                earlier.c.alert_id == d.alert_id,
                earlier.c.channel == d.channel,
                earlier.c.number < d.number,
            )
            .exists()
        )
        question = (
            select(d.channel, d.attempts, _changes.c.notification)
            .join_from(
                _dispatches,
                _changes,
                (_changes.c.alert_id == d.alert_id) & (_changes.c.number == d.number),
            )
            .where(d.state == _OWED, d.next_attempt_at <= seconds_of(now), ~waits_for_another)
            .order_by(_changes.c.at, d.alert_id, d.number, d.channel)
        )
        with self._database.reading() as connection:
            return [
                Dispatch(
                    channel=row.channel,
                    notification=notification_of(row.notification),
                    attempts=row.attempts,
                )
                for row in connection.execute(question)
            ]

    def sent(self, dispatch: Dispatch, at: datetime) -> None:
        """Note that a channel took it."""
        self._note(dispatch, {"state": _SENT, "ended_at": seconds_of(at), "last_error": None})

    def postponed(self, dispatch: Dispatch, until: datetime, error: str) -> None:
        """Note a failed attempt and when to try again."""
        self._note(
            dispatch,
            {
                "attempts": _dispatches.c.attempts + 1,
                "next_attempt_at": seconds_of(until),
                "last_error": storable(error),
            },
        )

    def given_up(self, dispatch: Dispatch, at: datetime, error: str) -> None:
        """Note that it will not be sent any more."""
        self._note(dispatch, {"state": _GIVEN_UP, "ended_at": seconds_of(at), "last_error": storable(error)})

    def _note(self, dispatch: Dispatch, values: dict[str, object]) -> None:
        alert = dispatch.notification.change.alert
        statement = update(_dispatches).where(
            _dispatches.c.alert_id == alert.alert_id,
            _dispatches.c.number == alert.changes,
            _dispatches.c.channel == dispatch.channel,
        )
        with self._database.writing() as connection:
            connection.execute(statement.values(values))
