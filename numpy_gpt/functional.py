"""Pure functions, each with its backward right under it.

Backward functions take the gradient of a loss L by the output, dy = ∂L/∂y, and return the gradient by the input,
dx = ∂L/∂x. Nothing passed in is changed; in-place operations work on arrays made here.
"""

import math

import numpy as np

from numpy_gpt.chunks import in_chunks
from numpy_gpt.shapes import Array, Float

GELU_SCALE = math.sqrt(2 / math.pi)
GELU_CUBIC = 0.044715


def softmax(x: Float[Array, "... S"]) -> Float[Array, "... S"]:
    """p_s = exp(x_s - m) / Σ_j exp(x_j - m), over the last axis.

    m = max x: the quotient does not depend on it, and no exponent is positive, so nothing overflows. A row that is -inf
    throughout (all keys masked) gets p = 0, not NaN.
    """
    m = x.max(axis=-1, keepdims=True, initial=np.finfo(x.dtype).min)
    e = x - m
    np.exp(e, out=e)
    e /= np.maximum(
        e.sum(axis=-1, keepdims=True), 1
    )  # one e is exp(0): only a masked row sums to less than 1
    return e


def softmax_backward(
    dp: Float[Array, "... S"], p: Float[Array, "... S"]
) -> Float[Array, "... S"]:
    """dx_s = p_s (dp_s - Σ_j dp_j p_j).

    From ∂p_j/∂x_s = p_j (δ_js - p_s): dx_s = Σ_j dp_j p_j (δ_js - p_s). As matrices: dx = (diag(p) - p pᵀ) dp. Only the
    output p is needed, and where p is 0 no gradient passes.
    """
    dx = dp * p
    dx -= p * dx.sum(axis=-1, keepdims=True)
    return dx


def logsumexp(x: Float[Array, "N V"]) -> Float[Array, " N"]:
    """log Σ_v exp(x_nv), for each n, shifted by the row's maximum as in softmax; x must be finite."""
    rows = 8  # at a time: 8 rows of GPT-2's 50,257 logits are 1.6 MB, which stay in the cache from maximum to sum
    result = np.empty(len(x), x.dtype)
    for start in range(0, len(x), rows):
        block = x[start : start + rows]
        m = block.max(axis=-1, keepdims=True)
        e = block - m
        np.exp(e, out=e)
        result[start : start + rows] = m[:, 0] + np.log(e.sum(axis=-1))
    return result


@in_chunks
def gelu(x: Float[Array, "... F"]) -> Float[Array, "... F"]:
    """y = x (1 + tanh u) / 2 with u = √(2/π) (x + 0.044715 x³).

    Source: Hendrycks and Gimpel 2016, section 2, the tanh form that GPT-2 was trained with. The form with erf differs
    by up to 5e-4 and is not GPT-2.
    """
    y = np.tanh(_gelu_argument(x))
    y += 1
    y *= x
    y *= 0.5
    return y


@in_chunks
def gelu_backward(dy: Float[Array, "... F"], x: Float[Array, "... F"]) -> Float[Array, "... F"]:
    """dx = dy [ (1 + t) / 2 + x (1 - t²) u' / 2 ] with t = tanh u and u' = √(2/π) (1 + 3 · 0.044715 x²).

    The product rule on x · (1 + t) / 2, with ∂t/∂u = 1 - t². Saved is x alone: tanh is cheaper to compute again than
    another array as large as x is to keep.
    """
    t = np.tanh(_gelu_argument(x))
    du = x * x
    du *= 3 * GELU_CUBIC * GELU_SCALE
    du += GELU_SCALE
    slope = 1 - t * t
    slope *= du
    slope *= x
    slope += t
    slope += 1
    slope *= 0.5
    slope *= dy
    return slope


def _gelu_argument(x: Float[Array, "... F"]) -> Float[Array, "... F"]:
    """u = √(2/π) (x + 0.044715 x³). Without `x**3`, which is fifty times slower than products."""
    u = x * x
    u *= GELU_SCALE * GELU_CUBIC
    u += GELU_SCALE
    u *= x
    return u


def layer_norm(
    x: Float[Array, "... C"],
    weight: Float[Array, " C"],
    bias: Float[Array, " C"],
    eps: float = 1e-5,
) -> Float[Array, "... C"]:
    """y = x̂ · weight + bias with x̂ = (x - μ) / √(σ² + eps), mean and biased variance over the last axis.

    Source: Ba et al. 2016, section 3. The variance is the mean of (x - μ)², which stays right where E[x²] - E[x]² loses
    all digits.
    """
    x_hat, _ = _normalize(x, eps)
    y = x_hat * weight
    y += bias
    return y


def layer_norm_backward(
    dy: Float[Array, "... C"],
    x: Float[Array, "... C"],
    weight: Float[Array, " C"],
    eps: float = 1e-5,
) -> tuple[Float[Array, "... C"], Float[Array, " C"], Float[Array, " C"]]:
    """dx, dweight, dbias.

    With g = dy · weight and r = 1 / √(σ² + eps), per row of C values:

        dx = r [ g - mean(g) - x̂ · mean(g · x̂) ]        dweight = Σ_rows dy · x̂        dbias = Σ_rows dy

    x_j reaches x̂_c three ways, ∂x̂_c/∂x_j = r (δ_cj - 1/C - x̂_c x̂_j / C): directly, through μ, and through σ. As a matrix,
    dx = r (I - 11ᵀ/C - x̂x̂ᵀ/C) g: a shift or a stretch of x, which y does not feel, gets no gradient. Saved is x; x̂ and r
    are computed again.
    """
    x_hat, r = _normalize(x, eps)
    dy_x_hat = dy * x_hat
    dweight = dy_x_hat.reshape(-1, x.shape[-1]).sum(axis=0)
    dbias = dy.reshape(-1, x.shape[-1]).sum(axis=0)
    dx = dy * weight
    along_x_hat = (dy_x_hat @ weight)[..., None] / x.shape[-1]
    dx -= dx.mean(axis=-1, keepdims=True)
    dx -= x_hat * along_x_hat
    dx *= r
    return dx, dweight, dbias


def _normalize(
    x: Float[Array, "... C"], eps: float
) -> tuple[Float[Array, "... C"], Float[Array, "... 1"]]:
    """x̂ and r = 1 / √(σ² + eps)."""
    C = x.shape[-1]
    x_hat = (
        x - x.sum(axis=-1, keepdims=True) / C
    )  # `mean` gives the same numbers, for one row four times as slowly
    variance = (x_hat * x_hat).sum(axis=-1, keepdims=True) / C
    r = 1 / np.sqrt(variance + eps)
    x_hat *= r
    return x_hat, r
