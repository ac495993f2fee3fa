"""Hand-written stand-ins for what touches the world."""

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from collector.alerting.alert import Notification
from collector.errors import CollectorError
from collector.intake.delivery import Delivery, Fate, Settlement, Withheld
from collector.ports import Outcome, ReceivedReport


@dataclass
class ListSource:
    """A source whose deliveries are a list; what is kept stays in it."""

    waiting: list[Delivery | Withheld] = field(default_factory=list)
    name: str = "main"
    batch_size: int = 500
    settled: dict[str, Fate] = field(default_factory=dict)
    batches: list[int] = field(default_factory=list)

    def deliveries(self, *, alone: frozenset[str]) -> Generator[tuple[Delivery | Withheld, ...], None, None]:
        suspects = [d for d in self.waiting if d.reference in alone]
        others = [d for d in self.waiting if d.reference not in alone]
        parts = [[d] for d in suspects]
        parts += [others[i : i + self.batch_size] for i in range(0, len(others), self.batch_size)]
        for part in parts:
            self.batches.append(len(part))
            yield tuple(part)

    def settle(self, settlements: Sequence[Settlement]) -> None:
        for order in settlements:
            self.settled[order.reference] = order.fate
        gone = {order.reference for order in settlements if order.fate is not Fate.KEPT}
        self.waiting = [d for d in self.waiting if d.reference not in gone]


@dataclass
class CountingMeter:
    """A meter that remembers what it was told."""

    added: list[Outcome] = field(default_factory=list)
    quarantined: int = 0
    succeeded: list[str] = field(default_factory=list)
    attempts: list[tuple[str, str]] = field(default_factory=list)

    def report_added(self, received: ReceivedReport, outcome: Outcome) -> None:
        del received
        self.added.append(outcome)

    def delivery_quarantined(self) -> None:
        self.quarantined += 1

    def source_succeeded(self, source: str, at: datetime) -> None:
        del at
        self.succeeded.append(source)

    def notification_attempted(self, channel: str, outcome: str) -> None:
        self.attempts.append((channel, outcome))


@dataclass
class ListChannel:
    """A channel that keeps what it is given, or fails as it is told."""

    name: str = "ops"
    sent: list[Notification] = field(default_factory=list)
    failure: CollectorError | None = None

    def send(self, notification: Notification, *, now: datetime) -> None:
        del now
        if self.failure is not None:
            raise self.failure
        self.sent.append(notification)
