"""Checks of the cache: what it has room for."""


def check_cache(batch_size: int, length: int, cached_batch_size: int, capacity: int) -> None:
    """Refuse keys and values that a cache has no room for."""
    if batch_size != cached_batch_size:
        raise ValueError(
            f"The batch has {batch_size} rows but the cache was begun with {cached_batch_size}; make a new KVCache."
        )
    if length > capacity:
        raise ValueError(f"The cache has room for {capacity} positions, not for {length}; give it a larger capacity.")
