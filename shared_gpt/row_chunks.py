"""Matching pieces of large arrays, small enough for the processor's cache: what is done to one piece reads memory once."""

from collections.abc import Iterator
from typing import Any

import numpy as np

ARRAY = 1 << 16  # numbers; larger ones leave the cache, smaller ones cost more calls
TENSOR = 1 << 20  # numbers; an operation of PyTorch runs on all cores, and each needs enough to do


def row_chunks(*arrays: Any) -> Iterator[tuple[Any, ...]]:
    """Views of the same rows of arrays (or tensors) of one shape; on a GPU, which has no use for small pieces, the whole."""
    rows = len(arrays[0])
    numbers_per_row = max(int(np.prod(arrays[0].shape[1:])), 1)
    step = rows
    if str(arrays[0].device) == "cpu":
        step = (ARRAY if isinstance(arrays[0], np.ndarray) else TENSOR) // numbers_per_row
    for start in range(0, rows, max(step, 1)):
        yield tuple(array[start : start + max(step, 1)] for array in arrays)
