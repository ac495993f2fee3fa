"""The tour: the real commands on the embedded mailbox, in the order of a first week."""

import email
import email.policy
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import click

from collector.demo.mailbox import PASSWORD, USER, Mailbox, free_port, running_mailbox
from collector.demo.scenario import DOMAINS, MAILBOX, sample_mails
from collector.demo.sinks import Sink, mail_sink, webhook_sink
from collector.errors import Unavailable

# The first three report days are there when the collector is first started, the others come later.
_FIRST_DAYS = 3

_WEB_WITHIN_SECONDS = 20
_POLL_SECONDS = 0.1
_STOP_WITHIN_SECONDS = 15

_CONFIG = """\
domains: [{domains}]
sources:
  - {{name: main, kind: imap, host: 127.0.0.1, port: {imap_port}, tls: none,
     username: {user}, password_file: password}}
archive: {{kind: filesystem, path: archive}}
store: sqlite:///store.db
thresholds: {{warning: 1%, critical: 5%, minimum_sessions: 10}}
channels:
  - {{name: postmaster, kind: email, host: 127.0.0.1, port: {smtp_port}, tls: none,
     from: tlsrpt@example.com, to: [postmaster@example.edu]}}
  - {{name: hook, kind: webhook, url: "http://127.0.0.1:{hook_port}/alerts", secret_file: secret}}
web: {{listen: "127.0.0.1:{web_port}"}}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """Where the tour takes place."""

    folder: Path
    mailbox: Mailbox
    mails: Sink
    hooks: Sink
    web_port: int

    @property
    def config_path(self) -> Path:
        """The configuration that the commands are given."""
        return self.folder / "config.yaml"


def tour(*, now: datetime, keep: bool, web_port: int) -> None:
    """Show the main job from the first mail to the page; raises ``Unavailable`` where a step fails."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tlsrpt-demo-")))
        mailbox = stack.enter_context(running_mailbox())
        stage = Stage(
            folder=folder,
            mailbox=mailbox,
            mails=stack.enter_context(mail_sink()),
            hooks=stack.enter_context(webhook_sink()),
            web_port=web_port or free_port(),
        )
        _configure(stage)
        _collect_twice(stage, now)
        _ask(stage)
        _serve(stage, keep=keep)


def _configure(stage: Stage) -> None:
    _title("A mailbox, a configuration")
    (stage.folder / "password").write_text(PASSWORD)
    (stage.folder / "secret").write_text("demo-secret")
    config = _CONFIG.format(
        domains=", ".join(DOMAINS),
        imap_port=stage.mailbox.port,
        user=USER,
        smtp_port=stage.mails.port,
        hook_port=stage.hooks.port,
        web_port=stage.web_port,
    )
    stage.config_path.write_text(config)
    _say(f"{stage.config_path} (it goes when the demo ends):\n\n{config}")
    _command(stage, "config", "check")


def _collect_twice(stage: Stage, now: datetime) -> None:
    mails = list(sample_mails((now - timedelta(days=1)).date()))
    first = [mail.content for mail in mails if mail.day <= _FIRST_DAYS]
    later = [mail.content for mail in mails if mail.day > _FIRST_DAYS]
    _title(f"{len(first)} mails arrive at {MAILBOX}, reports of three days among them")
    stage.mailbox.deliver(first)
    _command(stage, "collect")
    _show_folders(stage)
    _show_mail(stage.mails.take())
    _show_hooks(stage.hooks.take())
    _title(f"Three days later: {len(later)} more")
    stage.mailbox.deliver(later)
    _command(stage, "collect")
    _show_subjects(stage.mails.take())
    stage.hooks.take()


def _ask(stage: Stage) -> None:
    _title("What the store knows")
    _command(stage, "summary")
    _command(stage, "reports", "--domain", "example.net", "--failures")
    _command(stage, "policies", "--domain", "example.org", "--organization", "Microsoft Corporation")
    _command(stage, "alerts", "list")
    _title("What the archive holds")
    reports = sorted(stage.folder.glob("archive/reports/**/*.json.gz"))
    _say(f"{len(reports)} reports as they were received, such as\n  {_relative(stage, reports[-1])}")
    for file in sorted(stage.folder.glob("archive/quarantine/**/*.reason.json")):
        reason = json.loads(file.read_bytes())
        _say(f"and 1 mail that could not be read ({reason['reason']}):\n  {_relative(stage, file)}")


def _serve(stage: Stage, *, keep: bool) -> None:
    _title("The daemon, with its page")
    with _daemon(stage):
        address = f"http://127.0.0.1:{stage.web_port}/"
        metrics = _fetch(f"{address}metrics").splitlines()
        open_alerts = [line for line in metrics if line.startswith("tlsrpt_alerts_open")]
        _say(f"The page: {address}   health: {address}healthz   metrics: {address}metrics")
        _say("\n".join(open_alerts))
        if keep:
            _title("The demo stays up until Ctrl-C")
            _try_next(stage)
            _wait_for_interrupt()
    _say("SIGTERM: the daemon finished what it had in hand and ended.")
    if not keep:
        _title("Done")
        _say('The demo cleans up after itself. "make demo KEEP=1" leaves all of it running, to look around.')
        _say("Next: README.md, five minutes to production.")


def _try_next(stage: Stage) -> None:
    program = "tlsrpt-collector --config " + shlex.quote(str(stage.config_path))
    _say("From another terminal:")
    for words in ("failures --since 7d", "alerts list", "explain certificate-host-mismatch"):
        _say(f"  {program} {words}")


# ── The daemon ────────────────────────────────────────────────────────────────


@contextmanager
def _daemon(stage: Stage) -> Iterator[None]:
    command = _program(stage, "run")
    _say(f"$ {_typed(stage, 'run')}")
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)  # noqa: S603  our own interpreter, no shell
    try:
        _wait_for_page(stage, process)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(_STOP_WITHIN_SECONDS)
    if status != 0:
        raise Unavailable(f"the daemon ended with exit status {status}")


def _wait_for_page(stage: Stage, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _WEB_WITHIN_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            _fetch(f"http://127.0.0.1:{stage.web_port}/readyz")
        except OSError:
            time.sleep(_POLL_SECONDS)
        else:
            return
    raise Unavailable("the daemon did not become ready")


def _fetch(url: str) -> str:
    with urllib.request.urlopen(url, timeout=_WEB_WITHIN_SECONDS) as answer:  # noqa: S310  our own address
        body: bytes = answer.read()
    return body.decode()


def _wait_for_interrupt() -> None:
    try:
        signal.pause()
    except KeyboardInterrupt:
        _say("")


# ── What is shown ─────────────────────────────────────────────────────────────


def _command(stage: Stage, *arguments: str) -> None:
    """Type a command, as a user would, and let it speak for itself."""
    _say(f"$ {_typed(stage, *arguments)}")
    sys.stdout.flush()
    done = subprocess.run(_program(stage, *arguments), check=False)  # noqa: S603  our own interpreter, no shell
    if done.returncode != 0:
        raise Unavailable(f'"{arguments[0]}" ended with exit status {done.returncode}')
    _say("")


def _program(stage: Stage, *arguments: str) -> list[str]:
    return [sys.executable, "-m", "collector", "--config", str(stage.config_path), *arguments]


def _typed(stage: Stage, *arguments: str) -> str:
    return shlex.join(["tlsrpt-collector", "--config", str(stage.config_path), *arguments])


def _show_folders(stage: Stage) -> None:
    counts = ", ".join(f"{folder} {count}" for folder, count in stage.mailbox.counts().items())
    _say(f"The mailbox now: {counts}\n")


def _show_mail(mails: Sequence[bytes]) -> None:
    if not mails:
        raise Unavailable("no alert arrived by mail")
    _title(f"{len(mails)} alerts by mail, the first of them")
    message = email.message_from_bytes(mails[0], policy=email.policy.default)
    body = message.get_body(("plain",))
    _say(f"Subject: {message['Subject']}\nTo: {message['To']}\n")
    _say("" if body is None else str(body.get_content()))


def _show_hooks(bodies: Sequence[bytes]) -> None:
    if not bodies:
        raise Unavailable("no alert arrived by webhook")
    _title(f"{len(bodies)} alerts by webhook, signed, the first of them")
    _say(json.dumps(json.loads(bodies[0]), indent=2) + "\n")


def _show_subjects(mails: Sequence[bytes]) -> None:
    _say("Mail arrives:")
    for content in mails:
        message = email.message_from_bytes(content, policy=email.policy.default)
        _say(f"  {message['Subject']}")


def _title(text: str) -> None:
    _say(f"\n── {text} " + "─" * max(0, 76 - len(text)) + "\n")


def _say(text: str) -> None:
    click.echo(text)


def _relative(stage: Stage, path: Path) -> str:
    return os.path.relpath(path, stage.folder)
