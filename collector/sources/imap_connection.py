"""One connection to an IMAP server with one folder open (RFC 9051); the landlord of imapclient.

Whatever goes wrong on it is told as ``SourceUnavailable`` (try again) or ``SourceRefused``
(the operator must act), with the server's address, what was refused and what to do.
"""

import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import structlog
from imapclient import DELETED, IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError, IMAPClientReadOnlyError

from collector.errors import SourceRefused, SourceUnavailable
from collector.sources.imap_wording import certificate_advice, is_temporary, network_reason, server_text

# RFC 7162 §4 recommends command lines of at most 8,192 octets; a UID has up to ten digits and a comma.
UIDS_A_COMMAND = 700

# imaplib stops at response lines of 1,000,000 bytes; a UID found takes up to eleven.
MESSAGES_A_SEARCH = 50_000

# Some servers know no date for a message (RFC 9051 §2.3.3 wants one); the epoch shows that plainly.
NO_DATE = datetime(1970, 1, 1, tzinfo=UTC)

Tls = Literal["implicit", "starttls", "none"]

_log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class ImapServer:
    """Where the mailbox is, and who we are there.

    ``ca_file`` stands in place of the system's certificate authorities, not beside them.
    """

    host: str
    port: int
    tls: Tls
    ca_file: Path | None
    username: str
    password: str = field(repr=False)
    timeout: timedelta

    @property
    def address(self) -> str:
        """Host and port, as errors name them."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """What is known of a message before it is downloaded; the size is what the server says."""

    uid: int
    size_bytes: int
    received_at: datetime


@contextmanager
def open_folder(server: ImapServer, folder: str, *, writable: bool) -> Iterator["OpenFolder"]:
    """Connect, log in and open a folder: EXAMINE unless ``writable``; leave by LOGOUT, or by the door."""
    client = _connect(server)
    connection = OpenFolder(server, client)
    try:
        connection.start(folder, writable=writable)
        yield connection
    finally:
        connection.close()


class OpenFolder:
    """A folder open on a connection of its own; unusable after the first error that is not a plain NO."""

    def __init__(self, server: ImapServer, client: Any) -> None:  # noqa: ANN401  imapclient has no types
        """Take over a connected client; :func:`open_folder` is the way to get one."""
        self._server = server
        self._client = client
        self._usable = True
        self._capabilities: frozenset[bytes] = frozenset()
        self._message_count = 0
        self.uid_validity = 0

    def start(self, folder: str, *, writable: bool) -> None:
        """Secure the connection, log in, and open the folder."""
        if self._server.tls == "starttls":
            with self._asking("STARTTLS", mend="set tls: implicit with port 993, or let it offer STARTTLS"):
                self._client.starttls(_tls_context(self._server))
        self._log_in()
        with self._asking("CAPABILITY"):
            self._capabilities = frozenset(self._client.capabilities())
        opening = f"opening the folder {folder!r}"
        with self._asking(opening, mend="mend folder, or let this user open it"):
            facts = self._client.select_folder(folder, readonly=not writable)
        self._message_count = facts[b"EXISTS"]
        if b"UIDVALIDITY" not in facts:
            raise SourceRefused(
                f"{self._server.address}: the folder {folder!r} has no lasting UIDs: use another one"
            )
        self.uid_validity = facts[b"UIDVALIDITY"]

    def close(self) -> None:
        """Log out, which expunges nothing; a connection that failed was left before, without a word."""
        if not self._usable:
            return
        try:
            self._client.logout()
        except (IMAPClientError, OSError):
            self._hang_up()

    def uids(self) -> list[int]:
        """Find every message that is not marked as deleted, oldest first."""
        found: list[int] = []
        for window in self._windows():
            with self._asking("SEARCH"):
                found += self._client.search([*window, "UNDELETED"])
        return sorted(found)

    def _windows(self) -> Iterator[list[str]]:
        """Cut a very large folder into windows; others are asked as a whole, as every server understands."""
        if self._message_count <= MESSAGES_A_SEARCH:
            yield []
            return
        for first in range(1, self._message_count + 1, MESSAGES_A_SEARCH):
            yield [f"{first}:{min(first + MESSAGES_A_SEARCH - 1, self._message_count)}"]

    def listing(self, uids: Sequence[int]) -> Iterator[Listed]:
        """Tell size and date of messages, in order; those that vanished meanwhile are passed over."""
        for chunk in _chunks(uids):
            with self._asking("FETCH"):
                facts = self._client.fetch(chunk, ["RFC822.SIZE", "INTERNALDATE"])
            for uid in chunk:
                size_bytes = facts.get(uid, {}).get(b"RFC822.SIZE")
                if isinstance(size_bytes, int):
                    received_at = _in_utc(facts[uid].get(b"INTERNALDATE"))
                    yield Listed(uid=uid, size_bytes=size_bytes, received_at=received_at)

    def messages(self, uids: Sequence[int]) -> dict[int, bytes]:
        r"""Download whole messages, leaving ``\Seen`` as it is; those that vanished are not in the answer.

        A message that the server refuses to give does not keep back its neighbours: it is
        left where it is, and the log says so.
        """
        contents: dict[int, bytes] = {}
        for chunk in _chunks(uids):
            try:
                contents |= self._bodies(chunk)
            except _PlainNo:
                for uid in chunk:
                    contents |= self._body_if_given(uid)
        return contents

    def move(self, uids: Sequence[int], folder: str) -> None:
        """Move messages: MOVE (RFC 6851), else COPY and then the deletion of exactly these."""
        for chunk in _chunks(uids):
            with self._asking(f"moving to {folder!r}"):
                if b"MOVE" in self._capabilities:
                    self._client.move(chunk, folder)
                    self._forget_expunged()
                    continue
                self._client.copy(chunk, folder)
            self.delete(chunk)

    def delete(self, uids: Sequence[int]) -> None:
        """Delete exactly these messages; what others marked as deleted stays (UIDPLUS, RFC 4315)."""
        for chunk in _chunks(uids):
            with self._asking("deleting"):
                self._client.add_flags(chunk, [DELETED], silent=True)
                if b"UIDPLUS" in self._capabilities:
                    self._client.uid_expunge(chunk)
                    self._forget_expunged()

    @property
    def expunges(self) -> bool:
        """Tell whether the server can delete chosen messages, and not only all that are marked."""
        return b"UIDPLUS" in self._capabilities

    @property
    def moves(self) -> bool:
        """Tell whether moved messages are gone from the folder."""
        return b"MOVE" in self._capabilities or self.expunges

    def require_folder(self, folder: str, *, setting: str) -> None:
        """Create and subscribe a folder unless it is there."""
        with self._asking("LIST"):
            listed = self._client.list_folders("", folder)
        if any(name == folder and not _ABSENT & set(flags) for flags, _, name in listed):
            return
        creating = f"creating the folder {folder!r}"
        with self._asking(creating, mend=f"create it by hand, or set {setting}: {_PREFIX_ADVICE}"):
            self._client.create_folder(folder)
            self._client.subscribe_folder(folder)
        _log.info("folder_created", server=self._server.address, folder=folder)

    def _log_in(self) -> None:
        server, client = self._server, self._client
        with self._asking("CAPABILITY"):
            offered = client.capabilities()
        plain = b"AUTH=PLAIN" in offered
        if not plain and not (server.username + server.password).isascii():
            raise SourceRefused(
                f"{server.address} has no AUTH=PLAIN, which a password outside ASCII needs: set another one"
            )
        if not plain and b"LOGINDISABLED" in offered:
            raise SourceRefused(
                f"{server.address} takes no password on this connection: set tls: implicit or starttls"
            )
        with self._asking("the login", mend="mend username and password"):
            if plain:
                client.plain_login(server.username, server.password)
            else:
                client.login(_quoted(server.username), server.password)

    def _bodies(self, chunk: Sequence[int]) -> dict[int, bytes]:
        uids = f"UID {chunk[0]}" if len(chunk) == 1 else f"UIDs {chunk[0]} to {chunk[-1]}"
        with self._asking(f"FETCH of {uids}", plain_no=True):
            answers = self._client.fetch(chunk, ["BODY.PEEK[]"])
        # A message that is gone is left out, or its body is NIL; an empty one is b"".
        bodies = {uid: answer.get(b"BODY[]") for uid, answer in answers.items()}
        return {uid: body for uid, body in bodies.items() if isinstance(body, bytes)}

    def _body_if_given(self, uid: int) -> dict[int, bytes]:
        try:
            return self._bodies([uid])
        except _PlainNo as refusal:
            _log.warning(
                "message_passed_over", server=self._server.address, uid=uid, reason=server_text(refusal)
            )
            return {}

    def _forget_expunged(self) -> None:
        """Drop the responses that imaplib gathers for ever: one for each message that went."""
        self._client._imap.response("EXPUNGE")  # noqa: SLF001  IMAPClient has no way to them

    def _hang_up(self) -> None:
        self._usable = False
        with suppress(IMAPClientError, OSError):
            self._client.shutdown()

    @contextmanager
    def _asking(self, doing: str, *, mend: str = "", plain_no: bool = False) -> Iterator[None]:
        """Translate what goes wrong; with ``plain_no`` a refusal that harms nothing else is told as such."""
        try:
            with _translated(self._server, doing, mend=mend, plain_no=plain_no):
                yield
        except _PlainNo:
            raise
        except BaseException:
            self._hang_up()
            raise


class _PlainNo(Exception):
    """The server said NO to this one command; the connection is as good as before."""


# RFC 5258 §3.1 and RFC 9051 §7.3.1: a name in a list that is no folder to put mail into.
_ABSENT = frozenset({b"\\NonExistent", b"\\Noselect"})

_PREFIX_ADVICE = "some servers want all folders below INBOX, like INBOX.TLSRPT-processed"


def _connect(server: ImapServer) -> Any:  # noqa: ANN401  imapclient has no types
    context = _tls_context(server)
    seconds = server.timeout.total_seconds()
    with _translated(server, "connecting"):
        client = IMAPClient(
            server.host,
            port=server.port,
            ssl=server.tls == "implicit",
            ssl_context=context,
            timeout=SocketTimeout(connect=seconds, read=seconds),
        )
    client.normalise_times = False
    return client


def _tls_context(server: ImapServer) -> ssl.SSLContext:
    """Build what checks the server's certificate: its chain and its name, always."""
    try:
        return ssl.create_default_context(cafile=server.ca_file)
    except OSError as error:
        raise SourceRefused(f"ca_file {server.ca_file}: {error.strerror or error}: mend the file") from error


@contextmanager
def _translated(server: ImapServer, doing: str, *, mend: str = "", plain_no: bool = False) -> Iterator[None]:
    """Turn the four families of errors that IMAPClient lets through into ours.

    A NO becomes ``SourceRefused`` where the operator can ``mend`` it, unless its response
    code (RFC 5530) says that it will pass.
    """
    where = f"{server.address}: {doing}"
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise SourceRefused(certificate_advice(server.address, error)) from error
    except ssl.SSLError as error:
        raise _tls_failure(server, error) from error
    except UnicodeError as error:
        raise SourceRefused(f"{server.host!r} is no name of a host: mend host") from error
    except OSError as error:
        raise SourceUnavailable(f"{where}: {network_reason(error)}") from error
    except IMAPClientReadOnlyError as error:
        raise SourceRefused(
            f"{where}: this user may not change the folder: let it, or set settle: leave"
        ) from error
    except IMAPClientError as error:
        # A server may repeat the command that it did not understand, password and all.
        cause = None if server.password and server.password in str(error) else error
        raise _failure(error, server_text(error, secret=server.password), where, mend, plain_no) from cause


def _failure(
    error: IMAPClientError,
    text: str,
    where: str,
    mend: str,
    plain_no: bool,  # noqa: FBT001  handed through
) -> Exception:
    """Tell which of our errors a server's refusal is."""
    if _is_lost(error):
        return SourceUnavailable(f"{where}: the connection broke off: {text}")
    if is_temporary(text):
        return SourceUnavailable(f"{where}: {text}")
    if plain_no:
        return _PlainNo(text)
    if mend:
        return SourceRefused(f"{where} was refused: {text}: {mend}")
    return SourceUnavailable(f"{where} failed: {text}")


def _is_lost(error: BaseException) -> bool:
    """Tell whether the connection is gone; a login wraps that into an error of its own."""
    return isinstance(error, IMAPClientAbortError) or isinstance(error.__context__, IMAPClientAbortError)


def _tls_failure(server: ImapServer, error: ssl.SSLError) -> SourceRefused | SourceUnavailable:
    if error.reason in {"WRONG_VERSION_NUMBER", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"}:
        return SourceRefused(f"{server.address} does not speak TLS at once: mend port, or set tls: starttls")
    return SourceUnavailable(f"{server.address}: TLS failed: {error.reason or error}")


def _chunks(uids: Sequence[int]) -> Iterator[Sequence[int]]:
    for first in range(0, len(uids), UIDS_A_COMMAND):
        yield uids[first : first + UIDS_A_COMMAND]


def _in_utc(time: object) -> datetime:
    if not isinstance(time, datetime):
        return NO_DATE
    try:
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except (OverflowError, ValueError):
        return NO_DATE


def _quoted(text: str) -> str:
    """Quote a string (RFC 9051 §4.3); imaplib does it for the password alone."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
