"""Real servers for tests: found on this machine, started on free ports of 127.0.0.1, stopped by their id."""

import grp
import os
import pwd
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import trustme
from imapclient import IMAPClient

# Where Debian puts daemons; an ordinary user has not all of it in PATH.
DAEMON_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/usr/lib/dovecot")

# Dovecot answers in 0.15 s; a loaded machine is given much more.
START_TIMEOUT_SECONDS = 20

PASSWORD = "secret"

# Deliveries to a Maildir are told apart by their name, and get their UIDs in its order.
_FIRST_MAIL_AT = 1_700_000_000

_CONFIG = """
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/dovecot.log
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
protocols = imap
listen = 127.0.0.1
ssl = yes
ssl_cert = <{home}/server.pem
ssl_key = <{home}/server.key
auth_mechanisms = plain login
auth_failure_delay = 0
mail_location = maildir:{home}/mail/%u
mail_fsync = never
mail_max_userip_connections = 100
first_valid_uid = {uid}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {home}/users/%u
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
namespace inbox {{
  inbox = yes
}}
protocol imap {{
  {capability}
}}
"""


def require_server(name: str, *, program: str, package: str, folders: Iterable[str] = ()) -> Path:
    """Find a server's program; where it is missing the test is skipped by name.

    With ``REQUIRE_SERVERS=1`` in the environment that is a failure instead.
    """
    places = os.pathsep.join((os.environ.get("PATH", ""), *DAEMON_FOLDERS, *folders))
    found = shutil.which(program, path=places)
    if found is not None:
        return Path(found)
    message = f"{name} is not installed: apt-get install {package}"
    if os.environ.get("REQUIRE_SERVERS") == "1":
        pytest.fail(message)
    pytest.skip(message)


def free_port() -> int:
    """Ask the system for a port that is free now, for servers that cannot be told "any"."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Dovecot:
    """An IMAP server on 127.0.0.1, run by root or by an ordinary user.

    Its certificate holds the address 127.0.0.1 and no name; ``ca_file`` is who signed it.
    """

    def __init__(self, *, capability: str | None = None) -> None:
        """Write its files into a short folder: UNIX sockets allow about 100 characters of path."""
        self._program = require_server("Dovecot", program="dovecot", package="dovecot-imapd")
        self.home = Path(tempfile.mkdtemp(prefix="dv", dir="/tmp"))
        self.port = free_port()
        self.tls_port = free_port()
        self.ca_file = self.home / "ca.pem"
        self._capability = f"imap_capability = {capability}" if capability else ""
        self._owner = pwd.getpwnam("dovecot") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
        self._process: subprocess.Popen[bytes] | None = None
        self._mails_written = 0
        self._users = 0
        self._lay_out()

    def start(self) -> None:
        """Start it in a fresh run folder, where a killed one left its sockets, and wait until it greets."""
        shutil.rmtree(self.home / "run", ignore_errors=True)
        (self.home / "run").mkdir()
        command = [str(self._program), "-F", "-c", str(self.home / "dovecot.conf")]
        # In a group of its own, so that its children go with it.
        self._process = subprocess.Popen(command, start_new_session=True)  # noqa: S603  our own command
        self._wait_until_open()
        with socket.create_connection(("127.0.0.1", self.port)) as connection:
            connection.recv(1)

    def stop(self) -> None:
        """End it and its children at once."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            # Its children hold the ports until they too are gone.
            for port in (self.port, self.tls_port):
                _wait_until_free(port)
            self._process = None

    def remove(self) -> None:
        """Stop it and remove everything it had."""
        self.stop()
        shutil.rmtree(self.home)

    def new_user(self, password: str = PASSWORD) -> str:
        """Let someone in who was never there before, and tell the name; takes effect at once."""
        self._users += 1
        name = f"user{self._users}"
        # A file for each, as Dovecot looks only once a second whether a file has changed.
        (self.home / "users" / name).write_text(f"{name}:{{PLAIN}}{password}::::::\n", encoding="utf-8")
        return name

    def client(self, user: str, password: str = PASSWORD) -> Any:
        """Log in as a user, to look on or to stir; use it in a ``with``."""
        context = ssl.create_default_context(cafile=self.ca_file)
        client = IMAPClient("127.0.0.1", port=self.tls_port, ssl_context=context, timeout=20)
        client.normalise_times = False
        client.plain_login(user, password)
        return client

    def deliver(self, user: str, mails: Sequence[bytes], *, at: datetime | None = None) -> None:
        """Put mails into a user's INBOX as a mail server does, through the Maildir; fast."""
        maildir = self.home / "mail" / user
        for name in ("", "tmp", "new", "cur"):
            self._own(maildir / name)
        for mail in mails:
            self._mails_written += 1
            file = maildir / "new" / f"{_FIRST_MAIL_AT + self._mails_written}.M{self._mails_written}.test"
            file.write_bytes(mail)
            os.chown(file, self._owner.pw_uid, self._owner.pw_gid)
            if at is not None:
                os.utime(file, (at.timestamp(), at.timestamp()))

    def append(self, user: str, folder: str, mail: bytes, *, flags: Sequence[bytes] = ()) -> None:
        """Put a mail into a folder over IMAP, with flags, now."""
        with self.client(user) as client:
            if not client.folder_exists(folder):
                client.create_folder(folder)
            client.append(folder, mail, flags, datetime.now(UTC))  # noqa: TID251  a server's clock

    def mails(self, user: str, folder: str = "INBOX") -> list[bytes]:
        """Tell what a folder holds, by UID; a folder that is not there holds nothing."""
        return [mail for mail, _ in self.mails_with_flags(user, folder)]

    def mails_with_flags(self, user: str, folder: str = "INBOX") -> list[tuple[bytes, frozenset[bytes]]]:
        r"""Tell what a folder holds, by UID, with its flags; ``\Recent`` tells nothing of a mail."""
        with self.client(user) as client:
            if folder not in (name for _, _, name in client.list_folders()):
                return []
            client.select_folder(folder, readonly=True)
            uids = client.search("ALL")
            found = client.fetch(uids, ["BODY.PEEK[]", "FLAGS"])
            return [
                (found[uid][b"BODY[]"], frozenset(found[uid][b"FLAGS"]) - {b"\\Recent"})
                for uid in sorted(found)
            ]

    def folders(self, user: str) -> list[str]:
        """Tell which folders a user has subscribed to."""
        with self.client(user) as client:
            return sorted(name for _, _, name in client.list_sub_folders())

    @property
    def log(self) -> str:
        """Everything it wrote so far."""
        return (self.home / "dovecot.log").read_text(encoding="utf-8")

    def sessions(self, user: str, *, ended: int) -> list[str]:
        """Tell how a user's sessions ended, with the bytes they took; waits until so many have."""
        assert self._process is not None
        for _ in range(START_TIMEOUT_SECONDS * 100):
            lines = [line for line in self.log.splitlines() if f"imap({user})" in line and " out=" in line]
            if len(lines) >= ended:
                return lines
            _ended_within(self._process, seconds=0.01)
        message = f"fewer than {ended} sessions of {user} ended:\n{self.log}"
        raise AssertionError(message)

    def _lay_out(self) -> None:
        for name in ("state", "mail"):
            self._own(self.home / name)
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.ca_file)
        certificate = authority.issue_cert("127.0.0.1")
        for pem in certificate.cert_chain_pems:
            pem.write_to_path(self.home / "server.pem", append=True)
        certificate.private_key_pem.write_to_path(self.home / "server.key")
        (self.home / "users").mkdir()
        config = _CONFIG.format(
            home=self.home,
            user=self._owner.pw_name,
            group=_group_name(self._owner.pw_gid),
            uid=self._owner.pw_uid,
            gid=self._owner.pw_gid,
            port=self.port,
            tls_port=self.tls_port,
            capability=self._capability,
        )
        (self.home / "dovecot.conf").write_text(config, encoding="utf-8")
        # Its login processes come in as another user than root.
        self.home.chmod(0o755)

    def _own(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        os.chown(folder, self._owner.pw_uid, self._owner.pw_gid)

    def _wait_until_open(self) -> None:
        """Ask for the port again and again; Dovecot tells nobody when it is open."""
        assert self._process is not None
        for _ in range(START_TIMEOUT_SECONDS * 100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            assert not _ended_within(self._process, seconds=0.01), f"Dovecot did not start:\n{self.log}"
        message = f"Dovecot does not answer:\n{self.log}"
        raise AssertionError(message)


def _wait_until_free(port: int) -> None:
    for _ in range(START_TIMEOUT_SECONDS * 100):
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            threading.Event().wait(0.01)
        else:
            return
    message = f"port {port} is still taken"
    raise AssertionError(message)


def _ended_within(process: subprocess.Popen[bytes], *, seconds: float) -> bool:
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _group_name(gid: int) -> str:

    return grp.getgrgid(gid).gr_name
