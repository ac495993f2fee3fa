"""What every store keeps for sources and alerts: memory, flights, and the ledger."""

from dataclasses import replace
from datetime import date, timedelta

from collector.alerting.alert import Alert, AlertEvent, Notification
from collector.alerting.evaluate import Standing
from collector.alerting.rule import Severity
from collector.ports import AlertRecord, Dispatch
from collector.stores import SqlStore, open_store
from tests.build import NOW, policy_json, received, report_json
from tests.channels.notices import alert, hostile_notification, notification
from tests.stores.values import DAY, day_traffic

MINUTE = timedelta(minutes=1)


class MemoryContract:
    """Facts about mail that is left in place."""

    def test_what_was_settled_is_remembered_by_source_and_folder(
        self, store: SqlStore, store_url: str
    ) -> None:
        store.memory.remember("main", "INBOX", 7, [1, 2, 2**32 - 1])
        store.memory.remember("main", "INBOX", 7, [2, 3])
        store.memory.remember("main", "Other", 7, [9])
        store.memory.remember("other", "INBOX", 7, [8])
        store.close()

        reopened = open_store(store_url)
        again = reopened.memory

        assert {1, 2, 3, 2**32 - 1} == again.remembered("main", "INBOX", 7)
        assert {9} == again.remembered("main", "Other", 7)
        assert {8} == again.remembered("other", "INBOX", 7)
        assert frozenset() == again.remembered("main", "inbox", 7)
        reopened.close()

    def test_under_another_uidvalidity_nothing_is_remembered(self, store: SqlStore) -> None:
        store.memory.remember("main", "INBOX", 7, [1])
        store.memory.remember("other", "INBOX", 7, [1])

        assert frozenset() == store.memory.remembered("main", "INBOX", 8)
        assert {1} == store.memory.remembered("main", "INBOX", 7)

    def test_a_new_uidvalidity_makes_the_old_uids_forgotten(self, store: SqlStore) -> None:
        store.memory.remember("main", "INBOX", 7, [1])
        store.memory.remember("main", "Other", 7, [1])

        store.memory.remember("main", "INBOX", 2**32 - 1, [])

        assert frozenset() == store.memory.remembered("main", "INBOX", 7)
        assert {1} == store.memory.remembered("main", "Other", 7)
        store.memory.remember("main", "INBOX", 2**32 - 1, [5])
        assert {5} == store.memory.remembered("main", "INBOX", 2**32 - 1)


class FlightsContract:
    """Facts about deliveries that may have killed the process."""

    def test_what_was_in_flight_at_a_death_is_suspect_and_counted_once(
        self, store: SqlStore, store_url: str
    ) -> None:
        store.flights.take_off("main", ["INBOX;1", "Ü\n'\"\ud800"])
        store.flights.take_off("other", ["x"])
        store.close()

        again = open_store(store_url)

        assert {"INBOX;1": 1, "Ü\n'\"\ud800": 1} == again.flights.suspects("main")
        assert {"INBOX;1": 1, "Ü\n'\"\ud800": 1} == again.flights.suspects("main")
        assert {"x": 1} == again.flights.suspects("other")
        again.close()

    def test_what_has_landed_is_not_suspect(self, store: SqlStore) -> None:
        store.flights.take_off("main", ["1", "2"])
        store.flights.land("main")

        assert {} == store.flights.suspects("main")

    def test_a_second_start_takes_the_place_of_the_first(self, store: SqlStore) -> None:
        store.flights.take_off("main", ["1"])
        store.flights.take_off("main", ["2"])

        assert {"2": 1} == store.flights.suspects("main")

    def test_deaths_add_up(self, store: SqlStore) -> None:
        for _ in range(3):
            store.flights.take_off("main", ["1"])
            store.flights.suspects("main")

        assert {"1": 3} == store.flights.suspects("main")

    def test_crashes_are_counted_by_round_and_apart_from_deaths(
        self, store: SqlStore, store_url: str
    ) -> None:
        assert [1, 2] == [store.flights.crashed("main", "1") for _ in range(2)]
        assert 1 == store.flights.crashed("other", "1")
        store.close()

        again = open_store(store_url)

        assert 3 == again.flights.crashed("main", "1")
        assert {"1": 0} == again.flights.suspects("main")
        again.close()

    def test_what_is_settled_is_forgotten(self, store: SqlStore) -> None:
        store.flights.take_off("main", ["1", "2"])
        store.flights.suspects("main")
        store.flights.crashed("main", "1")

        store.flights.forget("main", ["1", "never seen"])
        store.flights.forget("main", [])

        assert {"2": 1} == store.flights.suspects("main")
        assert 1 == store.flights.crashed("main", "1")


class LedgerContract:
    """Facts about alerts."""

    def test_in_the_beginning_nothing_is_open_and_nothing_due(self, store: SqlStore) -> None:
        assert Standing(open_alerts=(), told_through={}) == store.ledger.standing()
        assert [] == list(store.ledger.due(NOW))
        assert [] == list(store.questions.alerts(open_only=False))

    def test_an_alert_is_open_and_owed_to_every_channel(self, store: SqlStore, store_url: str) -> None:
        raised = notification()
        store.ledger.record([raised], ["ops", "hook", "ops"])
        store.close()

        again = open_store(store_url)

        assert Standing(open_alerts=(alert(),), told_through={}) == again.ledger.standing()
        assert [owed(raised, "hook"), owed(raised)] == list(again.ledger.due(NOW))
        assert AlertRecord(alert=alert(), notifications=(raised,)) == again.questions.alert(alert().alert_id)
        again.close()

    def test_to_record_a_change_twice_is_to_record_it_once(self, store: SqlStore) -> None:
        store.ledger.record([notification()], ["ops"])
        store.ledger.sent(owed(notification()), NOW)

        store.ledger.record([notification(causes=())], ["ops", "hook"])

        assert [] == list(store.ledger.due(NOW))
        assert AlertRecord(alert=alert(), notifications=(notification(),)) == store.questions.alert(
            alert().alert_id
        )

    def test_an_older_change_does_not_undo_a_newer_one(self, store: SqlStore) -> None:
        cleared = notification(AlertEvent.CLEARED, about=alert(cleared_at=NOW, changes=2))
        store.ledger.record([cleared], [])

        store.ledger.record([notification()], [])

        assert () == store.ledger.standing().open_alerts
        assert [cleared.change.alert] == list(store.questions.alerts(open_only=False))

    def test_an_alert_of_no_channel_is_recorded_all_the_same(self, store: SqlStore) -> None:
        store.ledger.record([notification()], [])

        assert [] == list(store.ledger.due(NOW))
        assert (alert(),) == store.ledger.standing().open_alerts

    def test_changes_of_an_alert_reach_a_channel_one_after_the_other(self, store: SqlStore) -> None:
        raised, escalated = notification(), changed(2)
        store.ledger.record([raised], ["hook", "ops"])
        store.ledger.record([escalated], ["hook", "ops"])

        assert [owed(raised, "hook"), owed(raised)] == list(store.ledger.due(NOW))
        store.ledger.postponed(owed(raised), NOW + MINUTE, "away")
        store.ledger.sent(owed(raised, "hook"), NOW)
        assert [owed(escalated, "hook")] == list(store.ledger.due(NOW))
        store.ledger.given_up(owed(raised), NOW, "gone")
        assert [owed(escalated, "hook"), owed(escalated)] == list(store.ledger.due(NOW))

    def test_an_alert_does_not_wait_for_another(self, store: SqlStore) -> None:
        other = notification(about=other_alert())
        store.ledger.record([notification(), other], ["ops"])

        store.ledger.postponed(owed(notification()), NOW + MINUTE, "away")

        assert [owed(other)] == list(store.ledger.due(NOW))

    def test_the_oldest_is_due_first(self, store: SqlStore) -> None:
        early, late = told_at(notification(about=other_alert()), -1), told_at(notification(), 0)
        store.ledger.record([late, early], ["ops"])

        assert [owed(early), owed(late)] == list(store.ledger.due(NOW))

    def test_what_is_postponed_is_due_again_when_its_time_has_come(self, store: SqlStore) -> None:
        store.ledger.record([notification()], ["ops"])

        store.ledger.postponed(owed(notification()), NOW + MINUTE, "away\0\ud800")

        assert [] == list(store.ledger.due(NOW))
        (dispatch,) = store.ledger.due(NOW + MINUTE)
        assert owed(notification(), attempts=1) == dispatch
        store.ledger.postponed(dispatch, NOW + 3 * MINUTE, "away")
        assert [owed(notification(), attempts=2)] == list(store.ledger.due(NOW + 3 * MINUTE))

    def test_what_is_sent_or_given_up_is_not_due_any_more(self, store: SqlStore, store_url: str) -> None:
        store.ledger.record([notification()], ["hook", "ops"])
        store.ledger.sent(owed(notification()), NOW)
        store.ledger.given_up(owed(notification(), "hook"), NOW, "410 Gone")
        store.close()

        again = open_store(store_url)

        assert [] == list(again.ledger.due(NOW + timedelta(days=9)))
        again.close()

    def test_a_cleared_alert_tells_through_which_day_a_domain_was_told_of(self, store: SqlStore) -> None:
        cleared = changed(2, AlertEvent.CLEARED, cleared_at=NOW, last_exceeding_day=DAY)
        earlier = other_alert(
            alert_id="earlier",
            policy_domain="example.com",
            last_exceeding_day=DAY - timedelta(days=30),
            cleared_at=NOW,
        )
        still_open = notification(about=other_alert())
        store.ledger.record([cleared, notification(about=earlier), still_open], [])

        assert (
            Standing(open_alerts=(still_open.change.alert,), told_through={"example.com": DAY})
            == store.ledger.standing()
        )

    def test_alerts_are_listed_the_latest_raised_first(self, store: SqlStore) -> None:
        older = other_alert(raised_at=NOW - MINUTE, cleared_at=NOW)
        store.ledger.record([notification(about=older), notification()], [])

        assert [alert(), older] == list(store.questions.alerts(open_only=False))
        assert [alert()] == list(store.questions.alerts(open_only=True))

    def test_the_history_of_an_alert_is_told_in_order(self, store: SqlStore) -> None:
        history = (notification(), changed(2), changed(3, AlertEvent.CLEARED, cleared_at=NOW))
        store.ledger.record(history, ["ops"])

        assert AlertRecord(alert=history[-1].change.alert, notifications=history) == store.questions.alert(
            alert().alert_id
        )
        assert store.questions.alert("nobody's\0") is None

    def test_notifications_come_back_as_they_went_in_whatever_is_in_them(self, store: SqlStore) -> None:
        beyond = alert(sessions=10**20, failed=10**19)
        hostile = replace(hostile_notification(), change=replace(hostile_notification().change, alert=beyond))
        store.ledger.record([hostile], ["ops"])

        assert [owed(hostile)] == list(store.ledger.due(NOW))
        assert (beyond,) == store.ledger.standing().open_alerts

    def test_the_traffic_of_a_domain_with_an_open_alert_is_told_when_nothing_fails(
        self, store: SqlStore
    ) -> None:
        healthy = [policy_json(), policy_json("other.example")]
        store.reports.add([received(report_json(*healthy))])
        store.ledger.record([notification()], [])

        assert [day_traffic(100, 0)] == list(store.traffic.recent_traffic(date.min))
        store.ledger.record([changed(2, AlertEvent.CLEARED, cleared_at=NOW)], [])
        assert [] == list(store.traffic.recent_traffic(date.min))


def owed(told: Notification, channel: str = "ops", *, attempts: int = 0) -> Dispatch:
    return Dispatch(channel=channel, notification=told, attempts=attempts)


def changed(number: int, event: AlertEvent = AlertEvent.ESCALATED, **changes: object) -> Notification:
    """The default alert after so many changes."""
    about: Alert = replace(alert(), changes=number, **changes)  # type: ignore[arg-type]  # its fields by name
    return notification(event, about=about)


def other_alert(**changes: object) -> Alert:
    other = replace(alert(domain="other.example", severity=Severity.WARNING), alert_id="other")
    return replace(other, **changes)  # type: ignore[arg-type]  # its fields by name


def told_at(told: Notification, minutes: int) -> Notification:
    return replace(told, change=replace(told.change, at=NOW + minutes * MINUTE))
