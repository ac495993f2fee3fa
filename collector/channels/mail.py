"""Composes the mail of an alert: text and HTML in one message (RFC 2046 §5.1.4)."""

import textwrap
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from collector.alerting.alert import AlertEvent, Notification
from collector.alerting.wording import wording
from collector.tlsrpt.names import normalise_name

# RFC 5322 §2.1.1 wants at most 78 characters a line; a quoted answer has two more.
TEXT_COLUMNS = 76

# "Failed sessions:" and a blank.
_LABEL_COLUMNS = 17

# RFC 5322 §2.1.1 allows 998. Folded at 78, a subject of about that length would begin on the line after
# its colon, and some programs show that with a blank before it.
_MAX_LINE_CHARACTERS = 990

# A server without 8BITMIME (RFC 6152) takes the message as well.
_POLICY = policy.SMTP.clone(cte_type="7bit", max_line_length=_MAX_LINE_CHARACTERS)

# An alert's changes are counted from its raising.
_RAISING = 1

# The colour of the line at the top: red, amber, green, grey.
_COLOURS = {"critical": "#b3261e", "warning": "#b26a00", "cleared": "#2e7d32", "test": "#5f6368"}


def alert_mail(
    notification: Notification, *, sender: str, to: tuple[str, ...], page_url: str | None, now: datetime
) -> EmailMessage:
    """Compose the message about one notification; every retry has the same Message-ID."""
    words = wording(notification)
    rendered = {"words": words, "colour": _colour(notification), "page_url": page_url}
    message = EmailMessage(policy=_POLICY)
    message["From"] = sender
    message["To"] = ", ".join(to)
    message["Subject"] = words.title
    message["Date"] = format_datetime(now)
    _name_and_thread(message, notification, sender)
    # RFC 3834 §5, and its like at Microsoft: no vacation notices, please.
    message["Auto-Submitted"] = "auto-generated"
    message["X-Auto-Response-Suppress"] = "All"
    message.set_content(_TEMPLATES.get_template("alert.txt").render(rendered))
    message.add_alternative(_TEMPLATES.get_template("alert.html").render(rendered), subtype="html")
    return message


def _name_and_thread(message: EmailMessage, notification: Notification, sender: str) -> None:
    """Name the message, and hang the later ones of an alert under the one that raised it."""
    domain = normalise_name(parseaddr(sender)[1].rpartition("@")[2]) or "localhost"
    message["Message-ID"] = f"<{notification.change.message_id}@{domain}>"
    alert = notification.change.alert
    if alert.changes > _RAISING:
        raising = f"<{alert.alert_id}.{_RAISING}@{domain}>"
        message["In-Reply-To"] = raising
        message["References"] = raising


def _colour(notification: Notification) -> str:
    event = notification.change.event
    if event in (AlertEvent.CLEARED, AlertEvent.TEST):
        return _COLOURS[event.value.removeprefix("alert.")]
    return _COLOURS[notification.change.alert.severity.word]


def _labelled(value: str, label: str) -> str:
    """Write a fact beside its label, longer ones over several lines."""
    return _wrapped(value, _LABEL_COLUMNS, first=f"{label}:".ljust(_LABEL_COLUMNS))


def _wrapped(text: str, indent: int = 0, *, first: str | None = None) -> str:
    """Break a paragraph into lines, each indented; long words (addresses, names) stay whole."""
    spaces = " " * indent
    return textwrap.fill(
        text,
        width=TEXT_COLUMNS,
        initial_indent=spaces if first is None else first,
        subsequent_indent=spaces,
        break_long_words=False,
        break_on_hyphens=False,
    )


_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=select_autoescape(["html"]),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_TEMPLATES.filters["wrapped"] = _wrapped
_TEMPLATES.filters["labelled"] = _labelled
