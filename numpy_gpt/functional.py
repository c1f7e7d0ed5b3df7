"""Pure functions, each with its backward right under it.

L is the loss. A backward function takes the gradient of L with respect to the output, dy =
∂L/∂y, and returns the gradient with respect to the input, dx = ∂L/∂x. Nothing that is passed in
changes; in-place operations work on arrays made here.
"""

import math

import numpy as np

from numpy_gpt.chunks import in_chunks, in_chunks_of_rows
from numpy_gpt.shapes import Array, Float

GELU_SCALE = math.sqrt(2 / math.pi)
GELU_CUBIC = 0.044715


@in_chunks_of_rows()
def softmax(x: Float[Array, "... S"]) -> Float[Array, "... S"]:
    """p_s = exp(x_s - m) / Σ_j exp(x_j - m), over the last axis.

    m = max x: the quotient does not depend on it, and no exponent is positive, so nothing
    overflows. A row that is -inf throughout (all keys masked) gets p = 0, not NaN.
    """
    m = x.max(axis=-1, keepdims=True, initial=np.finfo(x.dtype).min)
    p = x - m
    np.exp(p, out=p)
    p /= np.maximum(p.sum(axis=-1, keepdims=True), 1)  # below exp(0) is a masked row alone
    return p


@in_chunks_of_rows(2)
def softmax_backward(
    dp: Float[Array, "... S"], p: Float[Array, "... S"]
) -> Float[Array, "... S"]:
    """dx_s = p_s (dp_s - Σ_j dp_j p_j).

    Since ∂p_j/∂x_s = p_j (δ_js - p_s), dx_s = Σ_j dp_j p_j (δ_js - p_s). As matrices:
    dx = (diag(p) - p pᵀ) dp. Only the output p is needed. Where p is 0, no gradient passes.
    """
    dx = dp * p  # forward: np.exp(p, out=p), and the division by the sum
    dx -= p * dx.sum(axis=-1, keepdims=True)  # forward: p.sum(), in which every x_s takes part
    return dx


@in_chunks_of_rows()
def logsumexp(x: Float[Array, "N V"]) -> Float[Array, " N"]:
    """log Σ_v exp(x_nv) for each n: m + log Σ_v exp(x_nv - m), shifted by m = max x as in
    softmax.

    x must be finite.
    """
    m = x.max(axis=-1, keepdims=True)
    e = x - m
    np.exp(e, out=e)
    return m[:, 0] + np.log(e.sum(axis=-1))


@in_chunks
def gelu(x: Float[Array, "... F"]) -> Float[Array, "... F"]:
    """y = x (1 + tanh u) / 2 with u = √(2/π) (x + 0.044715 x³).

    Source: Hendrycks and Gimpel 2016, section 2: the tanh form, with which GPT-2 was trained.
    The form with erf differs by up to 5e-4 and is not GPT-2.
    """
    y = np.tanh(_gelu_argument(x))
    y += 1
    y *= x
    y *= 0.5
    return y


@in_chunks
def gelu_backward(dy: Float[Array, "... F"], x: Float[Array, "... F"]) -> Float[Array, "... F"]:
    """dx = dy [ (1 + t) / 2 + x (1 - t²) u' / 2 ] with t = tanh u, u' = √(2/π) (1 + 3 ·
    0.044715 x²).

    The product rule on x · (1 + t) / 2, with ∂t/∂u = 1 - t². Only x is needed: computing the
    tanh again is cheaper than keeping another array as large as x.
    """
    t = np.tanh(_gelu_argument(x))
    slope_u = x * x  # forward: u = √(2/π) (x + 0.044715 x³); this is u'
    slope_u *= 3 * GELU_CUBIC * GELU_SCALE
    slope_u += GELU_SCALE
    slope = 1 - t * t  # forward: y = np.tanh(u)
    slope *= slope_u
    slope *= x  # forward: y *= x, with respect to y
    slope += t  # forward: y *= x, with respect to x
    slope += 1  # forward: y += 1
    slope *= 0.5  # forward: y *= 0.5
    slope *= dy
    return slope


def _gelu_argument(x: Float[Array, "... F"]) -> Float[Array, "... F"]:
    """u = √(2/π) (x + 0.044715 x³). By products: `x**3` is fifty times slower in NumPy."""
    u = x * x
    u *= GELU_SCALE * GELU_CUBIC
    u += GELU_SCALE
    u *= x
    return u


@in_chunks_of_rows()
def layer_norm(
    x: Float[Array, "... C"],
    weight: Float[Array, " C"],
    bias: Float[Array, " C"],
    eps: float = 1e-5,
) -> Float[Array, "... C"]:
    """y = x̂ · weight + bias with x̂ = (x - μ) / √(σ² + eps), mean and biased variance over the
    last axis.

    Source: Ba et al. 2016, section 3. The variance is the mean of (x - μ)², which stays right
    where E[x²] - E[x]² loses all its digits.
    """
    x_hat, _ = _normalize(x, eps)
    y = x_hat * weight
    y += bias
    return y


@in_chunks_of_rows(2)
def layer_norm_backward(
    dy: Float[Array, "... C"],
    x: Float[Array, "... C"],
    weight: Float[Array, " C"],
    eps: float = 1e-5,
) -> tuple[Float[Array, "... C"], Float[Array, " C"], Float[Array, " C"]]:
    """dx, dweight, dbias.

    With g = dy · weight and r = 1 / √(σ² + eps), for each row of C numbers:

        dx = r [ g - mean(g) - x̂ · mean(g · x̂) ]
        dweight = Σ_rows dy · x̂                     dbias = Σ_rows dy

    x_j reaches x̂_c in three ways, ∂x̂_c/∂x_j = r (δ_cj - 1/C - x̂_c x̂_j / C): directly,
    through μ, and through σ. As a matrix, dx = r (I - 11ᵀ/C - x̂x̂ᵀ/C) g: a shift or a stretch
    of x, which y does not feel, gets no gradient. Only x is needed; x̂ and r are computed
    again.
    """
    x_hat, r = _normalize(x, eps)
    by_x_hat = dy * x_hat  # of each row what dweight and mean(g · x̂) need
    dweight = by_x_hat.reshape(-1, x.shape[-1]).sum(axis=0)  # forward: y = x_hat * weight
    dbias = dy.reshape(-1, x.shape[-1]).sum(axis=0)  # forward: y += bias
    dx = dy * weight  # forward: y = x_hat * weight; this is g
    along_x_hat = (by_x_hat @ weight)[..., None] / x.shape[-1]  # mean(g · x̂)
    dx -= dx.mean(axis=-1, keepdims=True)  # forward: x_hat = x - mean(x)
    dx -= x_hat * along_x_hat  # forward: r = 1 / √(variance + eps)
    dx *= r  # forward: x_hat *= r
    return dx, dweight, dbias


def _normalize(
    x: Float[Array, "... C"], eps: float
) -> tuple[Float[Array, "... C"], Float[Array, "... 1"]]:
    """x̂ and r = 1 / √(σ² + eps)."""
    C = x.shape[-1]
    x_hat = x - x.sum(axis=-1, keepdims=True) / C  # `mean` takes four times as long for one row
    variance = (x_hat * x_hat).sum(axis=-1, keepdims=True) / C
    r = 1 / np.sqrt(variance + eps)
    x_hat *= r
    return x_hat, r
