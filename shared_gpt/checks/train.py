"""Checks of training: a step's loss and gradient, before they change the weights."""

from collections.abc import Mapping
from math import inf, isfinite
from typing import Any


def check_step(loss: float, grad_norm: float, grads: Mapping[str, Any]) -> None:
    """Refuse a training step whose loss or gradient is not finite, before it spoils the weights."""
    if isfinite(loss) and isfinite(grad_norm):
        return
    sizes = {name: float(abs(grad).max()) for name, grad in grads.items() if grad is not None}
    largest = max(sizes, key=lambda name: sizes[name] if isfinite(sizes[name]) else inf, default=None)
    where = f"; the largest gradient is that of {largest} ({sizes[largest]:.3g})" if largest else ""
    raise FloatingPointError(
        f"The loss is {loss} and the gradient's length {grad_norm}{where}. The weights were not changed."
    )
