"""Counts what happens in this process and shows it, with figures of the store, to Prometheus.

The landlord of ``prometheus_client``. The counts are our own and become its metrics when
asked for: its counters would add a ``_created`` series to each of theirs, and can be kept
from that only for the whole process.
"""

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

import structlog
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from collector import __version__
from collector.alerting.rule import Severity
from collector.errors import StoreRefused, StoreUnavailable
from collector.ports import Filter, Outcome, Questions, ReceivedReport
from collector.tlsrpt.report import REGISTERED_POLICY_TYPES, Policy
from collector.tlsrpt.result_types import RESULT_TYPES
from collector.web.text import shown

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4

# Policy domains are what senders write. A domain has up to eight series: 10,000 domains take about
# a second to render and eight megabytes to send, so the rest share the label "other".
MAX_DOMAIN_LABELS = 10_000

_OTHER = "other"
_UNKNOWN = "unknown"
_QUARANTINED = "quarantined"

_log = structlog.get_logger()


class PrometheusMeter:
    """Counts what happens in this process; satisfies ``ports.Meter``, from any thread."""

    def __init__(self, *, max_domain_labels: int = MAX_DOMAIN_LABELS) -> None:
        """Start with nothing counted."""
        self._max_domain_labels = max_domain_labels
        self._lock = threading.Lock()
        self._domain_labels: set[str] = set()
        self._sessions: Counter[tuple[str, ...]] = Counter()
        self._failure_details: Counter[tuple[str, ...]] = Counter()
        # Every outcome is there from the start, so that the first one shows as an increase.
        self._reports: Counter[tuple[str, ...]] = Counter({(o,): 0 for o in (*Outcome, _QUARANTINED)})
        self._notifications: Counter[tuple[str, ...]] = Counter()
        self._source_successes: dict[str, datetime] = {}

    def report_added(self, received: ReceivedReport, outcome: Outcome) -> None:
        """Count a report that reached the store; its sessions only when it was stored."""
        with self._lock:
            self._reports[outcome,] += 1
            if outcome is Outcome.STORED:
                for policy in received.report.policies:
                    self._count(policy)

    def delivery_quarantined(self) -> None:
        """Count a delivery, or a file in it, that could not be read."""
        with self._lock:
            self._reports[_QUARANTINED,] += 1

    def source_succeeded(self, source: str, at: datetime) -> None:
        """Note a round that a source answered to its end."""
        with self._lock:
            self._source_successes[source] = at

    def notification_attempted(self, channel: str, outcome: str) -> None:
        """Count an attempt to send: ``sent``, ``postponed`` or ``refused``."""
        with self._lock:
            self._notifications[channel, outcome] += 1

    def exposition(self, questions: Questions, *, now: datetime) -> bytes:
        """Write all metrics in Prometheus' text format; without the store, those of the process."""
        try:
            stored = list(_store_metrics(questions, now, self._max_domain_labels))
        except (StoreUnavailable, StoreRefused) as error:
            _log.warning("metrics_cut_short", error=str(error))
            stored = []
        return generate_latest(_Scrape(metrics=(*self._process_metrics(), *stored, _store_up(bool(stored)))))

    def _count(self, policy: Policy) -> None:
        domain = self._domain_label(policy.policy_domain)
        policy_type = policy.policy_type or _OTHER
        if policy_type not in REGISTERED_POLICY_TYPES:
            policy_type = _OTHER
        self._sessions[domain, policy_type, "successful"] += policy.successful_sessions
        self._sessions[domain, policy_type, "failed"] += policy.failed_sessions
        for failure in policy.failures:
            # RFC 8460 §4.3 expects its list to grow, and senders write what they like.
            result_type = failure.result_type or _OTHER
            label = result_type if result_type in RESULT_TYPES else _OTHER
            self._failure_details[label,] += failure.failed_sessions

    def _domain_label(self, domain: str | None) -> str:
        if domain is None:
            return _UNKNOWN
        if domain not in self._domain_labels:
            if len(self._domain_labels) >= self._max_domain_labels:
                return _OTHER
            self._domain_labels.add(domain)
        return shown(domain)

    def _process_metrics(self) -> tuple[Metric, ...]:
        """Return what this process counted, at one moment."""
        with self._lock:
            return (
                InfoMetricFamily("tlsrpt_build", "The running program.", value={"version": __version__}),
                _counter(
                    "tlsrpt_sessions",
                    "Sessions in the reports that this process stored, as each policy entry tells of them; "
                    "entries of sts and tlsa may tell of the same sessions.",
                    ("policy_domain", "policy_type", "result"),
                    self._sessions,
                ),
                _counter(
                    "tlsrpt_failure_details",
                    "Failed sessions in the failure details of the reports that this process stored.",
                    ("result_type",),
                    self._failure_details,
                ),
                _counter(
                    "tlsrpt_reports",
                    "Reports met by this process, by what became of them.",
                    ("outcome",),
                    self._reports,
                ),
                _counter(
                    "tlsrpt_notifications",
                    "Attempts of this process to send a notification.",
                    ("channel", "outcome"),
                    self._notifications,
                ),
                _gauge(
                    "tlsrpt_source_last_success_timestamp_seconds",
                    "When a source last answered a round to its end.",
                    ("source",),
                    (((name,), at.timestamp()) for name, at in self._source_successes.items()),
                ),
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scrape:
    """The metrics of one scrape, in the shape that ``generate_latest`` asks of a registry."""

    metrics: tuple[Metric, ...]

    def collect(self) -> Iterable[Metric]:
        return self.metrics


def _store_metrics(questions: Questions, now: datetime, max_domain_labels: int) -> Iterator[Metric]:
    """Yield what is asked of the store at each scrape."""
    yesterday = now.date() - timedelta(days=1)
    rows = questions.summary(Filter(since=yesterday, until=yesterday))
    rates = (
        ((_UNKNOWN if row.domain is None else shown(row.domain),), float(row.failure_rate))
        for row in rows
        if row.failure_rate is not None
    )
    yield _gauge(
        "tlsrpt_failure_rate",
        "Share of sessions that failed on the last complete day (yesterday in UTC).",
        ("policy_domain",),
        islice(rates, max_domain_labels),
    )
    last_reports = sorted(questions.last_reports().items())
    yield _gauge(
        "tlsrpt_last_report_timestamp_seconds",
        "When the latest report about a policy domain was received.",
        ("policy_domain",),
        (((shown(domain),), at.timestamp()) for domain, at in last_reports[:max_domain_labels]),
    )
    open_alerts = Counter(alert.severity for alert in questions.alerts(open_only=True))
    yield _gauge(
        "tlsrpt_alerts_open",
        "Open alerts.",
        ("severity",),
        (((severity.word,), float(open_alerts[severity])) for severity in Severity),
    )


def _store_up(is_up: bool) -> Metric:  # noqa: FBT001  the metric's value
    documentation = "Whether the store answered this scrape; without it, its metrics are absent."
    return _gauge("tlsrpt_store_up", documentation, (), [((), float(is_up))])


_Samples = Iterable[tuple[tuple[str, ...], float]]


def _counter(
    name: str, documentation: str, labels: Sequence[str], counts: Counter[tuple[str, ...]]
) -> Metric:
    family = CounterMetricFamily(name, documentation, labels=labels)
    for values, number in counts.items():
        family.add_metric(values, number)
    return family


def _gauge(name: str, documentation: str, labels: Sequence[str], samples: _Samples) -> Metric:
    family = GaugeMetricFamily(name, documentation, labels=labels)
    for values, number in samples:
        family.add_metric(values, number)
    return family
