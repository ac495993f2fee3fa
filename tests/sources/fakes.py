"""Hand-written fakes for tests of sources."""

from collections.abc import Sequence


class RememberedUids:
    """A ``ports.Memory`` that lasts as long as the test."""

    def __init__(self) -> None:
        self._uids: dict[tuple[str, str], tuple[int, frozenset[int]]] = {}

    def remembered(self, source: str, folder: str, uid_validity: int) -> frozenset[int]:
        known, uids = self._uids.get((source, folder), (uid_validity, frozenset()))
        return uids if known == uid_validity else frozenset()

    def remember(self, source: str, folder: str, uid_validity: int, uids: Sequence[int]) -> None:
        before = self.remembered(source, folder, uid_validity)
        self._uids[source, folder] = (uid_validity, before | frozenset(uids))
