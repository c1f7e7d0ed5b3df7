"""Matching pieces of large arrays, small enough for the processor's cache: what is done to one piece reads memory once."""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from shared_gpt.threads import for_each

ARRAY = 1 << 17  # numbers; larger ones leave the cache, smaller ones cost more calls
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


def in_chunks_in_place(method: Callable[..., None]) -> Callable[..., None]:
    """Decorate a method that changes arrays (or tensors) of one shape, number by number, and takes one setting after them:
    the same change, some rows at a time, NumPy's on all cores."""

    @functools.wraps(method)
    def chunked(self: Any, *arguments: Any) -> None:
        *arrays, setting = arguments
        tasks = ((self, *chunk, setting) for chunk in row_chunks(*arrays))
        if isinstance(arrays[0], np.ndarray):
            return for_each(method, tasks)
        for task in tasks:
            method(*task)

    return chunked
