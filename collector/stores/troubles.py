"""Turns the errors of a database into ours: away for a while, or not to be used as it is."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as EveryConnectionInUse

from collector.errors import StoreRefused, StoreUnavailable

# What a database says that waiting does not mend, and what the operator can do about it.
_LASTING_TROUBLES = (
    (
        ("not a database", "malformed"),
        "it is damaged or none of ours: name another file, or restore a backup",
    ),
    (
        ("unable to open", "readonly", "read-only", "permission denied"),
        "let this user read and write there",
    ),
    (
        ("authentication failed", "no password supplied", "pg_hba.conf"),
        "check the user and the password in the store's address, and whom the server lets in",
    ),
    (
        ("does not exist",),
        "check the names in the store's address, and create what is missing",
    ),
    (
        ("invalid connection option",),
        "check what stands after the question mark in the store's address",
    ),
)


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn the errors of the database into ours; what is left is a bug."""
    try:
        yield
    except EveryConnectionInUse as error:
        raise StoreUnavailable(f"{where}: every connection to it is in use") from error
    except DBAPIError as error:
        words = _words(error)
        for troubles, advice in _LASTING_TROUBLES:
            if any(trouble in words.lower() for trouble in troubles):
                raise StoreRefused(f"{where}: {words}: {advice}") from error
        # A connection that is lost while it is used is reported as anything.
        if isinstance(error, OperationalError) or error.connection_invalidated:
            raise StoreUnavailable(f"{where}: {words}") from error
        raise


def _words(error: DBAPIError) -> str:
    """Return what the database said, on one line, without the statement and its values."""
    return " ".join(str(error.orig).split()) or type(error.orig).__name__
