"""The command in this process, and an installation whose store holds what a test put there."""

import json
import logging
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import structlog

from collector.alerting.alert import Notification
from collector.cli import main
from collector.ports import ReceivedReport
from collector.stores import open_store
from tests.cli.command import Command, Done


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """A command takes over the logging of the process; the other tests want theirs back."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture(autouse=True)
def hundred_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    def run(*arguments: str) -> Done:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert isinstance(ended.value.code, int)
        output, errors = capsys.readouterr()
        return Done(ended.value.code, output, errors)

    return run


class Installation:
    """A configuration and a store, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.config_path = folder / "config.yaml"
        self.store_url = f"sqlite:///{folder}/store.db"
        self.configure()

    def configure(self, **more: Any) -> None:
        config = {
            "sources": [],
            "archive": {"kind": "filesystem", "path": "archive"},
            "store": self.store_url,
        }
        self.config_path.write_text(json.dumps(config | more), encoding="utf-8")

    def store(self, *reports: ReceivedReport) -> None:
        store = open_store(self.store_url)
        store.reports.add(reports)
        store.close()

    def record(self, notifications: Sequence[Notification]) -> None:
        store = open_store(self.store_url)
        for notification in notifications:
            store.ledger.record([notification], [])
        store.close()


@pytest.fixture
def installation(tmp_path: Path) -> Installation:
    return Installation(tmp_path)


@pytest.fixture
def ask(command: Command, installation: Installation) -> Command:
    """Run the command with the installation's configuration."""

    def run(*arguments: str) -> Done:
        return command("--config", str(installation.config_path), *arguments)

    return run
