"""Checks of what makes weights from gradients: clipping, AdamW, and both with the model in whole training steps."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

import numpy_gpt
from parity_tests.report.comparison import Comparison, furthest
from parity_tests.report.measure import TOLERANCE, is_explained, to_numpy
from parity_tests.report.subject import Subject
from parity_tests.report.suspects.optim import mistaken_adamw
from parity_tests.report.trace import Trace, gradient

STEPS = 20  # of the optimizer, and of the loss curve
LR, BETAS, EPS, DECAY = 1e-2, (0.9, 0.99), 1e-3, 0.1


def as_input(twin: Any, array: np.ndarray) -> Any:
    """What the twin's model takes."""
    if twin is numpy_gpt:
        return array
    import torch

    return torch.from_numpy(array)


def random_gradient(subject: Subject, precision: str, step: int, i: int, shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng([subject.seed, 3, step, i]).standard_normal(shape, precision)


def _draw_gradients(subject: Subject, precision: str, twin: Any, model: Any, step: int) -> None:
    """Random gradients, the same for both twins."""
    for i, p in enumerate(model.parameters()):
        p.grad = as_input(twin, random_gradient(subject, precision, step, i, tuple(p.shape)))


def _limits(model: Any) -> tuple[float, float]:
    norm = math.sqrt(sum(math.prod(p.shape) for p in model.parameters()))
    return 0.1 * norm, 10 * norm


def _clipped(subject: Subject, precision: str, twin: Any) -> Iterator[Trace]:
    model = subject.model(twin, precision)
    for limit in _limits(model):
        _draw_gradients(subject, precision, twin, model, 0)
        trace = Trace()
        trace["value", "norm"] = np.array(twin.clip_grad_norm(model.parameters(), limit))
        for name, p in model.named_parameters():
            trace["gradient", name] = gradient(p)
        yield trace


def clipping(subject: Subject, precision: str) -> Iterator[Trace]:
    """A norm above the limit scales every gradient; one below it must change nothing."""
    yield from _clipped(subject, precision, numpy_gpt)


def compare_clipping(c: Comparison, traces: list[Trace]) -> None:
    import torch_gpt

    for number, (mine, reference) in enumerate(zip(traces, _clipped(c.subject, c.precision, torch_gpt))):
        value = c.add("value", {"norm": mine["value", "norm"]}, {"norm": reference["value", "norm"]})
        ours, theirs = ({k[1]: a for k, a in trace.items() if k[0] == "gradient"} for trace in (mine, reference))
        entry = c.add("gradient", ours, theirs)
        if not value.agrees:
            c.part("clip_grad_norm", "", "the norm", value.error, alone=True)
        elif not entry.agrees:
            ratios = [float(np.vdot(ours[name], theirs[name]) / np.vdot(theirs[name], theirs[name])) for name in ours]
            reason = f"off by a factor of {ratios[0]:.4g}"
            if max(ratios) - min(ratios) > TOLERANCE[c.precision] * max(ratios):
                reason = "off by another factor for each parameter; one norm over all of them belongs"
            elif number == 1:
                reason += ": the norm is below the limit, so min(1, …) is missing"
            c.part("clip_grad_norm", "", "a clipped gradient", entry.error, reason, alone=True)


def _stepped(subject: Subject, precision: str, twin: Any) -> Trace:
    model, trace = subject.model(twin, precision), Trace()
    adam = twin.AdamW(model.parameters(), LR, BETAS, EPS, DECAY)
    for step in range(STEPS):
        _draw_gradients(subject, precision, twin, model, step)
        model.ln_f.bias.grad = None
        adam.step()
    for name, array in model.state_dict().items():
        trace["value", name] = np.array(to_numpy(array))
    return trace


def optimizer(subject: Subject, precision: str) -> Iterator[Trace]:
    """The same random gradients for both AdamWs; one parameter gets none."""
    yield _stepped(subject, precision, numpy_gpt)


def compare_optimizer(c: Comparison, traces: list[Trace]) -> None:
    import torch_gpt

    reference = _stepped(c.subject, c.precision, torch_gpt)
    for mine in traces:
        ours, theirs = ({name: array for (_, name), array in trace.items()} for trace in (mine, reference))
        c.require(mine, list(reference))
        entry = c.add("value", ours, theirs)
        if entry.agrees:
            continue
        wrong = [name for name in ours if furthest("", ours[name], theirs[name])[-1] > entry.tolerance]
        name = min(wrong, key=lambda name: (ours[name].size, name))
        i, shape = list(ours).index(name), ours[name].shape
        start = to_numpy(c.subject.model(torch_gpt, c.precision).state_dict()[name])
        grads = [random_gradient(c.subject, c.precision, step, i, shape) for step in range(STEPS)]
        guesses = mistaken_adamw(start, grads, LR, BETAS, EPS, DECAY)
        fits = ours[name].shape == theirs[name].shape and ours[name].dtype == theirs[name].dtype
        reason = next((what for what, w in guesses if fits and is_explained(ours[name], theirs[name], w)), "")
        c.part("AdamW", "step", f"{name} after {STEPS} steps", entry.error, reason, alone=True)


def _curve(subject: Subject, precision: str, twin: Any) -> Trace:
    """The loss of each step of a model that learns from random batches."""
    model, trace = subject.model(twin, precision, subject.dropping), Trace()
    model.train()
    criterion, adam = twin.CrossEntropy(), twin.AdamW(model.parameters(), lr=1e-3)
    losses = []
    for ids, targets in subject.batches(STEPS):
        adam.zero_grad()
        loss = criterion(model(as_input(twin, ids)), as_input(twin, targets))
        if twin is numpy_gpt:
            model.backward(criterion.backward())
        else:
            loss.backward()
        twin.clip_grad_norm(model.parameters(), 1.0)
        adam.step()
        losses.append(float(to_numpy(loss)))
    trace["value", "loss"] = np.array(losses)
    return trace


def loss_curve(subject: Subject, precision: str) -> Iterator[Trace]:
    """Whole training steps: dropout, loss, backward, clipping, AdamW."""
    yield _curve(subject, precision, numpy_gpt)


def compare_loss_curve(c: Comparison, traces: list[Trace]) -> None:
    import torch_gpt

    theirs = _curve(c.subject, c.precision, torch_gpt)["value", "loss"]
    for mine in traces:
        ours = mine["value", "loss"]
        entry = c.add("value", {"loss": ours}, {"loss": theirs})
        if not entry.agrees:
            apart = [i for i, (a, b) in enumerate(zip(ours, theirs)) if not abs(a - b) <= entry.tolerance * abs(b)]
            c.part("", "training", f"the loss at step {apart[0] if apart else 0}", entry.error)


ALONG, STEP, ENOUGH = 5, 1e-5, 1e-6  # random directions for each parameter, how far along them, and the error allowed


def _directions(subject: Subject, shape: tuple[int, ...], i: int) -> np.ndarray:
    return np.random.default_rng([subject.seed, 8, i]).standard_normal((ALONG, *shape))


def slopes(subject: Subject, precision: str) -> Iterator[Trace]:
    """The slope of the loss along random directions of each parameter, from the NumPy twin's gradients, in float64."""
    model, criterion, trace = subject.model(numpy_gpt, "float64"), numpy_gpt.CrossEntropy(), Trace()
    ids, targets = next(subject.batches())
    criterion(model(ids), targets)
    model.backward(criterion.backward())
    for i, (name, p) in enumerate(model.named_parameters()):
        trace["gradient", name] = (_directions(subject, p.shape, i) * gradient(p)).reshape(ALONG, -1).sum(axis=1)
    yield trace


def compare_slopes(c: Comparison, traces: list[Trace]) -> None:
    """Central differences of the PyTorch twin's loss, which know nothing of any backward pass."""
    import torch

    import torch_gpt

    twin, criterion, theirs = c.subject.model(torch_gpt, "float64"), torch_gpt.CrossEntropy(), Trace()
    ids, targets = map(torch.from_numpy, next(c.subject.batches()))
    with torch.no_grad():
        for i, (name, p) in enumerate(twin.named_parameters()):
            found, kept = [], p.detach().clone()
            for direction in torch.from_numpy(_directions(c.subject, tuple(p.shape), i)):
                losses = []
                for step in (STEP, -STEP):
                    p.copy_(kept + step * direction)
                    losses.append(float(criterion(twin(ids), targets)))
                found.append((losses[0] - losses[1]) / (2 * STEP))
            p.copy_(kept)
            theirs["gradient", name] = np.array(found)
    scale = max(float(np.abs(array).max()) for array in theirs.values())
    for ours in traces:
        shared = {key: array / scale for key, array in ours.items() if key in theirs}
        ones = {
            key: np.concatenate([array, [1.0]]) for key, array in shared.items()
        }  # measured on the scale of them all
        entry = c.add("gradient", ones, {k: np.concatenate([theirs[k] / scale, [1.0]]) for k in ones}, tolerance=ENOUGH)
        if not entry.agrees:
            c.part(entry.tensor.rpartition(".")[0], "backward", f"the slope along {entry.tensor}", entry.error)
