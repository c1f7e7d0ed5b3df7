"""Linear, Embedding, LayerNorm, GELU, Dropout: the leaves of the model."""

import numpy as np
import torch

from shared_gpt.checks.layers import check_dropout, check_rows, check_width
from torch_gpt.functional import gelu, layer_norm
from torch_gpt.module import Module, Parameter
from torch_gpt.shapes import Array, DType, Float, Int, float32


class Linear(Module):
    """y = x Wᵀ + b, with W (out, in) and b (out); both are zero until initialised."""

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, dtype: DType = float32
    ):
        super().__init__()
        self.weight = Parameter(torch.zeros((out_features, in_features), dtype=dtype))
        self.bias = Parameter(torch.zeros(out_features, dtype=dtype)) if bias else None

    def forward(self, x: Float[Array, "... in"]) -> Float[Array, "... out"]:
        rows = x.reshape(-1, x.shape[-1])
        y = rows @ self.weight.T
        if self.bias is not None:
            y = y + self.bias
        return y.reshape(*x.shape[:-1], y.shape[-1])


class Embedding(Module):
    """y = W[ids]: row ids of the table W (rows, C); zero until initialised."""

    def __init__(self, num_rows: int, emb_dim: int, dtype: DType = float32):
        super().__init__()
        self.weight = Parameter(torch.zeros((num_rows, emb_dim), dtype=dtype))

    def forward(self, ids: Int[Array, "..."]) -> Float[Array, "... C"]:
        check_rows(ids)
        return self.weight[ids]


class LayerNorm(Module):
    """Brings each vector to mean 0 and variance 1, then scales and shifts:
    `functional.layer_norm`."""

    def __init__(self, emb_dim: int, eps: float = 1e-5, dtype: DType = float32):
        super().__init__()
        self.eps = eps
        self.weight = Parameter(torch.ones(emb_dim, dtype=dtype))
        self.bias = Parameter(torch.zeros(emb_dim, dtype=dtype))

    def forward(self, x: Float[Array, "... C"]) -> Float[Array, "... C"]:
        check_width(x, len(self.weight))
        return layer_norm(x, self.weight, self.bias, self.eps)


class GELU(Module):
    """`functional.gelu`, in the tanh form."""

    def forward(self, x: Float[Array, "... F"]) -> Float[Array, "... F"]:
        return gelu(x)


class Dropout(Module):
    """In training, sets a share drop_rate of the values to zero and divides the rest by 1 -
    drop_rate.

    The expected value stays x (Srivastava et al. 2014, section 10, inverted). NumPy draws the
    uniform numbers, in float32 whatever x is, so that one seed drops the same values in either
    precision and in both twins.
    """

    def __init__(self, drop_rate: float, rng: np.random.Generator):
        super().__init__()
        check_dropout(drop_rate, rng)
        self.drop_rate = drop_rate
        self.rng = rng

    def forward(self, x: Float[Array, "..."]) -> Float[Array, "..."]:
        keep = None
        if self.training and self.drop_rate > 0:
            keep = self.rng.random(tuple(x.shape), np.float32) >= self.drop_rate
        return x if keep is None else self._drop(x, keep)

    def _drop(self, x: Array, keep: np.ndarray) -> Array:
        y = x * torch.from_numpy(keep).to(x.device)
        y = y * (1 / (1 - self.drop_rate))
        return y
