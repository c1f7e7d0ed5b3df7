"""Checks of the cache: what it has room for."""

from shared_gpt.checks.numbers import is_whole


def check_capacity(capacity: int) -> None:
    """Refuse a cache without room."""
    if not is_whole(capacity, 1):
        raise ValueError(f"capacity is {capacity!r}; give a whole number of positions, at least 1.")


def check_cache(batch_size: int, length: int, cached_batch_size: int, capacity: int) -> None:
    """Refuse keys and values that a cache has no room for."""
    if batch_size != cached_batch_size:
        raise ValueError(
            f"The batch has {batch_size} rows but the cache was begun with {cached_batch_size}; make a new KVCache."
        )
    if length > capacity:
        raise ValueError(f"The cache has room for {capacity} positions, not for {length}; give it a larger capacity.")
