"""`Float[Array, "B T C"]` and the like: jaxtyping's types where somebody reads them, plain arrays otherwise.

Type checkers read them, and so do the tests, which import jaxtyping first. In an ordinary run nobody does; then importing
jaxtyping would be a third of the time that `import numpy_gpt` takes.
"""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING or "jaxtyping" in sys.modules:
    from jaxtyping import Bool, Float, Int, Integer
else:

    class Shaped:
        """`Shaped[Array, "B T C"]` is Array."""

        def __class_getitem__(cls, array_and_shape: tuple[Any, str]) -> Any:
            return array_and_shape[0]

    Bool = Float = Int = Integer = Shaped

__all__ = ["Bool", "Float", "Int", "Integer"]
