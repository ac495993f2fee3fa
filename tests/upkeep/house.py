"""An archive and a store that belong together, filled through the pipeline itself."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from collector.archives.filesystem import FilesystemArchive
from collector.intake.delivery import Delivery, DeliveryKind
from collector.pipeline import Parts, collect
from collector.ports import ReceivedReport
from collector.stores import SqlStore, open_store
from collector.upkeep import Ages, Compared, Problem, Replayed, Scope, replay, verify
from tests.build import NOW, delivery, mail, packed, policy_json, report_json
from tests.fakes import CountingMeter, ListSource

FOR_EVER = Ages(reports=None, archive=None, quarantine=None, alerts=None)


@dataclass
class House:
    """One installation, its parts open."""

    folder: Path
    archive: FilesystemArchive
    store: SqlStore

    @classmethod
    def at(cls, folder: Path, store_name: str = "store.db") -> "House":
        return cls(
            folder=folder,
            archive=FilesystemArchive(path=folder / "archive"),
            store=open_store(f"sqlite:///{folder}/{store_name}"),
        )

    def bring(self, *deliveries: Delivery, watched: frozenset[str] = frozenset(), name: str = "main") -> None:
        """Collect deliveries as the daemon does."""
        parts = Parts(
            archive=self.archive,
            store=self.store.reports,
            flights=self.store.flights,
            meter=CountingMeter(),
            watched=watched,
        )
        source = ListSource([replace(one, source=name) for one in deliveries], name=name)
        collect(source, parts, keep_going=lambda: True)

    def hold(self, *reports: ReceivedReport) -> None:
        """Archive and store reports as they are."""
        self.archive.keep(reports)
        self.store.reports.add(reports)

    def verify(self, ages: Ages = FOR_EVER, *, since: date | None = None) -> list[Problem]:
        scope = Scope.of(ages, since=since, now=NOW)
        return list(verify(self.archive, self.store.contents, scope=scope, compared=Compared()))

    def replay(
        self, ages: Ages = FOR_EVER, *, since: date | None = None, told: list[Problem] | None = None
    ) -> Replayed:
        scope = Scope.of(ages, since=since, now=NOW)
        problems: list[Problem] = [] if told is None else told
        return replay(self.archive, self.store.reports, scope=scope, tell=problems.append)

    def files(self, pattern: str = "*") -> Sequence[Path]:
        return sorted(path for path in (self.folder / "archive").rglob(pattern) if path.is_file())

    def names(self, pattern: str = "*") -> list[str]:
        """Files and folders of the archive alike."""
        archive = self.folder / "archive"
        return sorted(str(path.relative_to(archive)) for path in archive.rglob(pattern))


def rows(store: SqlStore) -> list[tuple[object, ...]]:
    """Every column of every report, but for the number that its row has."""
    with store.database.reading() as connection:
        found = connection.exec_driver_sql("SELECT * FROM reports ORDER BY content_hash").all()
    return [tuple(row)[1:] for row in found]


def bring_all_kinds(house: House) -> None:
    """Bring what only a mail knows, foreign and doubled reports, and rivals of one second."""
    at = NOW - timedelta(days=1)
    early = [
        mail(report_json(policy_json(failed=n), report_id="rivals of one second"), sent_at=NOW)
        for n in range(40)
    ]
    house.bring(
        *(replace(delivery(content, reference=str(n)), received_at=at) for n, content in enumerate(early)),
        watched=frozenset({"example.com", "inferred.example"}),
    )
    house.bring(
        delivery(
            mail(report_json(policy_json(None), report_id="nameless"), domain="Inferred.Example"),
            reference="a",
        ),
        delivery(mail(report_json(policy_json("foreign.example", failed=7))), reference="b"),
        delivery(mail(report_json()), reference="c"),
        delivery(mail(report_json()), reference="d"),
        delivery(mail(report_json(policy_json(), policy_json("mx1.example.com", "tlsa"))), reference="e"),
        delivery(packed(report_json(report_id="posted")), reference="f", kind=DeliveryKind.POST),
        delivery(mail(report_json(date_range={"start-datetime": "2026-05-10"})), reference="g"),
        delivery(mail(report_json(organization="\u202e=1+1\x1b[2J", report_id="hostile \0")), reference="h"),
        watched=frozenset({"example.com", "inferred.example"}),
        name="other",
    )
