"""`Array`, and the one legend of the letters that every signature uses.

    B  batch               H  heads                 V  vocabulary
    T  query positions     D  width of one head     F  feed-forward width (4 C)
    S  key positions       C  embedding width       R  LoRA rank

`x: Float[Array, "B T C"]` reads: x holds floats, one vector of C numbers for each of T
positions of B sequences. `...` stands for any leading dimensions. The tests enforce these
shapes at every call; ordinary runs pay nothing.
"""

import numpy as np

from shared_gpt.array_types import Bool, Float, Int

Array = np.ndarray
Scalar = np.floating
DType = type[np.floating] | np.dtype
float32 = np.float32
float64 = np.float64

__all__ = ["Array", "Bool", "DType", "Float", "Int", "Scalar", "float32", "float64"]
