"""Pure functions, written out as formulas; autograd derives what the NumPy twin writes under
each."""

import math

import torch

from torch_gpt.shapes import Array, Float

GELU_SCALE = math.sqrt(2 / math.pi)
GELU_CUBIC = 0.044715


def softmax(x: Float[Array, "... S"]) -> Float[Array, "... S"]:
    """p_s = exp(x_s - m) / Σ_j exp(x_j - m), over the last axis.

    m = max x: the quotient does not depend on it, and no exponent is positive, so nothing
    overflows. A row that is -inf throughout (all keys masked) gets p = 0, not NaN.
    """
    m = x.detach().amax(dim=-1, keepdim=True).clamp(min=torch.finfo(x.dtype).min)
    p = torch.exp(x - m)
    p = p / p.sum(dim=-1, keepdim=True).clamp(min=1)  # below exp(0) is a masked row alone
    return p


def logsumexp(x: Float[Array, "N V"]) -> Float[Array, " N"]:
    """log Σ_v exp(x_nv) for each n: m + log Σ_v exp(x_nv - m), shifted by m = max x as in
    softmax.

    x must be finite.
    """
    m = x.detach().amax(dim=-1, keepdim=True)
    e = torch.exp(x - m)
    return m[:, 0] + torch.log(e.sum(dim=-1))


def gelu(x: Float[Array, "... F"]) -> Float[Array, "... F"]:
    """y = x (1 + tanh u) / 2 with u = √(2/π) (x + 0.044715 x³).

    Source: Hendrycks and Gimpel 2016, section 2: the tanh form, with which GPT-2 was trained.
    The form with erf differs by up to 5e-4 and is not GPT-2.
    """
    y = torch.tanh(_gelu_argument(x))
    y = 0.5 * x * (1 + y)
    return y


def _gelu_argument(x: Float[Array, "... F"]) -> Float[Array, "... F"]:
    """u = √(2/π) (x + 0.044715 x³)."""
    u = x * x
    u = GELU_SCALE + GELU_SCALE * GELU_CUBIC * u
    u = u * x
    return u


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
    y = y + bias
    return y


def _normalize(
    x: Float[Array, "... C"], eps: float
) -> tuple[Float[Array, "... C"], Float[Array, "... 1"]]:
    """x̂ and r = 1 / √(σ² + eps)."""
    C = x.shape[-1]
    x_hat = x - x.sum(dim=-1, keepdim=True) / C
    variance = (x_hat * x_hat).sum(dim=-1, keepdim=True) / C
    r = 1 / torch.sqrt(variance + eps)
    x_hat = x_hat * r
    return x_hat, r
