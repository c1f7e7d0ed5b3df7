"""Work in chunks that stay in the processor's cache, on all cores. Without a twin: PyTorch does
this by itself.

An array of activations is larger than the cache, so each ufunc of a formula would read it from
memory and write it back. The nine ufuncs of GELU on a chunk of 128 Ki numbers read and write
memory once, and several threads take a chunk each. Where a chunk begins depends on shapes
alone, and sums over chunks are added in their order: the numbers are the same for any number of
threads.
"""

import functools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from numpy_gpt.shapes import Array
from shared_gpt.threads import for_each

CHUNK = 1 << 17
ROWS = 4  # at least: of GPT-2's 50,257 logits they are 0.8 MB


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

        def fill(y_chunk: Array, *inputs: Array) -> None:
            y_chunk[...] = function(*inputs)

        for_each(fill, chunks(y, *arrays))
        return y

    return chunked


def in_chunks_of_rows(arrays: int = 1) -> Callable[[Callable], Callable]:
    """Decorate a function that treats each row (the last axis) by itself: the same values, some
    rows at a time.

    arrays: how many of its arguments have these rows, the first ones; the others are the same
    for all. What it returns has one row, or one number, for each row; where it returns a tuple,
    that is the first, and the others are sums over all rows.
    """

    def decorate(function: Callable) -> Callable:
        @functools.wraps(function)
        def chunked(*arguments: Any) -> Any:
            *lead, width = arguments[0].shape
            rows = [each.reshape(-1, *each.shape[len(lead) :]) for each in arguments[:arrays]]
            step = max(CHUNK // max(width, 1), ROWS)
            if len(rows[0]) <= step:
                return function(*arguments)
            parts = [slice(start, start + step) for start in range(0, len(rows[0]), step)]

            def results(part: slice) -> tuple[Array, ...]:
                result = function(*(each[part] for each in rows), *arguments[arrays:])
                return result if isinstance(result, tuple) else (result,)

            first, *sums = results(parts[0])  # tells the shape of a row
            y = np.empty((len(rows[0]), *first.shape[1:]), first.dtype)
            y[parts[0]] = first
            sums_of_parts = [sums] * len(parts)

            def fill(i: int) -> None:
                y[parts[i]], *sums_of_parts[i] = results(parts[i])

            for_each(fill, [(i,) for i in range(1, len(parts))])
            y = y.reshape(*lead, *first.shape[1:])
            return (y, *map(sum, zip(*sums_of_parts))) if sums else y

        return chunked

    return decorate
