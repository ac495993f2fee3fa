"""Alerts out: one file a kind of channel, and the table of kinds."""

from collections.abc import Mapping

# A channel is imported when the configuration asks for its kind.
KINDS: Mapping[str, str] = {
    "email": "collector.channels.email:EmailChannel",
    "webhook": "collector.channels.webhook:WebhookChannel",
}
