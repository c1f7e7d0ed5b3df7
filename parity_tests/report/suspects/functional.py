"""Mistakes in GELU and LayerNorm."""

import math

import numpy as np

from parity_tests.report.suspects.suspect import Suspects
from parity_tests.report.trace import Trace


def gelu(place: str, name: str, theirs: Trace) -> Suspects:
    x, scale, cubic = theirs["input", name].astype(np.float64), math.sqrt(2 / math.pi), 0.044715
    erf = np.vectorize(math.erf)(x / math.sqrt(2))
    t = np.tanh(scale * (x + cubic * x**3))
    if place == "output":
        yield "the erf form of GELU; GPT-2 has the tanh form", 0.5 * x * (1 + erf)
        yield "a missing term: the cubic one, 0.044715 x³", 0.5 * x * (1 + np.tanh(scale * x))
        yield "the sigmoid form of GELU; GPT-2 has the tanh form", x / (1 + np.exp(-1.702 * x))
        return
    dy = theirs["dy", name]
    slope = scale * (1 + 3 * cubic * x * x)
    yield (
        "a missing term: the derivative of the cubic one, 3 · 0.044715 x²",
        dy * 0.5 * (1 + t + x * (1 - t * t) * scale),
    )
    yield (
        "the derivative of x³ is 3 x²: the factor 3 is missing",
        dy * 0.5 * (1 + t + x * (1 - t * t) * scale * (1 + cubic * x * x)),
    )
    yield "∂tanh u/∂u is 1 - tanh² u: the square is missing", dy * 0.5 * (1 + t + x * (1 - t) * slope)
    yield "a missing term of the product rule: x · tanh'", dy * 0.5 * (1 + t)
    yield "a missing term of the product rule: (1 + tanh) / 2", dy * 0.5 * x * (1 - t * t) * slope
    density = np.exp(-x * x / 2) / math.sqrt(2 * math.pi)
    yield "the derivative of the erf form; GPT-2 has the tanh form", dy * (0.5 * (1 + erf) + x * density)


def layer_norm(place: str, name: str, theirs: Trace) -> Suspects:
    x, eps = theirs["input", name].astype(np.float64), 1e-5
    weight, bias = theirs["parameter", f"{name}.weight"], theirs["parameter", f"{name}.bias"]
    C = x.shape[-1]
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = (centred * centred).mean(axis=-1, keepdims=True)
    r = 1 / np.sqrt(variance + eps)
    if place == "output":
        unbiased = variance * C / max(C - 1, 1)
        yield (
            "the unbiased variance, divided by C - 1; LayerNorm divides by C",
            centred / np.sqrt(unbiased + eps) * weight + bias,
        )
        yield "eps is added outside the root", centred / (np.sqrt(variance) + eps) * weight + bias
        yield "eps is missing", centred / np.sqrt(variance) * weight + bias
        yield "a missing term: the mean is not taken off x", x * r * weight + bias
        yield "a missing term: the bias", centred * r * weight
        yield "the gain (weight) is missing", centred * r + bias
        return
    x_hat, dy = centred * r, theirs["dy", name]
    g = dy * weight

    def along(v: np.ndarray) -> np.ndarray:
        return x_hat * (v * x_hat).mean(axis=-1, keepdims=True)

    yield "a missing term: mean(g)", r * (g - along(g))
    yield "a missing term: x̂ mean(g x̂)", r * (g - g.mean(axis=-1, keepdims=True))
    yield "both mean terms are missing", r * g
    yield "g = dy · weight: the weight is missing in mean(g x̂)", r * (g - g.mean(axis=-1, keepdims=True) - along(dy))
    yield "g = dy · weight: the weight is missing", r * (dy - dy.mean(axis=-1, keepdims=True) - along(dy))
    yield "the factor 1/σ is missing", (g - g.mean(axis=-1, keepdims=True) - along(g))


def gain_gradient(module: str, theirs: Trace) -> Suspects:
    """dweight = Σ dy x̂ over all rows."""
    dy, x = theirs["dy", module], theirs["input", module]
    yield "x stands where the normalised x̂ belongs", (dy * x).sum((0, 1))
