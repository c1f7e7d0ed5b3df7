"""Checks of what makes weights from gradients: clipping, AdamW, and both with the model in whole training steps."""

import math
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch

import numpy_gpt
import torch_gpt
from parity_tests.report.comparison import Comparison, furthest
from parity_tests.report.measure import to_numpy
from parity_tests.report.suspects.optim import mistaken_adamw
from parity_tests.report.trace import gradient

STEPS = 20  # of the optimizer, and of the loss curve


def _draw_gradients(c: Comparison, pair: tuple, step: int) -> None:
    """The same random gradients for both twins."""
    for i, (p, q) in enumerate(zip(*(model.parameters() for model in pair))):
        g = np.random.default_rng([c.subject.seed, 3, step, i]).standard_normal(p.shape, c.precision)
        p.grad, q.grad = g, torch.from_numpy(g.copy())


def clipping(c: Comparison) -> None:
    """A norm above the limit scales every gradient; one below it must change nothing."""
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
    """The loss of each step of a model that learns from these batches."""
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
