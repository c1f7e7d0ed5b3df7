"""A suspect: what was done wrong, and the array that this gives."""

from collections.abc import Iterator

import numpy as np

Suspects = Iterator[tuple[str, np.ndarray]]
