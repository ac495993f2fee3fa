"""What every command is given: where the configuration is, and how to log."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collector.config import Config

DEFAULT_CONFIG_PATH = "/etc/tlsrpt-collector/config.yaml"


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """The options that stand before the command."""

    config_path: Path
    log_format: str | None
    verbosity: int

    @classmethod
    def of(cls, config_path: str, *, log_format: str | None, verbosity: int) -> "Session":
        """Build a session from the options as given."""
        return cls(config_path=Path(config_path), log_format=log_format, verbosity=verbosity)

    def config(self) -> "Config":
        """Load the configuration; raises ``InvalidConfig`` with every problem in it."""
        from collector.config import load

        return load(self.config_path)

    def start_logging(self, *, quieter: bool = False) -> None:
        """Log to standard error, as the options say, or a step less."""
        from collector.cli.logs import start_logging

        start_logging(self.log_format, self.verbosity - quieter)
