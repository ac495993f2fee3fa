"""A mailbox read over IMAP (RFC 9051): what is new comes in by the batch, and is settled by its fate.

New is what the folder holds, is not marked as deleted, and was not settled before; never
what is unread, for people read mail too. With ``settle: leave`` the folder is opened
read-only and nothing in it changes.
"""

import re
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from datetime import timedelta
from enum import Enum, auto
from itertools import chain
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import structlog

from collector.errors import SourceRefused, SourceUnavailable, TooLarge
from collector.intake.delivery import Delivery, DeliveryKind, Fate, Settlement, Withheld
from collector.ports import Batch, Memory
from collector.sources.imap_connection import ImapServer, Listed, OpenFolder, Tls, open_folder

_REFERENCE = re.compile(r"(?P<folder>.*);UIDVALIDITY=(?P<uid_validity>[0-9]+)/;UID=(?P<uid>[0-9]+)")

_log = structlog.get_logger()


class _Way(Enum):
    """What is done to a mail in the mailbox."""

    STAY = auto()
    REMEMBER = auto()
    TO_PROCESSED = auto()
    TO_REJECTED = auto()
    DELETE = auto()


class ImapSource:
    """One folder of one mailbox. A round has a connection of its own."""

    def __init__(
        self,
        *,
        name: str,
        host: str,
        port: int,
        tls: Tls,
        ca_file: Path | None,
        username: str,
        password: str,
        folder: str,
        settle: Literal["move", "leave", "delete"],
        processed_folder: str,
        rejected_folder: str,
        not_reports: Literal["move", "leave"],
        timeout: timedelta,
        batch_messages: int,
        batch_bytes: int,
        maximum_message_bytes: int,
        memory: Memory,
    ) -> None:
        """Keep the settings; nothing is connected before the first round."""
        self._name = name
        self._server = ImapServer(
            host=host,
            port=port,
            tls=tls,
            ca_file=ca_file,
            username=username,
            password=password,
            timeout=timeout,
        )
        self._folder = folder
        self._settle = settle
        self._processed_folder = processed_folder
        self._rejected_folder = rejected_folder
        self._not_reports = not_reports
        self._batch_messages = batch_messages
        self._batch_bytes = batch_bytes
        self._maximum_message_bytes = maximum_message_bytes
        self._memory = memory
        self._open: OpenFolder | None = None
        self._told_of_marks = False
        # How often the connection was lost over a message, by UIDVALIDITY and UID.
        self._losses: Counter[tuple[int, int]] = Counter()

    @property
    def name(self) -> str:
        """The name that the operator gave it."""
        return self._name

    def deliveries(self, *, alone: frozenset[str]) -> Generator[Batch, None, None]:
        """Yield what is new, oldest first; references in ``alone`` come last, in batches of one.

        So do messages over which the connection was lost: Dovecot hangs up over a file that it
        cannot read, and everything after it would never come.
        """
        self._refuse_circles()
        with open_folder(self._server, self._folder, writable=self._settle != "leave") as opened:
            self._open = opened
            try:
                self._require_folders(opened)
                yield from self._batches(opened, alone)
            finally:
                if self._open is opened:
                    self._open = None

    def settle(self, settlements: Sequence[Settlement]) -> None:
        """Put the deliveries of the latest batch where their fate wants them."""
        opened = self._open
        if opened is None:
            raise SourceUnavailable(
                f"{self._server.address}: no round is open; the mails stay and come again"
            )
        uids: dict[_Way, list[int]] = {way: [] for way in _Way}
        for settlement in settlements:
            uid = self._uid(settlement.reference, opened.uid_validity)
            if uid is not None:
                uids[self._way(settlement.fate)].append(uid)
        if uids[_Way.REMEMBER]:
            self._memory.remember(self._name, self._folder, opened.uid_validity, uids[_Way.REMEMBER])
        opened.move(uids[_Way.TO_PROCESSED], self._processed_folder)
        opened.move(uids[_Way.TO_REJECTED], self._rejected_folder)
        opened.delete(uids[_Way.DELETE])

    def _way(self, fate: Fate) -> _Way:
        """Tell what a fate means here; nothing that was not understood is ever deleted."""
        if fate is Fate.KEPT:
            return _Way.STAY
        if self._settle == "leave" or (fate is Fate.NOT_A_REPORT and self._not_reports == "leave"):
            return _Way.REMEMBER
        if fate is not Fate.PROCESSED:
            return _Way.TO_REJECTED
        return _Way.DELETE if self._settle == "delete" else _Way.TO_PROCESSED

    def _batches(self, opened: OpenFolder, alone: frozenset[str]) -> Iterator[Batch]:
        remembered = self._memory.remembered(self._name, self._folder, opened.uid_validity)
        new = [uid for uid in opened.uids() if uid not in remembered]
        last = self._suspects(new, alone, opened.uid_validity)
        first = [uid for uid in new if uid not in last] if last else new
        singles = ((listed,) for listed in opened.listing(list(last)))
        groups = chain(self._groups(opened.listing(first)), singles)
        # Handed through without a name, so that one batch is in memory and not two.
        yield from filter(None, (self._bring(opened, group) for group in groups))

    def _suspects(self, new: Sequence[int], alone: frozenset[str], uid_validity: int) -> dict[int, None]:
        """Choose what comes last and one by one; what did harm more often comes later."""
        named = {self._uid(reference, uid_validity) for reference in alone}
        losses = {uid: self._losses[uid_validity, uid] for uid in new if (uid_validity, uid) in self._losses}
        self._losses = Counter({(uid_validity, uid): count for uid, count in losses.items()})
        suspects = [uid for uid in new if uid in named or uid in losses]
        return dict.fromkeys(sorted(suspects, key=lambda uid: losses.get(uid, 0)))

    def _groups(self, listing: Iterator[Listed]) -> Iterator[Sequence[Listed]]:
        """Cut the list into batches, bounded in number and in the bytes to be downloaded."""
        group: list[Listed] = []
        group_bytes = 0
        for listed in listing:
            size_bytes = 0 if self._is_too_large(listed.size_bytes) else listed.size_bytes
            full = len(group) >= self._batch_messages or group_bytes + size_bytes > self._batch_bytes
            if group and full:
                yield group
                group, group_bytes = [], 0
            group.append(listed)
            group_bytes += size_bytes
        if group:
            yield group

    def _bring(self, opened: OpenFolder, group: Sequence[Listed]) -> Batch:
        """Download a batch; what is too large stays where it is, what vanished is passed over."""
        contents = self._download(
            opened, [listed.uid for listed in group if not self._is_too_large(listed.size_bytes)]
        )
        batch: list[Delivery | Withheld] = []
        for listed in group:
            content = contents.get(listed.uid)
            reference = self._reference(listed.uid, opened.uid_validity)
            # Exchange tells sizes that it has guessed, so the real length counts too.
            size_bytes = listed.size_bytes if content is None else len(content)
            if self._is_too_large(size_bytes):
                batch.append(self._withheld(reference, listed, size_bytes))
            elif content is not None:
                batch.append(
                    Delivery(
                        source=self._name,
                        reference=reference,
                        kind=DeliveryKind.MAIL,
                        content=content,
                        received_at=listed.received_at,
                    )
                )
        return tuple(batch)

    def _download(self, opened: OpenFolder, uids: Sequence[int]) -> dict[int, bytes]:
        """Download messages, and note it where the connection is lost over them."""
        try:
            return opened.messages(uids)
        except SourceUnavailable:
            self._losses.update((opened.uid_validity, uid) for uid in uids)
            raise

    def _is_too_large(self, size_bytes: int) -> bool:
        return size_bytes > self._maximum_message_bytes

    def _withheld(self, reference: str, listed: Listed, size_bytes: int) -> Withheld:
        limit = self._maximum_message_bytes
        return Withheld(
            source=self._name,
            reference=reference,
            received_at=listed.received_at,
            size_bytes=size_bytes,
            reason=TooLarge(f"message of {size_bytes} bytes, the limit is {limit}"),
        )

    def _reference(self, uid: int, uid_validity: int) -> str:
        """Name a mail as the path of an IMAP URL does (RFC 5092 §6)."""
        return f"{quote(self._folder, safe='')};UIDVALIDITY={uid_validity}/;UID={uid}"

    def _uid(self, reference: str, uid_validity: int) -> int | None:
        """Read a reference back; None when it means another folder, or the folder before it was renewed."""
        match = _REFERENCE.fullmatch(reference)
        if match is None or match["folder"] != quote(self._folder, safe=""):
            return None
        return int(match["uid"]) if int(match["uid_validity"]) == uid_validity else None

    def _require_folders(self, opened: OpenFolder) -> None:
        """Have the folders that settling moves to, before the first mail is taken."""
        if self._settle == "leave":
            return
        if self._settle == "move":
            opened.require_folder(self._processed_folder, setting="processed_folder")
        opened.require_folder(self._rejected_folder, setting="rejected_folder")
        removes = opened.moves if self._settle == "move" else opened.expunges
        if not removes and not self._told_of_marks:
            self._told_of_marks = True
            _log.warning(
                "messages_only_marked",
                source=self._name,
                reason="the server has no UIDPLUS: settled mails stay in the folder, marked as deleted",
            )

    def _refuse_circles(self) -> None:
        """Refuse to move mail into the folder that it is read from: it would come for ever."""
        destinations = {"rejected_folder": self._rejected_folder}
        if self._settle == "move":
            destinations["processed_folder"] = self._processed_folder
        for setting, destination in destinations.items():
            if self._settle != "leave" and _same_folder(destination, self._folder):
                raise SourceRefused(f"source {self._name}: {setting} is folder itself: set another one")


def _same_folder(one: str, other: str) -> bool:
    """Compare names of folders; INBOX alone has no case (RFC 9051 §5.1)."""
    if one.upper() == "INBOX":
        return other.upper() == "INBOX"
    return one == other
