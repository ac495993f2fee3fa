"""What every kind of store keeps to; a kind's test class inherits it and gives the address."""

from collections.abc import Iterator

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from collector.errors import StoreRefused, StoreUnavailable
from collector.ports import Filter
from collector.stores import SqlStore, Upgraded, open_store, revisions, schema, upgrade_store
from collector.stores.database import Database
from tests.build import received
from tests.stores.contract_adding import AddingContract, ServedHostContract, TrafficContract
from tests.stores.contract_asking import AskingContract
from tests.stores.contract_keeping import FlightsContract, LedgerContract, MemoryContract
from tests.stores.contract_upkeep import ContentsContract, RetentionContract
from tests.stores.values import everything, variant


class StoreContract(
    AddingContract,
    ServedHostContract,
    TrafficContract,
    AskingContract,
    MemoryContract,
    FlightsContract,
    LedgerContract,
    RetentionContract,
    ContentsContract,
):
    """Facts about any store; ``store_url`` is the address of a fresh one."""

    @pytest.fixture
    def store(self, store_url: str) -> Iterator[SqlStore]:
        """A new store, open."""
        store = open_store(store_url)
        yield store
        store.close()

    def test_migrations_lead_to_the_tables_that_the_program_uses(self, store: SqlStore) -> None:
        with store.database.reading() as connection:
            context = MigrationContext.configure(
                connection, opts={"compare_type": True, "compare_server_default": True}
            )

            assert [] == compare_metadata(context, schema.metadata)

    def test_what_was_stored_is_there_after_opening_again(self, store: SqlStore, store_url: str) -> None:
        store.reports.add([received()])
        before = everything(store)
        store.close()

        again = open_store(store_url)

        assert before == everything(again)
        again.close()

    def test_read_only_a_store_answers_and_takes_nothing(self, store: SqlStore, store_url: str) -> None:
        store.reports.add([received()])
        reader = open_store(store_url, read_only=True)

        assert everything(store) == everything(reader)
        with pytest.raises(StoreRefused, match="read"):
            reader.reports.add([variant(5)])
        with pytest.raises(StoreRefused, match="read"):
            reader.flights.take_off("main", ["1"])
        reader.close()

    def test_read_only_what_others_add_meanwhile_is_seen(self, store: SqlStore, store_url: str) -> None:
        reader = open_store(store_url, read_only=True)

        store.reports.add([received()])

        assert 1 == len(list(reader.questions.reports(Filter())))
        reader.close()

    def test_a_store_that_a_newer_version_wrote_is_refused(self, store: SqlStore, store_url: str) -> None:
        execute(store.database, "UPDATE alembic_version SET version_num = '9999'")

        for read_only in (False, True):
            with pytest.raises(StoreRefused, match=r"9999.*upgrade this program"):
                open_store(store_url, read_only=read_only)
        with pytest.raises(StoreRefused, match=r"9999.*upgrade this program"):
            upgrade_store(store_url)

    def test_a_store_of_an_older_version_is_upgraded_before_it_is_asked(
        self, store: SqlStore, store_url: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Until there is a second revision, one is made up that changes nothing."""
        monkeypatch.setattr(revisions, "REVISIONS", ("0000", *revisions.REVISIONS))
        execute(store.database, "UPDATE alembic_version SET version_num = '0000'")
        monkeypatch.setattr(
            revisions,
            "_upgrade",
            lambda connection: connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0001'"),
        )

        with pytest.raises(StoreUnavailable, match="older version: run store upgrade first"):
            open_store(store_url, read_only=True)
        assert Upgraded("0000", "0001") == upgrade_store(store_url)
        assert Upgraded("0001", "0001") == upgrade_store(store_url)
        open_store(store_url, read_only=True).close()

    def test_a_database_that_holds_other_tables_is_refused(self, store: SqlStore, store_url: str) -> None:
        execute(store.database, "ALTER TABLE reports RENAME TO orders")

        with pytest.raises(StoreRefused, match="other tables: give the collector a database of its own"):
            open_store(store_url)

    def test_a_schema_that_fails_half_way_leaves_nothing_behind(self, store_url: str) -> None:
        """Everything is made in one transaction."""
        store = open_store(store_url)
        tables = [*reversed(schema.metadata.sorted_tables)]
        for name in ("alembic_version", *(table.name for table in tables)):
            execute(store.database, f'DROP TABLE "{name}"')
        execute(store.database, "CREATE VIEW traffic AS SELECT 1 AS x")
        with pytest.raises(Exception, match="traffic"):
            open_store(store_url)
        execute(store.database, "DROP VIEW traffic")

        open_store(store_url).close()
        store.close()

    @pytest.mark.parametrize("read_only", [False, True])
    def test_who_finds_a_store_busy_is_told_to_come_again(self, store_url: str, *, read_only: bool) -> None:
        """Readers do not wait for a writer; writers wait for each other, for a while."""
        holder = open_store(store_url)
        other = open_store(store_url, read_only=read_only, busy_seconds=0.05)
        with holder.database.writing() as connection:
            holder.database.lock(connection)
            assert [] == list(other.questions.reports(Filter()))
            if not read_only:
                with pytest.raises(StoreUnavailable):
                    other.reports.add([received()])

        other.questions.ping()
        holder.close()
        other.close()


def execute(database: Database, statement: str) -> None:
    """Change a store behind its back."""
    with database.writing() as connection:
        connection.exec_driver_sql(statement)
