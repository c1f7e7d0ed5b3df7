"""What a trial writes down beside arrays: results that are none, as bytes, and the slopes that gradients should be."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np

from parity_tests.report.measure import relative_error

DIFFERENCES = 1e-5  # the error that central differences may have


@dataclass(frozen=True)
class Slope:
    """What central differences give: the slope for each element, or one along a direction."""

    values: np.ndarray
    direction: np.ndarray | None = None

    def agrees(self, gradient: np.ndarray) -> bool:
        """Whether a gradient is this slope, within the error that central differences have."""
        if self.direction is None:
            return gradient.shape == self.values.shape and relative_error(gradient, self.values) <= DIFFERENCES
        if gradient.shape != self.direction.shape:
            return False
        terms = gradient * self.direction
        return bool(abs(terms.sum() - self.values) <= DIFFERENCES * np.linalg.norm(terms))


def as_bytes(value: Any) -> np.ndarray:
    """A result that is no array, as the bytes of its JSON."""
    text = json.dumps(plain(value), ensure_ascii=False, default=lambda other: f"<{type(other).__name__}>")
    return np.frombuffer(text.encode("utf-8", "replace"), np.uint8)


def plain(value: Any) -> Any:
    """Bytes as Latin-1 text, NumPy's numbers as Python's, tuples as lists; all else as it is."""
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, (np.ndarray, np.generic)):
        return value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(part) for part in value]
    if isinstance(value, dict):
        return {str(plain(key)): plain(part) for key, part in value.items()}
    return value


def as_text(array: np.ndarray) -> str:
    """What `as_bytes` wrote, or a word where a student's process handed over something else."""
    try:
        return bytes(array).decode("utf-8", "replace") if array.dtype == np.uint8 else f"numbers of shape {array.shape}"
    except (TypeError, ValueError):
        return "something else"
