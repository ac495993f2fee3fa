"""The settings as a whole: what a configuration file may say."""

from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

from pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
)

from collector.alerting.rule import DEFAULT_THRESHOLDS, Rules, Thresholds
from collector.config.channels import EmailSettings, WebhookSettings
from collector.config.fields import (
    DomainName,
    JudgedRetention,
    Listen,
    ListenAddress,
    Name,
    NotYet,
    PageUrl,
    Refused,
    Retention,
    Settings,
    Share,
    Text,
    text_of,
)
from collector.config.secret import Secret, SecretCredential, SecretEnv, SecretFile
from collector.config.sources import DirectorySettings, FilesystemSettings, ImapSettings
from collector.errors import InvalidConfig

if TYPE_CHECKING:
    from collector.upkeep import Ages

DEFAULT_STORE = "sqlite:////var/lib/tlsrpt-collector/store.db"

# What a reporter may count at most (RFC 8460 names no bound, the parser stops here).
_MOST_SESSIONS = 10**12

_Value = TypeVar("_Value", Fraction, int)

Sessions = Annotated[int, Field(ge=0, le=_MOST_SESSIONS)]


class ThresholdSettings(Settings):
    """From where on a domain's day is alerted."""

    warning: Share = DEFAULT_THRESHOLDS.warning
    critical: Share = DEFAULT_THRESHOLDS.critical
    minimum_sessions: Sessions = DEFAULT_THRESHOLDS.minimum_sessions
    minimum_failed_sessions: Sessions = DEFAULT_THRESHOLDS.minimum_failed_sessions


class DomainThresholds(Settings):
    """What differs for one domain from the general thresholds."""

    warning: Share | None = None
    critical: Share | None = None
    minimum_sessions: Sessions | None = None
    minimum_failed_sessions: Sessions | None = None

    def over(self, general: ThresholdSettings) -> Thresholds:
        """Lay these over the general thresholds, value by value."""
        return Thresholds(
            warning=_first(self.warning, general.warning),
            critical=_first(self.critical, general.critical),
            minimum_sessions=_first(self.minimum_sessions, general.minimum_sessions),
            minimum_failed_sessions=_first(self.minimum_failed_sessions, general.minimum_failed_sessions),
        )


class DomainSettings(Settings):
    """A domain whose reports are ours. Without a list of channels it uses all of them."""

    name: DomainName
    thresholds: DomainThresholds | None = None
    channels: tuple[Name, ...] | None = None


class RetentionSettings(Settings):
    """How long each thing is kept; null keeps it for ever."""

    reports: JudgedRetention | None = None
    archive: Retention | None = None
    # Long enough to look into what a sender does wrong; a reader that is mended by then may retry it.
    quarantine: Retention | None = timedelta(days=90)
    alerts: JudgedRetention | None = None

    @property
    def ages(self) -> "Ages":
        """These ages, as tidying takes them."""
        from collector.upkeep import Ages  # noqa: PLC0415  reads reports, and that costs to import

        return Ages(
            reports=self.reports, archive=self.archive, quarantine=self.quarantine, alerts=self.alerts
        )


class IngestSettings(Settings):
    """The listener for reports by HTTPS: not in this version."""

    listen: NotYet = None


class WebSettings(Settings):
    """The overview page. ``url`` is the address under which people reach it, for links in alerts."""

    # Only this machine: the page has no login of its own.
    listen: Listen | None = ListenAddress(host="127.0.0.1", port=8460)
    url: PageUrl | None = None


def store_url(text: str, folder: Path | None) -> str:
    """Check the address of a store; a relative SQLite path starts at ``folder``."""
    scheme, separator, rest = text.partition("://")
    if scheme in {"postgresql", "postgresql+psycopg"} and separator and rest:
        return text
    if scheme != "sqlite" or len(rest) < len("/x") or not rest.startswith("/") or "?" in rest:
        raise Refused(
            "the address of a store is wanted: sqlite:////absolute/path, sqlite:///path/from/this/file,"
            " or postgresql://user@host/database"
        )
    path = Path(rest.removeprefix("/"))
    if not path.is_absolute() and folder is None:
        raise Refused("an absolute path is wanted here: sqlite:////absolute/path, with four slashes")
    return f"sqlite:///{path if folder is None else folder / path}"


def _store(value: object, info: ValidationInfo) -> Secret:
    folder = (info.context or {}).get("folder")
    return Secret(option="store", kept="here", place=store_url(text_of(value), folder))


def _listed(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _named(value: object) -> object:
    return value if isinstance(value, dict) else {"name": text_of(value)}


# Without its password in any output, as an address may hold one.
_StoreHere = Annotated[
    Secret,
    PlainValidator(_store),
    PlainSerializer(lambda secret: None if secret is None else "********"),
    WithJsonSchema({"type": "string", "pattern": "^(sqlite:///|postgresql(\\+psycopg)?://)"}),
]
_Domain = Annotated[
    DomainSettings, BeforeValidator(_named, json_schema_input_type=DomainName | DomainSettings)
]
_Source = Annotated[ImapSettings | DirectorySettings, Field(discriminator="kind")]
_Channel = Annotated[EmailSettings | WebhookSettings, Field(discriminator="kind")]


class Config(Settings):
    """Everything that is configured. What settings demand of each other is in ``relations``."""

    include: Annotated[
        tuple[Text, ...], BeforeValidator(_listed, json_schema_input_type=Text | tuple[Text, ...])
    ] = ()
    domains: tuple[_Domain, ...] = ()
    sources: tuple[_Source, ...] = ()
    archive: FilesystemSettings = Field(default_factory=FilesystemSettings)
    store_here: _StoreHere | None = Field(
        default=None, alias="store", json_schema_extra={"default": DEFAULT_STORE}
    )
    store_file: SecretFile | None = None
    store_env: SecretEnv | None = None
    store_credential: SecretCredential | None = None
    thresholds: ThresholdSettings = Field(default_factory=ThresholdSettings)
    channels: tuple[_Channel, ...] = ()
    retention: RetentionSettings = Field(default_factory=RetentionSettings)
    ingest: IngestSettings = Field(default_factory=IngestSettings)
    web: WebSettings = Field(default_factory=WebSettings)

    @property
    def watched_domains(self) -> frozenset[str]:
        """The domains that are ours; none means that every domain is."""
        return frozenset(domain.name for domain in self.domains)

    def store_url(self) -> str:
        """Return the address of the store, revealed; raises ``InvalidConfig`` when it cannot be had."""
        if self.store_here:
            return self.store_here.reveal()
        kept = self.store_file or self.store_env or self.store_credential
        if kept is None:
            return DEFAULT_STORE
        try:
            return store_url(kept.reveal(), None)
        except Refused as refused:
            reason = str(refused)
        raise InvalidConfig((f"{kept.option}: {reason}",))

    def rules(self) -> Rules:
        """Return the rule of alerts, each domain's own thresholds laid over the general ones."""
        return Rules(
            general=DomainThresholds().over(self.thresholds),
            by_domain={
                domain.name: domain.thresholds.over(self.thresholds)
                for domain in self.domains
                if domain.thresholds is not None
            },
        )

    def channels_of(self, domain: str) -> tuple[str, ...]:
        """Return the channels of a domain: its own, else those of the nearest domain above it, else all."""
        own = {settings.name: settings.channels for settings in self.domains}
        name = domain
        while name:
            if (channels := own.get(name)) is not None:
                return channels
            name = name.partition(".")[2]
        return tuple(channel.name for channel in self.channels)

    def warnings(self) -> tuple[str, ...]:
        """Tell what is allowed and perhaps not meant."""
        return (*self._empty_lists(), *self._open_lines())

    def _empty_lists(self) -> list[str]:
        empty = {
            "no sources: nothing is collected": self.sources,
            "no domains: every domain in a report counts as ours": self.domains,
            "no channels: alerts are stored, but told to nobody": self.channels,
        }
        return [words for words, listed in empty.items() if not listed]

    def _open_lines(self) -> list[str]:
        servers: tuple[ImapSettings | EmailSettings, ...] = (
            *(s for s in self.sources if isinstance(s, ImapSettings)),
            *(c for c in self.channels if isinstance(c, EmailSettings)),
        )
        hooks = [channel for channel in self.channels if isinstance(channel, WebhookSettings)]
        return [
            *(
                f"{s.name}: without TLS everyone on the way can read along"
                for s in servers
                if s.tls == "none"
            ),
            *(f"{h.name}: http sends alerts for all to read" for h in hooks if h.url.startswith("http:")),
        ]


def _first(own: _Value | None, general: _Value) -> _Value:
    return general if own is None else own
