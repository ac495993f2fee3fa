"""Settings carry their defaults, and say what follows from them."""

from datetime import timedelta
from fractions import Fraction
from pathlib import Path

import pytest

from collector.alerting.rule import DEFAULT_THRESHOLDS, Rules, Thresholds
from collector.config import EmailSettings, ListenAddress, WebhookSettings
from collector.errors import InvalidConfig
from collector.upkeep import Ages
from tests.config.files import SOURCE, loaded, mailbox, problems

EMAIL = "{name: ops, kind: email, host: smtp.example.com, from: a@example.com, to: [b@example.com]}"
HOOK = "{name: hook, kind: webhook, url: 'https://h.example/t'}"


def test_a_mailbox_hands_its_source_every_argument(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("secret\n")

    assert {
        "name": "main",
        "host": "imap.example.com",
        "port": 993,
        "tls": "implicit",
        "ca_file": None,
        "username": "u",
        "password": "secret",
        "folder": "INBOX",
        "settle": "move",
        "processed_folder": "TLSRPT-processed",
        "rejected_folder": "TLSRPT-rejected",
        "not_reports": "move",
        "timeout": timedelta(seconds=60),
        "batch_messages": 500,
        "batch_bytes": 32_000_000,
        "maximum_message_bytes": 25_000_000,
    } == loaded(tmp_path, f"sources: [{SOURCE}]").sources[0].arguments()


@pytest.mark.parametrize(("tls", "port"), [("implicit", 993), ("starttls", 143), ("none", 143)])
def test_the_port_of_a_mailbox_follows_from_its_tls(tmp_path: Path, tls: str, port: int) -> None:
    text = f"sources: [{{name: m, kind: imap, host: localhost, username: u, password: p, tls: {tls}}}]"

    assert port == mailbox(loaded(tmp_path, text)).port


@pytest.mark.parametrize(("tls", "port"), [("implicit", 465), ("starttls", 587), ("none", 25)])
def test_the_port_of_a_mail_server_follows_from_its_tls(tmp_path: Path, tls: str, port: int) -> None:
    text = (
        f"channels: [{{name: m, kind: email, host: '::1', from: a@b.example, to: [c@d.example], tls: {tls}}}]"
    )
    channel = loaded(tmp_path, text).channels[0]

    assert isinstance(channel, EmailSettings)
    assert port == channel.port


def test_a_mail_server_hands_its_channel_every_argument(tmp_path: Path) -> None:
    assert {
        "name": "ops",
        "host": "smtp.example.com",
        "port": 587,
        "tls": "starttls",
        "ca_file": None,
        "username": None,
        "password": None,
        "sender": "a@example.com",
        "to": ("b@example.com",),
        "timeout": timedelta(seconds=30),
    } == loaded(tmp_path, f"channels: [{EMAIL}]").channels[0].arguments()


def test_a_webhook_hands_its_channel_every_argument(tmp_path: Path) -> None:
    text = "channels: [{name: hook, kind: webhook, url: 'https://h.example/t', secret: s, ca_file: ca.pem}]"

    assert {
        "name": "hook",
        "url": "https://h.example/t",
        "secret": "s",
        "ca_file": tmp_path / "ca.pem",
        "timeout": timedelta(seconds=30),
    } == loaded(tmp_path, text).channels[0].arguments()


def test_the_address_of_a_webhook_does_not_show(tmp_path: Path) -> None:
    channel = loaded(tmp_path, f"channels: [{HOOK}]").channels[0]

    assert isinstance(channel, WebhookSettings)
    assert "h.example" not in repr(channel)


def test_relative_paths_start_at_the_folder_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    config = loaded(tmp_path, "archive: {path: archive}\nstore: sqlite:///store.db\n")

    assert {"path": tmp_path / "archive"} == config.archive.arguments()
    assert f"sqlite:///{tmp_path}/store.db" == config.store_url()


def test_without_a_store_there_is_the_usual_one(tmp_path: Path) -> None:
    assert "sqlite:////var/lib/tlsrpt-collector/store.db" == loaded(tmp_path, "domains: []").store_url()


@pytest.mark.parametrize(
    "address", ["sqlite:////a/b.db", "postgresql://u:p@h/d", "postgresql+psycopg://h/d?sslmode=require"]
)
def test_addresses_of_stores_are_kept_as_written(tmp_path: Path, address: str) -> None:
    config = loaded(tmp_path, f"store: {address}")

    assert address == config.store_url()
    assert address not in repr(config) + config.model_dump_json()


@pytest.mark.parametrize(
    "address", ["sqlite://", "sqlite:///", "sqlite:///a?mode=ro", "postgres://h/d", "x", "/a"]
)
def test_other_addresses_of_stores_are_refused(tmp_path: Path, address: str) -> None:
    assert ["c.yaml:1:8: store: the address of a store is wanted: "] == [
        problem.partition("sqlite:////")[0] for problem in problems(tmp_path, f"store: {address}")
    ]


def test_the_address_of_a_store_may_be_kept_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "s").write_text("postgresql://u:p@h/d\n")

    assert "postgresql://u:p@h/d" == loaded(tmp_path, "store_file: s").store_url()


@pytest.mark.parametrize("content", ["mysql://u:hunter2@h/d", "sqlite:///hunter2.db"])
def test_a_wrong_address_of_a_store_in_a_file_is_told_without_showing_it(
    tmp_path: Path, content: str
) -> None:
    (tmp_path / "s").write_text(content)
    config = loaded(tmp_path, "store_file: s")

    with pytest.raises(InvalidConfig, match=r"^store_file: .* is wanted") as refused:
        config.store_url()

    assert "hunter2" not in str(refused.value)
    assert refused.value.__context__ is None


def test_names_of_domains_are_normalised(tmp_path: Path) -> None:
    config = loaded(tmp_path, "domains: [Example.COM., {name: bücher.example}]")

    assert frozenset({"example.com", "xn--bcher-kva.example"}) == config.watched_domains


def test_thresholds_of_a_domain_lie_over_the_general_ones(tmp_path: Path) -> None:
    text = """
thresholds: {warning: 2%, minimum_sessions: 20}
domains:
  - example.com
  - {name: example.net, thresholds: {critical: 3%, minimum_failed_sessions: 0}}
"""
    general = Thresholds(
        warning=Fraction(2, 100), critical=Fraction(5, 100), minimum_sessions=20, minimum_failed_sessions=2
    )
    own = Thresholds(
        warning=Fraction(2, 100), critical=Fraction(3, 100), minimum_sessions=20, minimum_failed_sessions=0
    )

    assert Rules(general=general, by_domain={"example.net": own}) == loaded(tmp_path, text).rules()


def test_without_thresholds_the_usual_ones_hold(tmp_path: Path) -> None:
    assert Rules(general=DEFAULT_THRESHOLDS) == loaded(tmp_path, "domains: [example.com]").rules()


@pytest.mark.parametrize(
    ("domain", "channels"),
    [
        ("example.com", ("ops", "hook")),
        ("example.net", ("hook",)),
        ("mx.example.net", ("hook",)),
        ("quiet.example.net", ()),
        ("other.example", ("ops", "hook")),
    ],
)
def test_a_domain_uses_its_own_channels_or_those_above_it_or_all(
    tmp_path: Path, domain: str, channels: tuple[str, ...]
) -> None:
    text = f"""
channels: [{EMAIL}, {HOOK}]
domains:
  - example.com
  - {{name: example.net, channels: [hook]}}
  - {{name: quiet.example.net, channels: []}}
  - {{name: mx.example.net}}
"""
    assert channels == loaded(tmp_path, text).channels_of(domain)


def test_the_page_is_for_this_machine_unless_told_otherwise(tmp_path: Path) -> None:
    assert ListenAddress(host="127.0.0.1", port=8460) == loaded(tmp_path, "domains: []").web.listen
    assert loaded(tmp_path, "web: {listen: null}").web.listen is None


def test_what_is_perhaps_not_meant_is_warned_of(tmp_path: Path) -> None:
    assert (
        "no sources: nothing is collected",
        "no domains: every domain in a report counts as ours",
        "no channels: alerts are stored, but told to nobody",
    ) == loaded(tmp_path, "domains: []").warnings()


def test_lines_that_can_be_read_are_warned_of(tmp_path: Path) -> None:
    text = f"""
domains: [example.com]
sources: [{{name: main, kind: imap, host: h.example, username: u, password: p, tls: none, insecure: true}}]
channels: [{HOOK.replace("https", "http")}]
"""
    assert (
        "main: without TLS everyone on the way can read along",
        "hook: http sends alerts for all to read",
    ) == loaded(tmp_path, text).warnings()


def test_a_sound_configuration_is_not_warned_of(tmp_path: Path) -> None:
    assert () == loaded(tmp_path, f"domains: [a.example]\nsources: [{SOURCE}]\nchannels: [{HOOK}]").warnings()


# ── How long things are kept ─────────────────────────────────────────────────


def test_all_is_kept_for_ever_but_what_could_not_be_read(tmp_path: Path) -> None:
    ages = loaded(tmp_path, "domains: []").retention.ages

    assert Ages(reports=None, archive=None, quarantine=timedelta(days=90), alerts=None) == ages


def test_ages_are_durations_or_null(tmp_path: Path) -> None:
    ages = loaded(
        tmp_path, "retention: {reports: 400d, archive: 48h, quarantine: null, alerts: 8d}"
    ).retention.ages

    assert (
        Ages(
            reports=timedelta(days=400),
            archive=timedelta(days=2),
            quarantine=None,
            alerts=timedelta(days=8),
        )
        == ages
    )


def test_what_alerts_are_judged_by_is_not_removed(tmp_path: Path) -> None:
    """Traffic of a week is judged; an alert that is forgotten sooner would be raised again."""
    text = "retention: {reports: 7d, archive: 12h, quarantine: 99999d, alerts: 191h}"

    assert [
        "c.yaml:1:22: retention.reports: a duration between 8d and 36500d is wanted (found '7d')",
        "c.yaml:1:35: retention.archive: a duration between 1d and 36500d is wanted (found '12h')",
        "c.yaml:1:52: retention.quarantine: a duration between 1d and 36500d is wanted (found '99999d')",
        "c.yaml:1:68: retention.alerts: a duration between 8d and 36500d is wanted (found '191h')",
    ] == problems(tmp_path, text)
