"""What a number is, alone or in an array, wherever it comes in: from a caller or from a file."""

import sys
from functools import cache
from math import isfinite
from numbers import Integral, Real
from typing import Any

import numpy as np

LARGEST = {
    "float16": 65504.0,
    "bfloat16": 2.0**128 - 2.0**120,
    "float32": 2.0**128 - 2.0**104,
    "float64": sys.float_info.max,
}


def is_number(x: Any) -> bool:
    """Whether x is a finite number; text, True and NaN are none."""
    try:
        return isinstance(x, Real) and not isinstance(x, bool) and isfinite(x)
    except OverflowError:  # a whole number that no float can hold
        return False


def is_whole(x: Any, least: int) -> bool:
    """Whether x is a whole number of at least this."""
    return isinstance(x, Integral) and not isinstance(x, bool) and x >= least


@cache  # NumPy takes as long to write a dtype's name as to find the smallest of a few ids
def dtype_name(dtype: Any) -> str:
    """ "float32", of either twin's dtypes."""
    return str(getattr(dtype, "__name__", dtype)).removeprefix("torch.")


def fault_of(array: Any, dtype: str = "float64") -> str:
    """Why an array, of either twin, does not hold finite floats that fit this dtype: "holds nan at [0, 3]"; "" if it does.

    The sum shows NaN and infinity at the speed of memory; only then is one looked for.
    """
    stored = dtype_name(array.dtype)
    if stored not in LARGEST:
        return f"is {stored} where floating-point numbers are expected"
    if 0 in array.shape:
        return ""
    flat = array.reshape(-1)
    with np.errstate(all="ignore"):
        if LARGEST[stored] <= LARGEST[dtype] and isfinite(float(flat.sum())):
            return ""
        for place in (int(flat.argmin()), int(flat.argmax())):  # NaN is both
            value = float(flat[place])
            if not abs(value) <= LARGEST[dtype]:
                index = [int(i) for i in np.unravel_index(place, tuple(array.shape))]
                return f"holds {value} at {index}" + (f", too large for {dtype}" if isfinite(value) else "")
    return ""
