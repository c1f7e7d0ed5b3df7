"""AdamW and clip_grad_norm: from gradients to better weights."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from numpy_gpt.module import Parameter
from numpy_gpt.shapes import Array
from shared_gpt.checks.optim import (
    check_hyperparameters,
    check_max_norm,
    check_optimizer_state,
    check_parameters,
)
from shared_gpt.row_chunks import in_chunks_in_place
from shared_gpt.training.memory import keep_freed_memory


class AdamW:
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2), in PyTorch's
    order.

    In step t, with gradient g, learning rate η and decay λ (of matrices and tables alone:
    biases and gains do not decay):

        w ← w - η λ w
        m ← β₁ m + (1 - β₁) g             v ← β₂ v + (1 - β₂) g²
        m̂ = m / (1 - β₁ᵗ)                 v̂ = v / (1 - β₂ᵗ)
        w ← w - η m̂ / (√v̂ + eps)

    Parameters without a gradient, or frozen, are left alone.
    """

    def __init__(
        self,
        params: Iterable[Parameter],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ):
        check_hyperparameters(lr, betas, eps, weight_decay)
        self.params = [p for p in params if p.requires_grad]
        check_parameters(self.params)
        keep_freed_memory()  # a training step takes what the one before it freed
        self.lr, self.betas, self.eps, self.weight_decay = lr, betas, eps, weight_decay
        self.steps = 0
        self.m = [np.zeros(p.shape, p.data.dtype) for p in self.params]
        self.v = [np.zeros(p.shape, p.data.dtype) for p in self.params]

    def step(self) -> None:
        """One update of every parameter that has a gradient."""
        check_hyperparameters(self.lr, self.betas, self.eps, self.weight_decay)
        self.steps += 1
        for p, m, v in zip(self.params, self.m, self.v):
            if p.grad is None:
                continue
            decay = self.weight_decay if len(p.shape) >= 2 else 0.0
            self.update(p.data, p.grad, m, v, decay)

    @in_chunks_in_place
    def update(self, w: Array, g: Array, m: Array, v: Array, decay: float) -> None:
        """The formulas above, in place."""
        beta1, beta2 = self.betas
        w *= 1 - self.lr * decay
        m *= beta1
        m += (1 - beta1) * g
        v *= beta2
        v += (1 - beta2) * (g * g)
        m_hat = m / (1 - beta1**self.steps)
        v_hat = v / (1 - beta2**self.steps)
        w -= self.lr * m_hat / (np.sqrt(v_hat) + self.eps)

    def zero_grad(self) -> None:
        for p in self.params:
            p.grad = None

    def state_dict(self) -> dict[str, Any]:
        """Steps taken and, for each parameter in order, both moments: the optimizer's own
        arrays, not copies."""
        return {"steps": self.steps, "m": self.m, "v": self.v}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Copy a state taken from an optimizer of the same parameters."""
        check_optimizer_state({"m": self.m, "v": self.v}, state)
        self.steps = int(state["steps"])
        for own, moment in zip(self.m + self.v, [*state["m"], *state["v"]]):
            own[...] = np.asarray(moment)


def clip_grad_norm(params: Iterable[Parameter], max_norm: float) -> float:
    """Scale all gradients together by min(1, max_norm / (norm + 1e-6)).

    Returns the norm √(Σ g²) that they had before.
    """
    check_max_norm(max_norm)
    grads = [p.grad for p in params if p.grad is not None]
    norm = math.sqrt(sum(float(np.vdot(g, g)) for g in grads))
    scale = max_norm / (norm + 1e-6)
    if scale < 1:
        for g in grads:
            g *= scale
    return norm
