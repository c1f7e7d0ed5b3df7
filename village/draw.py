"""Draws that give the same result on every Python version."""

from collections.abc import Iterable, Sequence
from random import Random
from typing import TypeVar

T = TypeVar("T")

# Python promises that `random()` keeps its sequence for a seed; it promises nothing for `choice`, `shuffle` and
# `sample`. So everything here is made of `random()` alone.


def pick(items: Sequence[T], rng: Random) -> T:
    """One of the items, each equally likely."""
    return items[int(rng.random() * len(items))]


def shuffled(items: Iterable[T], rng: Random) -> list[T]:
    """The items in a random order."""
    return sorted(items, key=lambda _: rng.random())


def between(low: int, high: int, rng: Random) -> int:
    """A whole number from low to high, both included."""
    return low + int(rng.random() * (high - low + 1))
