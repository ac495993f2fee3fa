"""The store in a database of PostgreSQL."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from collector.errors import StoreRefused, StoreUnavailable
from collector.ports import Filter, Outcome
from collector.stores import Upgraded, open_store, upgrade_store
from tests.build import received
from tests.stores.contract import StoreContract
from tests.stores.servers import GUARDED_PASSWORD, Postgresql
from tests.stores.values import everything, variant
from tests.upkeep.house import House, bring_all_kinds, rows


class TestPostgresqlStore(StoreContract):
    @pytest.fixture
    def store_url(self, postgresql: Postgresql) -> Iterator[str]:
        url = postgresql.new_database()
        yield url
        postgresql.drop(url)

    def test_read_only_an_empty_database_is_no_store_yet(self, store_url: str) -> None:
        with pytest.raises(StoreUnavailable, match="not there yet: run collect first"):
            open_store(store_url, read_only=True)

    def test_an_empty_database_gets_its_tables(self, store_url: str) -> None:
        assert Upgraded(None, "0001") == upgrade_store(store_url)
        open_store(store_url, read_only=True).close()

    def test_replaying_an_archive_gives_the_rows_of_sqlite(self, store_url: str, tmp_path: Path) -> None:
        house = House.at(tmp_path)
        bring_all_kinds(house)
        store = open_store(store_url)

        replace(house, store=store).replay()

        assert rows(house.store) == rows(store)
        assert everything(house.store) == everything(store)
        house.store.close()
        store.close()

    def test_the_right_password_opens_and_no_other(self, postgresql: Postgresql) -> None:
        database = postgresql.new_guarded_database()
        open_store(postgresql.address(database, user=f"guarded:{GUARDED_PASSWORD}")).close()

        for user in ("guarded", "guarded:q7-wrong"):
            with pytest.raises(StoreRefused, match="check the user and the password") as refused:
                open_store(postgresql.address(database, user=user))
            assert "q7-" not in str(refused.value)

    def test_a_password_after_the_question_mark_is_not_told_either(self, postgresql: Postgresql) -> None:
        url = postgresql.address(postgresql.new_guarded_database(), user="guarded")

        with pytest.raises(StoreRefused) as refused:
            open_store(f"{url}&password=q7-wrong")

        assert "q7-" not in str(refused.value)

    @pytest.mark.parametrize(
        ("database", "user", "words"),
        [
            ("nowhere", "postgres", "create what is missing"),
            ("postgres", "nobody", "create what is missing"),
            ("postgres", "stranger", "whom the server lets in"),
        ],
    )
    def test_what_the_server_refuses_is_said_plainly(
        self, postgresql: Postgresql, database: str, user: str, words: str
    ) -> None:
        with pytest.raises(StoreRefused, match=words):
            open_store(postgresql.address(database, user=user))

    def test_an_unknown_option_is_refused(self, store_url: str) -> None:
        with pytest.raises(StoreRefused, match="question mark"):
            open_store(f"{store_url}&colour=blue")

    def test_where_nobody_listens_the_store_is_unavailable(self) -> None:
        with pytest.raises(StoreUnavailable, match=re.escape("postgresql://u:***@127.0.0.1:1/d")):
            open_store("postgresql://u:q7-secret@127.0.0.1:1/d")

    def test_a_server_that_went_away_is_unavailable_and_the_store_heals_when_it_is_back(self) -> None:
        server = Postgresql()
        try:
            server.start()
            store = open_store(server.new_database())
            store.reports.add([variant(n, report_id=f"{n:04}") for n in range(1, 1_101)])
            answer = store.questions.reports(Filter())
            next(answer)

            server.stop()

            with pytest.raises(StoreUnavailable):
                list(answer)
            with pytest.raises(StoreUnavailable):
                store.questions.ping()
            with pytest.raises(StoreUnavailable):
                store.reports.add([received()])
            with pytest.raises(StoreUnavailable):
                store.flights.land("main")
            server.start()
            assert (Outcome.STORED,) == store.reports.add([received()])
            assert 1_101 == len(list(store.questions.reports(Filter())))
            store.flights.land("main")
            store.close()
        finally:
            server.remove()

    def test_a_connection_that_ends_within_a_transaction_is_unavailable(self, store_url: str) -> None:
        store = open_store(store_url)

        with pytest.raises(StoreUnavailable), store.database.writing() as connection:
            connection.exec_driver_sql("SELECT pg_terminate_backend(pg_backend_pid())")

        assert (Outcome.STORED,) == store.reports.add([received()])
        store.close()

    def test_notes_in_flight_do_not_wait_for_the_disk(self, store_url: str) -> None:
        store = open_store(store_url)
        with store.database.writing() as connection:
            assert "on" == connection.exec_driver_sql("SHOW synchronous_commit").scalar()
        with store.database.writing(light=True) as connection:
            assert "off" == connection.exec_driver_sql("SHOW synchronous_commit").scalar()
        store.close()
