"""The one element, or the stretch of a text, that shows a person where two results differ."""

import numpy as np

from parity_tests.report.measure import TOLERANCE


def first_differing(a: np.ndarray, b: np.ndarray, precision: str) -> tuple[int, ...]:
    """The first element that differs by more than rounding."""
    with np.errstate(all="ignore"):
        far = np.abs(a.astype(float) - b.astype(float)) > TOLERANCE[precision] * np.nanmax(
            np.abs(b.astype(float)), initial=1e-300
        )
    far |= np.isnan(a.astype(float)) != np.isnan(b.astype(float))
    return tuple(int(i) for i in np.argwhere(far)[0]) if far.any() else (0,) * a.ndim


def number(x: np.generic) -> str:
    """As a person reads it: seven digits of a fraction."""
    return str(bool(x)) if x.dtype == bool else str(int(x)) if x.dtype.kind in "iu" else f"{float(x):.7g}"


def excerpts(a: str, b: str, width: int = 56) -> tuple[str, str]:
    """Two texts around the first character that differs."""
    start = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
    begin = max(0, start - 20) if max(len(a), len(b)) > width else 0
    return tuple(
        f"{'…' if begin else ''}{text[begin : begin + width]}{'…' if len(text) > begin + width else ''}"
        for text in (a, b)
    )
