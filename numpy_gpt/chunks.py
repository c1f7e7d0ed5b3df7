"""Work in chunks that stay in the processor's cache. Without a twin: PyTorch does this by
itself.

An array of activations is larger than the cache, so each ufunc of a formula would read it from
memory and write it back. The nine ufuncs of GELU on a chunk of 64 Ki numbers read and write
memory once.
"""

import functools
from collections.abc import Callable, Iterator

import numpy as np

from numpy_gpt.shapes import Array

CHUNK = 1 << 16
ROWS = 8  # of GPT-2's 50,257 logits are 1.6 MB


def chunks(*arrays: Array) -> Iterator[tuple[Array, ...]]:
    """Matching stretches of contiguous arrays of one shape, as one-dimensional views."""
    flat = [array.reshape(-1) for array in arrays]
    for start in range(0, flat[0].size, CHUNK):
        yield tuple(array[start : start + CHUNK] for array in flat)


def in_chunks(function: Callable[..., Array]) -> Callable[..., Array]:
    """Decorate an elementwise function of arrays of one shape: the same values, chunk by
    chunk."""

    @functools.wraps(function)
    def chunked(*arrays: Array) -> Array:
        if arrays[0].size <= CHUNK:
            return function(*arrays)
        y = np.empty(arrays[0].shape, arrays[0].dtype)
        for y_chunk, *inputs in chunks(y, *arrays):
            y_chunk[...] = function(*inputs)
        return y

    return chunked


def in_chunks_of_rows(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    """Decorate a function that gives one number for each row: the same values, few rows at a
    time."""

    @functools.wraps(function)
    def chunked(x: Array) -> Array:
        y = np.empty(len(x), x.dtype)
        for start in range(0, len(x), ROWS):
            y[start : start + ROWS] = function(x[start : start + ROWS])
        return y

    return chunked
