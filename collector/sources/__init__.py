"""Where reports come from: one file a kind."""

from collections.abc import Mapping

KINDS: Mapping[str, str] = {
    "imap": "collector.sources.imap:ImapSource",
    "directory": "collector.sources.directory:DirectorySource",
}
"""Where each kind of source lives; imported when the configuration asks for it."""
