"""Linear, Embedding, LayerNorm, GELU, Dropout: the leaves of the model."""

import numpy as np

from numpy_gpt.functional import gelu, gelu_backward, layer_norm, layer_norm_backward
from numpy_gpt.module import Module, Parameter
from numpy_gpt.shapes import Array, DType, Float, Int, float32
from shared_gpt.checks.layers import check_dropout, check_gradient, check_rows, check_width


class Linear(Module):
    """y = x Wᵀ + b, with W (out, in) and b (out); both are zero until initialised.

    Saved: x, for dW. Backward, with y_no = Σ_i x_ni W_oi + b_o for each of the N rows:

        dx_ni = Σ_o dy_no W_oi        dW_oi = Σ_n dy_no x_ni        db_o = Σ_n dy_no
        dx = dy W                     dW = dyᵀ x                    db = dyᵀ 1

    All leading axes are rows, so each product is one of two matrices; the transposes cost
    nothing.
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, dtype: DType = float32
    ):
        super().__init__()
        self.weight = Parameter(np.zeros((out_features, in_features), dtype))
        self.bias = Parameter(np.zeros(out_features, dtype)) if bias else None

    def forward(self, x: Float[Array, "... in"]) -> Float[Array, "... out"]:
        rows = x.reshape(-1, x.shape[-1])
        y = rows @ self.weight.data.T
        if self.bias is not None:
            y += self.bias.data
        self.save_for_backward(x)
        return y.reshape(*x.shape[:-1], y.shape[-1])

    def backward(self, dy: Float[Array, "... out"]) -> Float[Array, "... in"]:
        (x,) = self.pop_saved()
        check_gradient(dy, (*x.shape[:-1], len(self.weight.data)))
        rows = x.reshape(-1, x.shape[-1])
        dy = dy.reshape(-1, dy.shape[-1])  # forward: return y.reshape(…)
        if self.bias is not None and self.bias.requires_grad:
            self.bias.accumulate(dy.sum(axis=0))  # forward: y += bias, to every row
        if self.weight.requires_grad:
            self.weight.accumulate(dy.T @ rows)  # forward: y = rows @ weight.T
        drows = dy @ self.weight.data  # forward: y = rows @ weight.T
        return drows.reshape(x.shape)  # forward: rows = x.reshape(…)


class Embedding(Module):
    """y = W[ids]: row ids of the table W (rows, C); zero until initialised.

    Saved: ids, which have no gradient. Backward: dW[r] = Σ dy over all positions with ids = r.
    A row that occurs twice gets the sum of both, one that does not occur gets nothing. This
    equals onehot(ids)ᵀ dy, without the one-hot matrix.
    """

    def __init__(self, num_rows: int, emb_dim: int, dtype: DType = float32):
        super().__init__()
        self.weight = Parameter(np.zeros((num_rows, emb_dim), dtype))

    def forward(self, ids: Int[Array, "..."]) -> Float[Array, "... C"]:
        check_rows(ids)
        self.save_for_backward(ids)
        return self.weight.data[ids]

    def backward(self, dy: Float[Array, "... C"]) -> None:
        (ids,) = self.pop_saved()
        if self.weight.requires_grad:
            self.weight.accumulate(dy, rows=ids)  # forward: return weight[ids]


class LayerNorm(Module):
    """Brings each vector to mean 0 and variance 1, then scales and shifts:
    `functional.layer_norm`.

    Saved: x. Backward: `functional.layer_norm_backward`.
    """

    def __init__(self, emb_dim: int, eps: float = 1e-5, dtype: DType = float32):
        super().__init__()
        self.eps = eps
        self.weight = Parameter(np.ones(emb_dim, dtype))
        self.bias = Parameter(np.zeros(emb_dim, dtype))

    def forward(self, x: Float[Array, "... C"]) -> Float[Array, "... C"]:
        check_width(x, len(self.weight.data))
        self.save_for_backward(x)
        return layer_norm(x, self.weight.data, self.bias.data, self.eps)

    def backward(self, dy: Float[Array, "... C"]) -> Float[Array, "... C"]:
        (x,) = self.pop_saved()
        check_gradient(dy, x.shape)
        dx, dweight, dbias = layer_norm_backward(dy, x, self.weight.data, self.eps)
        if self.weight.requires_grad:
            self.weight.accumulate(dweight)  # forward: layer_norm(x, weight, …)
        if self.bias.requires_grad:
            self.bias.accumulate(dbias)  # forward: layer_norm(x, …, bias, …)
        return dx


class GELU(Module):
    """`functional.gelu`, in the tanh form. Saved: x."""

    def forward(self, x: Float[Array, "... F"]) -> Float[Array, "... F"]:
        self.save_for_backward(x)
        return gelu(x)

    def backward(self, dy: Float[Array, "... F"]) -> Float[Array, "... F"]:
        (x,) = self.pop_saved()
        check_gradient(dy, x.shape)
        return gelu_backward(dy, x)  # forward: return gelu(x)


class Dropout(Module):
    """In training, sets a share drop_rate of the values to zero and divides the rest by 1 -
    drop_rate.

    The expected value stays x (Srivastava et al. 2014, section 10, inverted). NumPy draws the
    uniform numbers, in float32 whatever x is, so that one seed drops the same values in either
    precision and in both twins.

    Saved: keep. Backward: dx = dy · keep / (1 - drop_rate), the same values dropped.
    """

    def __init__(self, drop_rate: float, rng: np.random.Generator):
        super().__init__()
        check_dropout(drop_rate, rng)
        self.drop_rate = drop_rate
        self.rng = rng

    def forward(self, x: Float[Array, "..."]) -> Float[Array, "..."]:
        keep = None
        if self.training and self.drop_rate > 0:
            keep = self.rng.random(x.shape, np.float32) >= self.drop_rate
        self.save_for_backward(keep)
        return x if keep is None else self._drop(x, keep)

    def backward(self, dy: Float[Array, "..."]) -> Float[Array, "..."]:
        (keep,) = self.pop_saved()
        return dy if keep is None else self._drop(dy, keep)  # forward: return _drop(x, keep)

    def _drop(self, x: Array, keep: np.ndarray) -> Array:
        y = x * keep
        y *= 1 / (1 - self.drop_rate)
        return y
