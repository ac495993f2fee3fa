"""Settings of the ways out for alerts."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field

from collector.config.fields import (
    FilePath,
    HostName,
    MailAddress,
    Name,
    Port,
    Settings,
    Text,
    Timeout,
    WebUrl,
)
from collector.config.secret import Secret, SecretCredential, SecretEnv, SecretFile, SecretHere

# RFC 8314 §7.3, RFC 6409 §3.1, RFC 5321 §4.5.4.2.
_PORTS = {"implicit": 465, "starttls": 587, "none": 25}

# An alert that cannot be handed over in this time is tried again later.
_TIMEOUT = timedelta(seconds=30)


def _port(settings: dict[str, Any]) -> int:
    return _PORTS[settings["tls"]]


class EmailSettings(Settings):
    """A mail server that takes alerts (RFC 6409)."""

    name: Name
    kind: Literal["email"]
    host: HostName
    tls: Literal["implicit", "starttls", "none"] = "starttls"
    port: Port = Field(default_factory=_port)
    insecure: bool = False
    ca_file: FilePath | None = None
    username: Text | None = None
    password_here: SecretHere | None = Field(default=None, alias="password")
    password_file: SecretFile | None = None
    password_env: SecretEnv | None = None
    password_credential: SecretCredential | None = None
    sender: MailAddress = Field(alias="from")
    to: Annotated[tuple[MailAddress, ...], Field(min_length=1)]
    timeout: Timeout = _TIMEOUT

    @property
    def password(self) -> Secret | None:
        """The password, however it is given; None when the server asks for none."""
        return self.password_here or self.password_file or self.password_env or self.password_credential

    def arguments(self) -> dict[str, object]:
        """Return the keyword arguments of the e-mail channel, the password revealed."""
        password = self.password
        return {
            "name": self.name,
            "host": self.host,
            "port": self.port,
            "tls": self.tls,
            "ca_file": self.ca_file,
            "username": self.username,
            "password": password.reveal() if password else None,
            "sender": self.sender,
            "to": self.to,
            "timeout": self.timeout,
        }


class WebhookSettings(Settings):
    """A web server that takes alerts as JSON; its address may be a secret itself, so it is not shown."""

    name: Name
    kind: Literal["webhook"]
    url: WebUrl = Field(repr=False)
    secret_here: SecretHere | None = Field(default=None, alias="secret")
    secret_file: SecretFile | None = None
    secret_env: SecretEnv | None = None
    secret_credential: SecretCredential | None = None
    ca_file: FilePath | None = None
    timeout: Timeout = _TIMEOUT

    @property
    def secret(self) -> Secret | None:
        """The key that signs, however it is given; None when nothing is signed."""
        return self.secret_here or self.secret_file or self.secret_env or self.secret_credential

    def arguments(self) -> dict[str, object]:
        """Return the keyword arguments of the webhook channel, the secret revealed."""
        secret = self.secret
        return {
            "name": self.name,
            "url": self.url,
            "secret": secret.reveal() if secret else None,
            "ca_file": self.ca_file,
            "timeout": self.timeout,
        }
