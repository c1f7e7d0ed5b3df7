"""The report's checks of what makes weights from gradients: clipping, AdamW, and both with the model in whole training steps."""

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch

import numpy_gpt
import torch_gpt
from parity_tests.report.comparison import Comparison, furthest
from parity_tests.report.measure import to_numpy
from parity_tests.report.suspects import Suspects
from parity_tests.report.trace import gradient

STEPS = 20  # of the optimizer, and of the loss curve


def _draw_gradients(c: Comparison, pair: tuple, step: int) -> None:
    """The same random gradients for both twins."""
    for i, (p, q) in enumerate(zip(*(model.parameters() for model in pair))):
        g = np.random.default_rng([c.subject.seed, 3, step, i]).standard_normal(p.shape, c.precision)
        p.grad, q.grad = g, torch.from_numpy(g.copy())


def clipping(c: Comparison) -> None:
    """A norm above the limit, which scales every gradient, and one below, which must change nothing."""
    pair = c.subject.twins(c.precision)
    norm = math.sqrt(pair[0].num_parameters())
    for limit in (0.1 * norm, 10 * norm):
        _draw_gradients(c, pair, 0)
        norms = [twin.clip_grad_norm(model.parameters(), limit) for twin, model in zip((numpy_gpt, torch_gpt), pair)]
        value = c.add("value", {"norm": norms[0]}, {"norm": norms[1]})
        ours, theirs = ({name: gradient(p) for name, p in model.named_parameters()} for model in pair)
        entry = c.add("gradient", ours, theirs)
        if not value.agrees:
            c.part("clip_grad_norm", "", "the norm", value.error, alone=True)
        elif not entry.agrees:
            ratios = [float(np.vdot(ours[name], theirs[name]) / np.vdot(theirs[name], theirs[name])) for name in ours]
            reason = f"off by a factor of {ratios[0]:.4g}"
            if max(ratios) - min(ratios) > 1e-3 * max(ratios):
                reason = "off by another factor for each parameter; one norm over all of them belongs"
            elif limit > norm:
                reason += ": the norm is below the limit, so min(1, …) is missing"
            c.part("clip_grad_norm", "", "a clipped gradient", entry.error, reason, alone=True)


def optimizer(c: Comparison) -> None:
    """The same random gradients for both AdamWs; one parameter gets none."""
    pair = c.subject.twins(c.precision)
    start = {name: np.array(p.data) for name, p in pair[0].named_parameters()}
    lr, betas, eps, decay = 1e-2, (0.9, 0.99), 1e-3, 0.1
    optimizers = [
        twin.AdamW(model.parameters(), lr, betas, eps, decay) for twin, model in zip((numpy_gpt, torch_gpt), pair)
    ]
    for step in range(STEPS):
        _draw_gradients(c, pair, step)
        for model, adam in zip(pair, optimizers):
            model.ln_f.bias.grad = None
            adam.step()
    ours, theirs = (model.state_dict() for model in pair)
    entry = c.add("value", ours, theirs)
    if not entry.agrees:
        wrong = [name for name in ours if furthest("", ours[name], theirs[name])[-1] > entry.tolerance]
        name = min(wrong, key=lambda name: (ours[name].size, name))
        i, shape = list(ours).index(name), ours[name].shape
        grads = [
            np.random.default_rng([c.subject.seed, 3, s, i]).standard_normal(shape, c.precision) for s in range(STEPS)
        ]
        guesses = mistaken_adamw(start[name], grads, lr, betas, eps, decay)
        reason = next((what for what, w in guesses if furthest("", ours[name], w)[-1] < 1e-3 * entry.error), "")
        c.part("AdamW", "step", f"{name} after {STEPS} steps", entry.error, reason, alone=True)


def mistaken_adamw(
    w: np.ndarray, grads: list[np.ndarray], lr: float, betas: tuple[float, float], eps: float, decay: float
) -> Suspects:
    """What w becomes after one step for each gradient, if AdamW is mistaken."""
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
            root = (np.sqrt(v + inside) + early) / (1 - betas[1] ** t) ** power2
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


def loss_curve(c: Comparison) -> None:
    """Whole training steps: dropout, loss, backward, clipping, AdamW."""
    curves = [
        list(training_losses(twin, model, c.subject.batches(STEPS)))
        for twin, model in zip((numpy_gpt, torch_gpt), c.subject.twins(c.precision, c.subject.dropping))
    ]
    entry = c.add("value", {"loss": curves[0]}, {"loss": curves[1]})
    if not entry.agrees:
        first = next(i for i, (a, b) in enumerate(zip(*curves)) if not abs(a - b) <= entry.tolerance * abs(b))
        c.part("", "training", f"the loss at step {first}", entry.error)


def training_losses(twin: Any, model: Any, batches: Iterable[tuple[np.ndarray, np.ndarray]]) -> Iterator[float]:
    """The losses of a model that learns from one batch after the other."""
    model.train()
    criterion, adam = twin.CrossEntropy(), twin.AdamW(model.parameters(), lr=1e-3)
    for ids, targets in batches:
        adam.zero_grad()
        if twin is numpy_gpt:
            loss = criterion(model(ids), targets)
            model.backward(criterion.backward())
        else:
            loss = criterion(model(torch.from_numpy(ids)), torch.from_numpy(targets))
            loss.backward()
        twin.clip_grad_norm(model.parameters(), 1.0)
        adam.step()
        yield float(to_numpy(loss))
