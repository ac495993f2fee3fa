"""Settings of where reports come from, and where they are kept."""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from collector.config.fields import (
    FilePath,
    HostName,
    Interval,
    Name,
    Port,
    Settings,
    Size,
    Text,
    Timeout,
)
from collector.config.secret import Secret, SecretCredential, SecretEnv, SecretFile, SecretHere

# RFC 8314 §7.3 for TLS from the first byte, RFC 9051 §2.1 for STARTTLS and plain text.
_PORTS = {"implicit": 993, "starttls": 143, "none": 143}


def _port(settings: dict[str, Any]) -> int:
    return _PORTS[settings["tls"]]


class ImapSettings(Settings):
    """A mailbox, read over IMAP (RFC 9051)."""

    name: Name
    kind: Literal["imap"]
    host: HostName
    tls: Literal["implicit", "starttls", "none"] = "implicit"
    port: Port = Field(default_factory=_port)
    insecure: bool = False
    ca_file: FilePath | None = None
    username: Text
    password_here: SecretHere | None = Field(default=None, alias="password")
    password_file: SecretFile | None = None
    password_env: SecretEnv | None = None
    password_credential: SecretCredential | None = None
    folder: Text = "INBOX"
    settle: Literal["move", "leave", "delete"] = "move"
    processed_folder: Text = "TLSRPT-processed"
    rejected_folder: Text = "TLSRPT-rejected"
    not_reports: Literal["move", "leave"] = "move"
    # Reports come once a day: minutes are soon enough, and cost a server nothing.
    interval: Interval = timedelta(minutes=5)
    # Kept for what is to come: this version looks at the interval, whatever is said here.
    idle: bool = True
    # RFC 9051 §5.4 lets a server take its time; a minute of silence is a broken line.
    timeout: Timeout = timedelta(seconds=60)
    # A batch is the unit of cost: large enough that one commit weighs little beside it.
    batch_messages: Annotated[int, Field(ge=1, le=10_000)] = 500
    # Bounds the memory of a batch, whose messages are held at once.
    batch_bytes: Size = Field(default=32_000_000, alias="batch_size", json_schema_extra={"default": "32MB"})
    # What most mail servers take; the largest reports seen have a few megabytes.
    maximum_message_bytes: Size = Field(
        default=25_000_000, alias="maximum_message_size", json_schema_extra={"default": "25MB"}
    )

    @property
    def password(self) -> Secret | None:
        """The password, however it is given."""
        return self.password_here or self.password_file or self.password_env or self.password_credential

    def arguments(self) -> dict[str, object]:
        """Return the keyword arguments of the IMAP source, the password revealed."""
        password = self.password
        return {
            "name": self.name,
            "host": self.host,
            "port": self.port,
            "tls": self.tls,
            "ca_file": self.ca_file,
            "username": self.username,
            "password": password.reveal() if password else None,
            "folder": self.folder,
            "settle": self.settle,
            "processed_folder": self.processed_folder,
            "rejected_folder": self.rejected_folder,
            "not_reports": self.not_reports,
            "timeout": self.timeout,
            "batch_messages": self.batch_messages,
            "batch_bytes": self.batch_bytes,
            "maximum_message_bytes": self.maximum_message_bytes,
        }


class DirectorySettings(Settings):
    """A folder that reports are put into, as files or mails."""

    name: Name
    kind: Literal["directory"]
    path: FilePath
    settle: Literal["move", "leave", "delete"] = "move"
    # Inside the folder itself, unless absolute.
    processed_folder: Text = "processed"
    rejected_folder: Text = "rejected"
    not_reports: Literal["move", "leave"] = "move"
    # To look into a folder costs next to nothing.
    interval: Interval = timedelta(minutes=1)
    # As for a mailbox.
    batch_messages: Annotated[int, Field(ge=1, le=10_000)] = 500
    batch_bytes: Size = Field(default=32_000_000, alias="batch_size", json_schema_extra={"default": "32MB"})
    maximum_message_bytes: Size = Field(
        default=25_000_000, alias="maximum_message_size", json_schema_extra={"default": "25MB"}
    )

    def arguments(self) -> dict[str, object]:
        """Return the keyword arguments of the directory source."""
        return {
            "name": self.name,
            "path": self.path,
            "settle": self.settle,
            "processed_folder": self.processed_folder,
            "rejected_folder": self.rejected_folder,
            "not_reports": self.not_reports,
            "batch_messages": self.batch_messages,
            "batch_bytes": self.batch_bytes,
            "maximum_message_bytes": self.maximum_message_bytes,
        }


class FilesystemSettings(Settings):
    """A folder that keeps the reports as they came."""

    kind: Literal["filesystem"] = "filesystem"
    # hier(7): what a daemon keeps between its runs.
    path: FilePath = Path("/var/lib/tlsrpt-collector/archive")

    def arguments(self) -> dict[str, object]:
        """Return the keyword arguments of the filesystem archive."""
        return {"path": self.path}
