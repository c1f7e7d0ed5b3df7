"""Attention in the layout of Raschka's book: W_query, W_key, W_value and out_proj in place of c_attn and c_proj.

The three projections become views of one, c_attn, so that weights, hooks, LoRA and files find what they look for. A class whose
`__init__` makes the four as Linear layers of numpy_gpt is adapted; any other is left as it is.
"""

import functools
from typing import Any

import numpy as np

from numpy_gpt.layers import Linear

PROJECTIONS = ("W_query", "W_key", "W_value")


class Third:
    """One of the three: its forward gives its third of c_attn's output, its backward hands over its third of the gradient.

    c_attn runs once for each input, and goes back once, when the third of the three gradients is there. What it returns is then
    the gradient with respect to the input through all three; the other two return zeros, so that their sum is right.
    """

    def __init__(self, attention: Any, number: int):
        self.attention, self.number = attention, number

    def __call__(self, x: np.ndarray) -> np.ndarray:
        layout = self.attention.book_layout
        if layout.x is not x or self.number in layout.taken:
            layout.x, layout.y, layout.taken = x, self.attention.c_attn(x), set()
        layout.taken.add(self.number)
        y = np.split(layout.y, 3, axis=-1)[self.number]
        if len(layout.taken) == 3:
            layout.x = layout.y = None
        return y

    forward = __call__

    def backward(self, dy: np.ndarray) -> np.ndarray:
        layout = self.attention.book_layout
        layout.gradients[self.number] = dy
        if len(layout.gradients) < 3:
            return np.zeros((*dy.shape[:-1], self.attention.c_attn.weight.shape[1]), dy.dtype)
        parts, layout.gradients = [layout.gradients[i] for i in range(3)], {}
        return self.attention.c_attn.backward(np.concatenate(parts, axis=-1))


class OutProj:
    """out_proj, which is c_proj under the book's name."""

    def __init__(self, attention: Any):
        self.attention = attention

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return self.attention.c_proj(x)

    forward = __call__

    def backward(self, dy: np.ndarray) -> np.ndarray:
        return self.attention.c_proj.backward(dy)


class Layout:
    """What the three share: the input and output of c_attn, who has taken its part, and the gradients that have come back."""

    def __init__(self):
        self.x: Any = None
        self.y: Any = None
        self.taken: set[int] = set()
        self.gradients: dict[int, np.ndarray] = {}


def with_book_layout(attention: type) -> type:
    """The class, whose instances are adapted as they are made if they have the book's layout."""
    made = attention.__init__

    @functools.wraps(made)
    def __init__(self, *args, **kwargs):
        made(self, *args, **kwargs)
        if all(isinstance(vars(self).get(name), Linear) for name in (*PROJECTIONS, "out_proj")):
            adapt(self)

    attention.__init__ = __init__
    return attention


def adapt(attention: Any) -> None:
    """Put c_attn and c_proj in the place of the four, in the order in which GPT-2 names them."""
    query, out = attention.W_query, attention.out_proj
    rest = {name: vars(attention).pop(name) for name in list(vars(attention))}
    width, dtype = query.weight.shape[1], query.weight.data.dtype
    for name, value in rest.items():
        if name == "W_query":
            attention.c_attn = Linear(width, 3 * width, query.bias is not None, dtype)
            attention.c_proj = out
        if name not in (*PROJECTIONS, "out_proj"):
            setattr(attention, name, value)
    attention.n_heads = getattr(attention, "n_heads", getattr(attention, "num_heads", None))  # the book's name
    attention.book_layout = Layout()
    for number, name in enumerate(PROJECTIONS):
        setattr(attention, name, Third(attention, number))
    attention.out_proj = OutProj(attention)
