"""A place to run the real command in: a configuration, a mailbox, and a mail server for alerts."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.build import mail, policy_json, report_json
from tests.servers import PASSWORD, Dovecot

# Today, for the command reads the clock: alerts are about the last few days.
TODAY = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)  # noqa: TID251  as above

# A command that takes longer hangs.
TIMEOUT_SECONDS = 60


@dataclass
class Site:
    """The files of one installation."""

    folder: Path
    dovecot: Dovecot
    user: str
    smtp_port: int
    source: dict[str, Any] = field(default_factory=dict)
    extra: dict[str, Any] = field(default_factory=dict)

    def configure(self) -> Path:
        """Write the configuration as it stands; JSON is YAML."""
        (self.folder / "password").write_text(PASSWORD + "\n", encoding="utf-8")
        source = {
            "name": "main",
            "kind": "imap",
            "host": "127.0.0.1",
            "port": self.dovecot.tls_port,
            "ca_file": str(self.dovecot.ca_file),
            "username": self.user,
            "password_file": "password",
        }
        channel = {
            "name": "ops",
            "kind": "email",
            "host": "127.0.0.1",
            "port": self.smtp_port,
            "tls": "none",
            "from": "tlsrpt@example.com",
            "to": ["postmaster@example.edu"],
        }
        config = {
            "sources": [source | self.source],
            "archive": {"kind": "filesystem", "path": "archive"},
            "store": "sqlite:///store.db",
            "channels": [channel],
            "web": {"listen": None},
        }
        path = self.folder / "config.yaml"
        path.write_text(json.dumps(config | self.extra), encoding="utf-8")
        return path

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "collector", "--config", str(self.configure()), *arguments]

    def run(self, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
        """Run the command to its end, and check its exit status."""
        done = subprocess.run(  # noqa: S603  our own command
            self.command(*arguments),
            capture_output=True,
            text=True,
            check=False,
            timeout=TIMEOUT_SECONDS,
            env=os.environ | {"COLUMNS": "200"},
        )
        assert status == done.returncode, f"{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr
        return done

    def ask(self, *arguments: str) -> Any:
        """Ask a question and read its JSON."""
        return json.loads(self.run(*arguments, "--format", "json").stdout)

    def log(self, done: subprocess.CompletedProcess[str]) -> list[dict[str, Any]]:
        """Read the log events of a command."""
        return [json.loads(line) for line in done.stderr.splitlines()]

    def deliver(self, *mails: bytes) -> None:
        self.dovecot.deliver(self.user, mails)

    def archived(self, below: str = "reports", ending: str = ".json.gz") -> list[Path]:
        return sorted((self.folder / "archive" / below).rglob(f"*{ending}"))

    def counts(self) -> tuple[int, int, int]:
        """How many mails are in INBOX, in the processed and in the rejected folder."""
        inbox, processed, rejected = (
            len(self.dovecot.mails(self.user, name))
            for name in ("INBOX", "TLSRPT-processed", "TLSRPT-rejected")
        )
        return inbox, processed, rejected


def report_of(days_ago: int, *, failed: int = 0, domain: str = "example.com", **members: Any) -> bytes:
    """The mail of a report about 1,000 sessions of a recent day."""
    report = report_json(
        policy_json(domain, successful=1000 - failed, failed=failed),
        day=TODAY - timedelta(days=days_ago),
        **({"report_id": f"{domain}-{days_ago}"} | members),
    )
    return mail(report, domain=domain)
