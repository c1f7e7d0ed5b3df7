"""Random draws that are the same in every version of Python."""

from collections.abc import Iterable, Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")

# For a seed Python promises the sequence of `random()`, but not those of `choice`, `shuffle` and `sample`. So everything
# here is made from `random()` alone.


def pick(items: Sequence[T], rng: Random) -> T:
    """One of the items, each equally likely."""
    return items[int(rng.random() * len(items))]


def shuffled(items: Iterable[T], rng: Random) -> list[T]:
    """The items in a random order."""
    return sorted(items, key=lambda _: rng.random())


def between(low: int, high: int, rng: Random) -> int:
    """A whole number from low to high, both included."""
    return low + int(rng.random() * (high - low + 1))
