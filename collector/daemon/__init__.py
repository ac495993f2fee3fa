"""The running program: threads, schedule, signals."""

from collector.daemon.life import run

__all__ = ["run"]
