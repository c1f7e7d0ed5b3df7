"""Elementwise work in stretches that stay in the processor's cache. Without a twin: PyTorch fuses and threads by itself.

An array of activations is larger than the cache, so each ufunc of a formula would read it from memory and write it back;
the nine ufuncs of GELU on a stretch of 64 Ki numbers read and write memory once.
"""

import functools
from collections.abc import Callable, Iterator

import numpy as np

from numpy_gpt.shapes import Array

CHUNK = 1 << 16


def chunks(*arrays: Array) -> Iterator[tuple[Array, ...]]:
    """Matching stretches of contiguous arrays of one shape, as one-dimensional views."""
    flat = [array.reshape(-1) for array in arrays]
    for start in range(0, flat[0].size, CHUNK):
        yield tuple(array[start : start + CHUNK] for array in flat)


def in_chunks(function: Callable[..., Array]) -> Callable[..., Array]:
    """Decorate an elementwise function of arrays of one shape: same values, computed stretch by stretch."""

    @functools.wraps(function)
    def chunked(*arrays: Array) -> Array:
        if arrays[0].size <= CHUNK:
            return function(*arrays)
        y = np.empty(arrays[0].shape, arrays[0].dtype)
        for y_chunk, *inputs in chunks(y, *arrays):
            y_chunk[...] = function(*inputs)
        return y

    return chunked
