"""The tour: the real commands on the embedded mailbox, in the order of a first week."""

import email
import email.policy
import json
import shlex
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from collector.demo.mailbox import free_port, running_mailbox
from collector.demo.processes import interruptions, running
from collector.demo.scenario import DAYS, DOMAINS, MAILBOX, sample_mails
from collector.demo.sinks import mail_sink, webhook_sink
from collector.demo.stage import Stage, say, title
from collector.errors import Unavailable

# The first three report days are there when the collector is first started, the others come later.
_FIRST_DAYS = 3

# That of a configuration that does not say otherwise.
_USUAL_WEB_PORT = 8460

# The daemon is ready within two seconds; a slow machine may take some more.
_WEB_WITHIN_SECONDS = 20
_POLL_SECONDS = 0.1


def tour(*, now: datetime, keep: bool, web_port: int | None) -> None:
    """Show the main job from the first mail to the page; raises ``Unavailable`` where a step fails."""
    with ExitStack() as stack:
        stack.enter_context(interruptions.handled())
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tlsrpt-demo-"))
        stage = Stage(
            folder=Path(folder),
            mailbox=stack.enter_context(running_mailbox()),
            mails=stack.enter_context(mail_sink()),
            hooks=stack.enter_context(webhook_sink()),
            web_port=web_port or free_port(_USUAL_WEB_PORT),
        )
        _configure(stage)
        _collect_twice(stage, now)
        _ask(stage)
        _serve(stage, keep=keep)


def _configure(stage: Stage) -> None:
    title("A mailbox, a configuration")
    say(f"{stage.config_path} (it goes when the demo ends):\n\n{stage.configure()}")
    stage.command("config", "check")


def _collect_twice(stage: Stage, now: datetime) -> None:
    mails = list(sample_mails((now - timedelta(days=1)).date()))
    first = [mail.content for mail in mails if mail.day <= _FIRST_DAYS]
    later = [mail.content for mail in mails if mail.day > _FIRST_DAYS]
    title(f"{len(first)} mails arrive at {MAILBOX}: {_FIRST_DAYS} days of reports, and two others")
    stage.mailbox.deliver(first)
    stage.command("collect", quietly=True)
    _show_folders(stage)
    _show_mail(stage.mails.take())
    _show_hooks(stage.hooks.take())
    title(f"{len(later)} more arrive: the reports of the next {DAYS - _FIRST_DAYS} days, up to yesterday")
    stage.mailbox.deliver(later)
    stage.command("collect", quietly=True)
    _show_folders(stage)
    _show_subjects(stage.mails.take())
    stage.hooks.take()


def _ask(stage: Stage) -> None:
    title("What the store knows")
    stage.command("summary")
    stage.command("reports", "--domain", "example.net", "--failures")
    stage.command("policies", "--domain", "example.org", "--organization", "Microsoft Corporation")
    stage.command("alerts", "list")
    title("What the archive holds")
    reports = stage.found("reports", ".json.gz")
    say(f"{len(reports)} reports as they were received, such as\n  {stage.relative(reports[-1])}")
    for file in stage.found("quarantine", ".reason.json"):
        reason = json.loads(file.read_bytes())["reason"]
        say(f"and a mail that could not be read ({reason}):\n  {stage.relative(file)}")


def _serve(stage: Stage, *, keep: bool) -> None:
    title("The daemon, with its page")
    with _daemon(stage):
        say(f"The page:  {stage.page}\nHealth:    {stage.page}healthz\nMetrics:   {stage.page}metrics, like")
        metrics = _fetch(f"{stage.page}metrics").splitlines()
        say("\n".join(f"  {line}" for line in metrics if line.startswith("tlsrpt_alerts_open")))
        if keep:
            _stay(stage)
    say("\nAsked to end (SIGTERM), the daemon finished what it had in hand, and ended.")
    _sum_up(stage, kept=keep)


def _stay(stage: Stage) -> None:
    """Stay until Ctrl-C, which is the expected end here."""
    program = f"tlsrpt-collector --config {shlex.quote(str(stage.config_path))}"
    try:
        title("The demo stays up until Ctrl-C")
        say(f"Open {stage.page}, or type in another terminal:")
        for words in ("failures --since 7d", "alerts list", "explain certificate-host-mismatch"):
            say(f"  {program} {words}")
        while True:
            # Again and again: a signal just before a single long wait would not end it.
            time.sleep(_POLL_SECONDS)
    except KeyboardInterrupt:
        say("")


def _sum_up(stage: Stage, *, kept: bool) -> None:
    """Say what a newcomer should remember, and where to go from here."""
    reports = len(stage.found("reports", ".json.gz"))
    unreadable = len(stage.found("quarantine", ".reason.json"))
    mails = sum(stage.mailbox.counts().values())
    title("What you saw")
    say(
        f"  {mails} mails fetched over IMAP and sorted into two folders\n"
        f"  {reports} reports about {len(DOMAINS)} domains, each a file in the archive, a row in the store\n"
        f"  {unreadable} unreadable report put aside with its reason, and 1 mail that was no report\n"
        f"  {stage.mails.taken} messages about alerts by mail, {stage.hooks.taken} by webhook: "
        "raised, escalated and cleared\n"
    )
    if not kept:
        say("To look around on the page:      tlsrpt-collector demo --keep")
    say("To understand one report file:   tlsrpt-collector show FILE")
    say("To collect your own reports:     README.md, five minutes to production")


# ── The daemon ────────────────────────────────────────────────────────────────


@contextmanager
def _daemon(stage: Stage) -> Iterator[None]:
    say(f"$ {stage.typed('run', quietly=True)}\n")
    with running(stage.program("run", quietly=True)) as process:
        _wait_for_page(stage, process)
        yield
    if process.returncode != 0:
        raise Unavailable(f"the daemon ended with exit status {process.returncode}")


def _wait_for_page(stage: Stage, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _WEB_WITHIN_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            _fetch(f"{stage.page}readyz")
        except OSError:
            time.sleep(_POLL_SECONDS)
        else:
            return
    raise Unavailable("the daemon did not become ready")


def _fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=_WEB_WITHIN_SECONDS) as answer:  # noqa: S310  our own address
        body: bytes = answer.read()
    return body.decode()


# ── What arrived ──────────────────────────────────────────────────────────────


def _show_folders(stage: Stage) -> None:
    counts = ", ".join(f"{folder} {count}" for folder, count in stage.mailbox.counts().items())
    say(f"The mailbox now: {counts}\n")


def _show_mail(mails: Sequence[bytes]) -> None:
    if not mails:
        raise Unavailable("no alert arrived by mail")
    title(f"{len(mails)} alerts by mail, the first of them")
    message = email.message_from_bytes(mails[0], policy=email.policy.default)
    body = message.get_body(("plain",))
    say(f"Subject: {message['Subject']}\nTo: {message['To']}\n")
    say("" if body is None else str(body.get_content()))


def _show_hooks(bodies: Sequence[bytes]) -> None:
    if not bodies:
        raise Unavailable("no alert arrived by webhook")
    title(f"{len(bodies)} alerts by webhook, signed, the first of them")
    say(json.dumps(json.loads(bodies[0]), indent=2) + "\n")


def _show_subjects(mails: Sequence[bytes]) -> None:
    say("Mail arrives:")
    for content in mails:
        message = email.message_from_bytes(content, policy=email.policy.default)
        say(f"  {message['Subject']}")
