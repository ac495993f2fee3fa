"""Where reports are kept as they came: one file a kind."""

from collections.abc import Mapping

KINDS: Mapping[str, str] = {
    "filesystem": "collector.archives.filesystem:FilesystemArchive",
}
"""Where each kind of archive lives; imported when the configuration asks for it."""
