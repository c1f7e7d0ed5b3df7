"""Elementwise work in stretches that stay in the processor's cache. Without a twin: PyTorch fuses and threads by itself.

An array of activations is larger than the cache, so each ufunc of a formula would read it from memory and write it back;
the nine ufuncs of GELU on a stretch of 64 Ki numbers read and write memory once.
"""

import functools
from collections.abc import Callable, Iterator

import numpy as np

from numpy_gpt.shapes import Array

BLOCK = 1 << 16


def blocks(*arrays: Array) -> Iterator[tuple[Array, ...]]:
    """Matching stretches of contiguous arrays of one shape, as one-dimensional views."""
    flat = [array.reshape(-1) for array in arrays]
    for start in range(0, flat[0].size, BLOCK):
        yield tuple(array[start : start + BLOCK] for array in flat)


def in_blocks(function: Callable[..., Array]) -> Callable[..., Array]:
    """Decorate an elementwise function of arrays of one shape: same values, computed stretch by stretch."""

    @functools.wraps(function)
    def blocked(*arrays: Array) -> Array:
        if arrays[0].size <= BLOCK:
            return function(*arrays)
        y = np.empty(arrays[0].shape, arrays[0].dtype)
        for y_block, *inputs in blocks(y, *arrays):
            y_block[...] = function(*inputs)
        return y

    return blocked
