"""Where the tour takes place: a folder with a configuration, and the command to type there."""

import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import click

from collector.demo.mailbox import PASSWORD, USER, Mailbox
from collector.demo.processes import running
from collector.demo.scenario import DOMAINS
from collector.demo.sinks import Sink
from collector.errors import Unavailable

# One line for each warning and alert; the lines for every report would bury them.
_QUIETLY = ("-q", "--log-format", "console")

_CONFIG = """\
domains: [{domains}]
sources:
  - {{name: main, kind: imap, host: 127.0.0.1, port: {imap_port}, tls: none,
     username: {user}, password_file: password}}
archive: {{kind: filesystem, path: archive}}
store: sqlite:///store.db
thresholds: {{warning: 1%, critical: 5%, minimum_sessions: 10}}
channels:
  - {{name: postmaster, kind: email, host: 127.0.0.1, port: {smtp_port}, tls: none,
     from: tlsrpt@example.com, to: [postmaster@example.edu]}}
  - {{name: hook, kind: webhook, url: "http://127.0.0.1:{hook_port}/alerts", secret_file: secret}}
web: {{listen: "127.0.0.1:{web_port}"}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A folder, the mailbox, and where alerts arrive."""

    folder: Path
    mailbox: Mailbox
    mails: Sink
    hooks: Sink
    web_port: int

    @property
    def config_path(self) -> Path:
        """The configuration that the commands are given."""
        return self.folder / "config.yaml"

    @property
    def page(self) -> str:
        """The address of the page."""
        return f"http://127.0.0.1:{self.web_port}/"

    def configure(self) -> str:
        """Write the configuration with its two secrets; return its text."""
        (self.folder / "password").write_text(PASSWORD, encoding="utf-8")
        (self.folder / "secret").write_text("demo-secret", encoding="utf-8")
        config = _CONFIG.format(
            domains=", ".join(DOMAINS),
            imap_port=self.mailbox.port,
            user=USER,
            smtp_port=self.mails.port,
            hook_port=self.hooks.port,
            web_port=self.web_port,
        )
        self.config_path.write_text(config, encoding="utf-8")
        return config

    def command(self, *arguments: str, quietly: bool = False) -> None:
        """Type a command, as a user would, and let it speak for itself."""
        say(f"$ {self.typed(*arguments, quietly=quietly)}")
        sys.stdout.flush()
        with running(self.program(*arguments, quietly=quietly)) as process:
            status = process.wait()
        if status != 0:
            raise Unavailable(f'"{arguments[0]}" ended with exit status {status}')
        say("")

    def program(self, *arguments: str, quietly: bool = False) -> list[str]:
        """Return the command as it is started."""
        return [sys.executable, "-m", "collector", *self._options(quietly=quietly), *arguments]

    def typed(self, *arguments: str, quietly: bool = False) -> str:
        """Return the command as a user would type it."""
        return shlex.join(["tlsrpt-collector", *self._options(quietly=quietly), *arguments])

    def found(self, below: str, ending: str) -> Sequence[Path]:
        """Return the files of a part of the archive."""
        return sorted((self.folder / "archive" / below).rglob(f"*{ending}"))

    def relative(self, path: Path) -> str:
        """Return a path as seen from the folder."""
        return os.path.relpath(path, self.folder)

    def _options(self, *, quietly: bool) -> list[str]:
        return ["--config", str(self.config_path), *(_QUIETLY if quietly else ())]


def title(text: str) -> None:
    """Begin a part of the tour."""
    say(f"\n-- {text} " + "-" * max(0, 76 - len(text)) + "\n")


def say(text: str) -> None:
    """Tell the visitor something."""
    click.echo(text)
