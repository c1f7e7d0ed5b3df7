"""Arrays out of either twin."""

from typing import Any

import numpy as np


def to_numpy(tensor: Any) -> np.ndarray:
    """An array as it is; a tensor as an array, from whatever device."""
    return tensor if isinstance(tensor, np.ndarray) else tensor.detach().cpu().numpy()
