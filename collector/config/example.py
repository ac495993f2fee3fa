"""The example that shows every option, as it ships."""

from importlib import resources
from pathlib import Path


def example() -> str:
    """Return ``config.example.yaml``."""
    shipped = resources.files("collector.config") / "example.yaml"
    if shipped.is_file():
        return shipped.read_text(encoding="utf-8")
    # In a checkout the one file stands at its top; the build copies it into the package.
    return (Path(__file__).parents[2] / "config.example.yaml").read_text(encoding="utf-8")
