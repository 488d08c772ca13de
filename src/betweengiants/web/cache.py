"""A small cache of finished answers, so that an address that is asked for again costs nothing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock

ENTRIES = 64
BYTES = 16_000_000


class Cache:
    """Least recently used answers, bounded in number and in bytes; one answer is worked out at a time."""

    def __init__(self, entries: int = ENTRIES, size: int = BYTES) -> None:
        self._entries, self._size = entries, size
        self._held: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._bytes = 0
        self._door, self._work = Lock(), Lock()

    def get(self, key: tuple[str, str], make: Callable[[], bytes]) -> bytes:
        """The answer for this key, made if it is not there; an answer that fails is not kept."""
        found = self._find(key)
        if found is not None:
            return found
        with self._work:  # who waited here may find it made
            found = self._find(key)
            if found is None:
                found = make()
                self._keep(key, found)
        return found

    def __len__(self) -> int:
        return len(self._held)

    def _find(self, key: tuple[str, str]) -> bytes | None:
        with self._door:
            if key in self._held:
                self._held.move_to_end(key)
            return self._held.get(key)

    def _keep(self, key: tuple[str, str], answer: bytes) -> None:
        if len(answer) > self._size:
            return
        with self._door:
            self._held[key] = answer
            self._bytes += len(answer)
            while len(self._held) > self._entries or self._bytes > self._size:
                _, oldest = self._held.popitem(last=False)
                self._bytes -= len(oldest)
