"""What a layer can be given; the cheapest check that finds it, since these run at every token."""

from typing import Any

from shared_gpt.checks.model import check_rng
from shared_gpt.checks.numbers import is_number


def check_rows(ids: Any) -> None:
    """Refuse negative ids, which would count from the end of the table; one too large is an IndexError of the array's own."""
    if 0 not in ids.shape and ids.min() < 0:
        raise ValueError(f"ids hold {int(ids.min())}; give rows of the table, counted from 0.")


def check_width(x: Any, width: int) -> None:
    """Refuse vectors that broadcasting would stretch to the layer's width, or the layer to theirs."""
    if x.shape[-1] != width:
        raise ValueError(f"x has shape {tuple(x.shape)} but the layer normalizes vectors of width {width}.")


def check_dropout(drop_rate: Any, rng: Any) -> None:
    if not is_number(drop_rate) or not 0 <= drop_rate < 1:
        raise ValueError(f"drop_rate is {drop_rate!r}; give a share of at least 0 and below 1.")
    check_rng(rng)


def check_gradient(dy: Any, shape: tuple[int, ...]) -> None:
    """Refuse a gradient that is not of the output's shape."""
    if tuple(getattr(dy, "shape", [None])) != shape:
        what = f"has shape {tuple(dy.shape)}" if hasattr(dy, "shape") else f"is {dy!r:.60}"
        raise ValueError(
            f"The gradient {what}, the output of this forward pass has shape {shape}; give ∂L/∂output, such as "
            "model.backward(criterion.backward())."
        )
