"""What Prometheus reads."""

from datetime import timedelta
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from collector import __version__
from collector.alerting.rule import Severity
from collector.errors import StoreRefused, StoreUnavailable
from collector.ports import Meter, Outcome
from collector.web.metrics import PrometheusMeter
from tests.build import DAY, NOW, failure_json, policy_json, received, report_json
from tests.web.conftest import Serve
from tests.web.fakes import TODAY, Store, open_alert, summary_row

_meter: type[Meter] = PrometheusMeter

Samples = dict[tuple[str, ...], float]


def scrape(meter: PrometheusMeter, store: Store | None = None) -> dict[str, Samples]:
    """The values of every metric by its name, keyed by the label values in the order of their names."""
    text = meter.exposition(store or Store(), now=NOW).decode()
    samples: dict[str, Samples] = {}
    for family in text_string_to_metric_families(text):
        samples.setdefault(family.name, {})
        for sample in family.samples:
            labels = tuple(value for _, value in sorted(sample.labels.items()))
            samples.setdefault(sample.name, {})[labels] = sample.value
    return samples


def stored(meter: PrometheusMeter, *policies: dict[str, Any], outcome: Outcome = Outcome.STORED) -> None:
    meter.report_added(received(report_json(*policies)), outcome)


def test_a_stored_report_counts_its_sessions_by_policy_domain_and_type() -> None:
    meter = PrometheusMeter()

    stored(meter, policy_json(successful=1839, failed=3), policy_json("example.net", "tlsa", successful=5))
    stored(meter, policy_json(successful=1))

    assert {
        ("example.com", "sts", "successful"): 1840,
        ("example.com", "sts", "failed"): 3,
        ("example.net", "tlsa", "successful"): 5,
        ("example.net", "tlsa", "failed"): 0,
    } == scrape(meter)["tlsrpt_sessions_total"]


def test_failure_details_are_counted_by_their_sessions() -> None:
    meter = PrometheusMeter()
    details = [failure_json(failed=3), failure_json("validation-failure", failed=2), failure_json(failed=1)]

    stored(meter, policy_json(failed=6, failures=details))

    assert {("certificate-expired",): 4, ("validation-failure",): 2} == scrape(meter)[
        "tlsrpt_failure_details_total"
    ]


def test_only_what_was_stored_counts_its_sessions_and_every_outcome_is_counted() -> None:
    meter = PrometheusMeter()

    for outcome in Outcome:
        stored(meter, policy_json(successful=10), outcome=outcome)
    meter.delivery_quarantined()
    meter.delivery_quarantined()

    samples = scrape(meter)
    assert 10 == samples["tlsrpt_sessions_total"]["example.com", "sts", "successful"]
    assert {
        ("stored",): 1,
        ("duplicate",): 1,
        ("conflict",): 1,
        ("foreign",): 1,
        ("quarantined",): 2,
    } == samples["tlsrpt_reports_total"]


def test_labels_that_senders_invent_become_one() -> None:
    meter = PrometheusMeter()
    invented = [failure_json('x"} 1\nfoo 2', failed=1), failure_json("STARTTLS-not-supported", failed=2)]

    stored(meter, policy_json(None, policy_type='y"\n', successful=0, failed=3, failures=invented))
    stored(meter, policy_json(policy_type="other-policy", successful=1))

    samples = scrape(meter)
    assert {("other",): 3} == samples["tlsrpt_failure_details_total"]
    assert {
        ("unknown", "other", "successful"): 0,
        ("unknown", "other", "failed"): 3,
        ("example.com", "other", "successful"): 1,
        ("example.com", "other", "failed"): 0,
    } == samples["tlsrpt_sessions_total"]
    assert "foo" not in samples


def test_domains_beyond_the_limit_share_a_label() -> None:
    meter = PrometheusMeter(max_domain_labels=2)

    for name in ("a.example", "b.example", "c.example", "d.example", "a.example"):
        stored(meter, policy_json(name, successful=1))

    successful = {k: v for k, v in scrape(meter)["tlsrpt_sessions_total"].items() if k[2] == "successful"}
    assert {
        ("a.example", "sts", "successful"): 2,
        ("b.example", "sts", "successful"): 1,
        ("other", "sts", "successful"): 2,
    } == successful


def test_the_store_adds_yesterdays_rates_the_last_reports_and_the_open_alerts() -> None:
    store = Store(
        rows=[
            summary_row(sessions=400, failed=3),
            summary_row(day=TODAY, sessions=10, failed=10),
            summary_row(day=TODAY - timedelta(days=2), sessions=10, failed=10),
            summary_row("quiet.example", sessions=0),
            summary_row("<\u202eb>.example\n", failed=1),
            summary_row(None, sessions=2, failed=1),
        ],
        open_alerts=[open_alert("a.example", Severity.CRITICAL), open_alert("b.example", Severity.CRITICAL)],
        received={"example.com": NOW, "example.net": DAY},
    )

    samples = scrape(PrometheusMeter(), store)

    assert {("example.com",): 0.0075, ("<b>.example",): 0.01, ("unknown",): 0.5} == samples[
        "tlsrpt_failure_rate"
    ]
    assert {("example.com",): NOW.timestamp(), ("example.net",): DAY.timestamp()} == samples[
        "tlsrpt_last_report_timestamp_seconds"
    ]
    assert {("critical",): 2, ("warning",): 0} == samples["tlsrpt_alerts_open"]
    assert {(): 1} == samples["tlsrpt_store_up"]


def test_the_process_tells_of_its_sources_notifications_and_version() -> None:
    meter = PrometheusMeter()

    meter.source_succeeded("main", DAY)
    meter.source_succeeded("main", NOW)
    meter.notification_attempted("ops", "sent")
    meter.notification_attempted("ops", "postponed")
    meter.notification_attempted("ops", "sent")

    samples = scrape(meter)
    assert {("main",): NOW.timestamp()} == samples["tlsrpt_source_last_success_timestamp_seconds"]
    assert {("ops", "sent"): 2, ("ops", "postponed"): 1} == {
        (channel, outcome): value
        for (channel, outcome), value in samples["tlsrpt_notifications_total"].items()
    }
    assert {(__version__,): 1} == samples["tlsrpt_build_info"]


def test_without_the_store_the_process_is_still_told_of() -> None:
    meter = PrometheusMeter()
    stored(meter, policy_json(successful=7))

    for error in (StoreUnavailable("store: away"), StoreRefused("store: newer than this program")):
        samples = scrape(meter, Store(error=error))

        assert {(): 0} == samples["tlsrpt_store_up"]
        assert 7 == samples["tlsrpt_sessions_total"]["example.com", "sts", "successful"]
        assert {"tlsrpt_failure_rate", "tlsrpt_alerts_open"}.isdisjoint(samples)


def test_two_meters_share_nothing() -> None:
    stored(PrometheusMeter(), policy_json())

    assert {} == scrape(PrometheusMeter())["tlsrpt_sessions"]


def test_the_page_of_metrics_is_in_prometheus_text_format(serve: Serve) -> None:
    answer = serve(Store(rows=[summary_row(failed=1)])).get("/metrics")

    assert (200, "text/plain; version=0.0.4; charset=utf-8") == (
        answer.status,
        answer.headers["Content-Type"],
    )
    assert 'tlsrpt_failure_rate{policy_domain="example.com"} 0.01\n' in answer.text
    assert "_created" not in answer.text
