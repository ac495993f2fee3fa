"""Three families of errors, named by what the caller does.

::

    CollectorError
    ├── Malformed        someone sent us something wrong   → put it aside, go on
    │   ├── NotAReport       something else, whole
    │   ├── TooLarge         beyond a limit of ours
    │   ├── Corrupt          packed or encoded data that cannot be undone
    │   └── InvalidReport    claims to be a report and breaks a rule that cannot be repaired
    ├── Unavailable      someone is not there              → leave things as they are, try again
    │   ├── SourceUnavailable
    │   ├── ArchiveUnavailable
    │   ├── StoreUnavailable
    │   │   └── StoreInUse
    │   └── ChannelUnavailable
    └── Misconfigured    the operator must act             → say it plainly, stop or disable
        ├── InvalidConfig
        ├── SourceRefused
        ├── StoreRefused
        └── ChannelRefused

Anything else is a bug and is allowed to look like one.
"""

from typing import ClassVar


class CollectorError(Exception):
    """Everything this program raises on purpose."""


class Malformed(CollectorError):
    """Someone sent us something wrong: put it aside and go on.

    ``kind`` is the word that users and scripts see in ``show`` and in the quarantine.
    """

    kind: ClassVar[str] = "malformed"


class NotAReport(Malformed):
    """Something else, and whole: another mail, another JSON document, plain text."""

    kind = "not-a-report"


class TooLarge(Malformed):
    """A size, depth or count is beyond one of our limits."""

    kind = "too-large"


class Corrupt(Malformed):
    """Packed or encoded data cannot be undone: truncated gzip, a wrong checksum."""

    kind = "corrupt"


class InvalidReport(Malformed):
    """It claims to be a TLS report and breaks a rule that cannot be repaired.

    ``where`` is the JSON path of the offending value, ``$`` for the whole document.
    """

    kind = "invalid-report"

    def __init__(self, message: str, *, where: str = "$") -> None:
        """Keep the JSON path beside the message, and show both."""
        super().__init__(f"{where}: {message}")
        self.where = where


class Unavailable(CollectorError):
    """Someone is not there: leave things as they are and try again."""


class SourceUnavailable(Unavailable):
    """A mailbox does not answer, or stopped answering."""


class ArchiveUnavailable(Unavailable):
    """The archive cannot be written now: disk full, file system read-only."""


class StoreUnavailable(Unavailable):
    """The store cannot be reached or written now."""


class StoreInUse(StoreUnavailable):
    """Another collector works on the store: leave the work to it."""


class ChannelUnavailable(Unavailable):
    """An alert could not be handed over now; the ledger keeps it for another try."""


class Misconfigured(CollectorError):
    """The operator must act: say it plainly."""


class InvalidConfig(Misconfigured):
    """The configuration is wrong; ``problems`` holds every one found, in file order."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        """Keep all the problems; the message is one to a line."""
        super().__init__("\n".join(problems))
        self.problems = problems


class SourceRefused(Misconfigured):
    """A mailbox refuses us: wrong password, untrusted certificate, no such folder."""


class StoreRefused(Misconfigured):
    """The store cannot be used as it is: not ours, newer than this program, no permission."""


class ChannelRefused(Misconfigured):
    """A channel refuses for good: wrong password, unknown recipient, a webhook that is gone."""
