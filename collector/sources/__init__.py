"""Mailboxes: one file a kind."""

from collections.abc import Mapping

KINDS: Mapping[str, str] = {
    "imap": "collector.sources.imap:ImapSource",
}
"""Where each kind of source lives; imported when the configuration asks for it."""
