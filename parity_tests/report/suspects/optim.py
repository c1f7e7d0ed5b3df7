"""Mistakes in AdamW."""

import numpy as np

from parity_tests.report.suspects.suspect import Suspects


def mistaken_adamw(
    w: np.ndarray, grads: list[np.ndarray], lr: float, betas: tuple[float, float], eps: float, decay: float
) -> Suspects:
    """What w becomes after a step on each of the gradients, for each mistake in AdamW."""
    own = decay if w.ndim >= 2 else 0.0

    def run(
        betas=betas, eps=eps, before=own, after=0.0, l2=0.0, power1=1.0, power2=0.5, inside=0.0, early=0.0, square=True
    ):
        x, m, v = w.astype(np.float64), np.zeros(w.shape), np.zeros(w.shape)
        for t, g in enumerate(grads, 1):
            x = x * (1 - before)
            g = g + l2 * x
            m = betas[0] * m + (1 - betas[0]) * g
            v = betas[1] * v + (1 - betas[1]) * (g * g if square else g)
            correction2 = (1 - betas[1] ** t) ** power2
            root = np.sqrt(v / correction2**2 + inside) + early / correction2
            x = (x - lr * m / (1 - betas[0] ** t) ** power1 / (root + eps)) * (1 - after)
        return x

    rate = lr * own
    return iter(
        [
            ("both bias corrections, 1 - β₁ᵗ and 1 - β₂ᵗ, are missing", run(before=rate, power1=0, power2=0)),
            ("the first moment's bias correction, 1 - β₁ᵗ, is missing", run(before=rate, power1=0)),
            ("the second moment's bias correction, 1 - β₂ᵗ, is missing", run(before=rate, power2=0)),
            ("the second moment's bias correction stands outside the root", run(before=rate, power2=1)),
            ("the decay is added to the gradient (L2); AdamW decays the weights themselves", run(before=0, l2=own)),
            ("the decay comes after the step; PyTorch decays first", run(before=0, after=rate)),
            ("weights do not decay", run(before=0)),
            ("biases and gains decay too", run(before=lr * decay)),
            ("the decay is not multiplied by the learning rate", run(before=own)),
            ("eps is added inside the root", run(before=rate, eps=0, inside=eps)),
            ("eps is added before the bias correction", run(before=rate, eps=0, early=eps)),
            ("β₁ and β₂ are swapped", run(betas=betas[::-1], before=rate)),
            ("β₁ is used for both moments", run(betas=(betas[0], betas[0]), before=rate)),
            ("the second moment averages g where g² belongs", run(before=rate, square=False)),
        ]
    )
