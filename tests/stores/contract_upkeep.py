"""What every store keeps to over the years: retention, and telling what it holds."""

from datetime import date, timedelta

from collector.alerting.alert import AlertEvent
from collector.alerting.evaluate import Standing
from collector.intake.delivery import Evidence
from collector.ports import Filter, StoredContent
from collector.stores import SqlStore, schema
from tests.build import NOW, policy_json, received, report_json
from tests.channels.notices import alert, notification
from tests.stores.contract_keeping import changed, other_alert, owed
from tests.stores.values import DAY, everything, on, variant

# More than one transaction takes.
MANY = 450

# After every day of these tests.
LATER = DAY + timedelta(days=999)

# Tables whose rows belong to a report.
TABLES = (schema.reports, schema.policies, schema.failures, schema.traffic)


class RetentionContract:
    """Facts about what has been held long enough."""

    def test_reports_of_earlier_days_go_with_all_they_hold(self, store: SqlStore) -> None:
        failing = policy_json(successful=9, failed=1)
        later = received(report_json(failing, day=on(1)))
        store.reports.add([later])
        alone = (everything(store), counts(store))
        earlier = received(report_json(failing, day=on(0)), received_at=NOW - timedelta(days=1))
        store.reports.add([earlier, received(report_json(day=on(-400)))])

        assert 2 == store.retention.remove_reports(DAY + timedelta(days=1))
        assert 0 == store.retention.remove_reports(DAY + timedelta(days=1))

        assert alone == (everything(store), counts(store))

    def test_they_go_in_small_batches_the_oldest_first(self, store: SqlStore) -> None:
        days = [variant(1, day=on(n % 9), report_id=str(n)) for n in range(MANY)]
        store.reports.add(days)

        removed = store.retention.remove_reports(LATER)

        assert 0 < removed < MANY // 2
        assert on(removed * 9 // MANY).date() == store.contents.days()[0]
        while more := store.retention.remove_reports(LATER):
            removed += more
        assert MANY == removed
        assert ([], [], [], [], {}, []) == everything(store)
        assert [0, 0, 0, 0] == counts(store)

    def test_reports_that_do_not_count_and_foreign_ones_go_too(self, store: SqlStore) -> None:
        store.reports.add([variant(1), variant(2, evidence=Evidence.SIGNED), received(foreign=True)])

        assert 3 == store.retention.remove_reports(LATER)

        assert [0, 0, 0, 0] == counts(store)

    def test_nothing_old_is_nothing_removed(self, store: SqlStore) -> None:
        store.reports.add([received()])
        before = everything(store)

        assert 0 == store.retention.remove_reports(DAY)
        assert 0 == store.retention.remove_reports(date.min)

        assert before == everything(store)

    def test_what_was_removed_is_stored_when_it_comes_again(self, store: SqlStore) -> None:
        store.reports.add([received()])
        before = everything(store)
        store.retention.remove_reports(LATER)

        store.reports.add([received()])

        assert before == everything(store)

    def test_a_domain_is_forgotten_when_no_report_tells_of_it_any_more(self, store: SqlStore) -> None:
        store.reports.add([received(report_json(policy_json("gone.example"), day=on(-9))), received()])
        while store.retention.remove_reports(DAY):
            pass

        assert {"example.com": NOW} == store.questions.last_reports()

    def test_alerts_that_were_cleared_go_with_their_history_and_open_ones_stay(self, store: SqlStore) -> None:
        cleared = changed(2, AlertEvent.CLEARED, cleared_at=NOW)
        still_open = notification(about=other_alert())
        store.ledger.record([notification(), cleared, still_open], ["ops"])

        assert 0 == store.retention.remove_alerts(NOW)
        assert 1 == store.retention.remove_alerts(NOW + timedelta(seconds=1))
        assert 0 == store.retention.remove_alerts(NOW + timedelta(days=999))

        assert store.questions.alert(alert().alert_id) is None
        assert Standing(open_alerts=(still_open.change.alert,), told_through={}) == store.ledger.standing()
        assert [owed(still_open)] == list(store.ledger.due(NOW))
        with store.database.reading() as connection:
            assert 1 == len(connection.execute(schema.alert_changes.select()).all())
            assert 1 == len(connection.execute(schema.dispatches.select()).all())


class ContentsContract:
    """Facts about what is compared with the archive."""

    def test_every_report_is_told_by_its_day_also_one_that_does_not_count(self, store: SqlStore) -> None:
        first, rival, foreign = variant(1), variant(2), received(report_json(day=on(3)), foreign=True)
        store.reports.add([foreign, first, rival])

        assert [DAY, on(3).date()] == store.contents.days()
        assert [
            StoredContent(
                content_hash=one.content_hash,
                organization="Google Inc.",
                report_id="2026-05-11_example.com",
                foreign=False,
            )
            for one in (first, rival)
        ] == store.contents.contents_on(DAY)
        assert [True] == [one.foreign for one in store.contents.contents_on(on(3).date())]
        assert [] == store.contents.contents_on(on(1).date())
        assert 2 == len(list(store.questions.reports(Filter())))

    def test_an_empty_store_has_no_days(self, store: SqlStore) -> None:
        assert [] == store.contents.days()


def counts(store: SqlStore) -> list[int]:
    """How many rows each table of reports has."""
    with store.database.reading() as connection:
        return [len(connection.execute(table.select()).all()) for table in TABLES]
