from concurrent.futures import ThreadPoolExecutor
from time import sleep

import pytest

from betweengiants.web.cache import Cache


def test_made_once() -> None:
    cache, calls = Cache(), []

    def make() -> bytes:
        calls.append(1)
        sleep(0.02)
        return b"x"

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: cache.get(("page", "q"), make), range(16)))
    assert answers == [b"x"] * 16
    assert len(calls) == 1


def test_bounded_in_number_and_size() -> None:
    cache = Cache(entries=3, size=10)
    for number in range(5):
        cache.get(("page", str(number)), lambda: b"xx")
    assert len(cache) == 3
    cache.get(("page", "large"), lambda: b"x" * 7)
    assert len(cache) == 2
    cache.get(("page", "too large"), lambda: b"x" * 11)
    assert len(cache) == 2


def test_the_least_recently_used_goes_first() -> None:
    cache = Cache(entries=2)
    for name in ("a", "b", "a", "c"):
        cache.get(("page", name), lambda name=name: name.encode())
    assert cache.get(("page", "a"), lambda: b"made again") == b"a"
    assert cache.get(("page", "b"), lambda: b"made again") == b"made again"


def test_a_failure_is_not_kept() -> None:
    cache = Cache()

    def fail() -> bytes:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        cache.get(("page", "q"), fail)
    assert cache.get(("page", "q"), lambda: b"fine") == b"fine"
