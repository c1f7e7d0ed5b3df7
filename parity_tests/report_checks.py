"""The report's checks: each compares one thing that both twins do.

They run in an order in which each needs only what those before it have shown to agree, so the first that fails tells most. All
use small random batches with repeated ids and some ignored targets.
"""

import math
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch

import numpy_gpt
import torch_gpt
from parity_tests.compare import to_numpy
from parity_tests.comparison import Comparison, furthest
from parity_tests.suspects import optimizer_mistakes
from parity_tests.trace import Key, Trace, gradient, trace_numpy, trace_torch, watching

STEPS = 20  # of the optimizer, and of the loss curve


def one_pass(c: Comparison) -> None:
    """Every module's output and its gradient, and every parameter's, in one forward and one backward pass."""
    (ids, targets), (model, twin) = next(c.subject.batches()), c.subject.twins(c.precision)
    ours = trace_numpy(model, numpy_gpt.CrossEntropy(), ids, targets)
    theirs = trace_torch(twin, torch_gpt.CrossEntropy(), ids, targets)
    for place, path in [key for key in theirs if key[0] == "output"]:
        for place, quantity in (("output", "value"), ("dy", "gradient")):
            key = place, path
            if key in ours and key in theirs:
                c.add(quantity, {key: ours[key]}, theirs, path or "GPTModel", "modules")
    for name, _ in twin.named_parameters():
        key = "gradient", name
        if key in ours:
            c.add("gradient", {key: ours[key]}, theirs, name, "parameters")
    c.part_traces(ours, theirs)


def _traces(c: Comparison, pair: tuple, ids: np.ndarray, targets: np.ndarray, **options: np.ndarray) -> None:
    """Both twins' passes as two entries, the worst value and the worst gradient."""
    ours = trace_numpy(pair[0], numpy_gpt.CrossEntropy(), ids, targets, **options)
    theirs = trace_torch(pair[1], torch_gpt.CrossEntropy(), ids, targets, **options)
    for quantity, places in (("value", ("input", "output")), ("gradient", ("dy", "dx", "gradient"))):
        if part := {key: array for key, array in ours.items() if key[0] in places and key in theirs}:
            c.add(quantity, part, theirs)
    c.part_traces(ours, theirs)


def dropout_on(c: Comparison) -> None:
    pair = c.subject.twins(c.precision, c.subject.dropping)
    for model in pair:
        model.train()
    _traces(c, pair, *next(c.subject.batches()))


def two_passes(c: Comparison) -> None:
    """Two forward passes, then their two backward passes in the opposite order, gradients added up."""
    (model, twin), batches = c.subject.twins(c.precision), list(c.subject.batches(2))
    criteria = [numpy_gpt.CrossEntropy() for _ in batches]
    for criterion, (ids, targets) in zip(criteria, batches):
        criterion(model(ids), targets)
    before = Trace()
    for criterion, (ids, targets) in reversed(list(zip(criteria, batches))):
        with watching(model, criterion) as ours:
            model.backward(criterion.backward())
        theirs = trace_torch(twin, torch_gpt.CrossEntropy(), ids, targets)
        c.add("gradient", {key: ours[key] for key in ours if key in theirs}, theirs)
        c.part_traces(ours, theirs, partial(_passes_mixed, ours, theirs, before))
        before = theirs


def _passes_mixed(ours: Trace, theirs: Trace, before: Trace, key: Key) -> str:
    """Why a gradient is wrong where two passes wait; `before`: the trace of the pass that went back first."""
    a, b = ours[key], theirs[key]
    if key in before and a.shape == b.shape and furthest(key, a, b - before[key])[-1] < 1e-3 * furthest(key, a, b)[-1]:
        return "a gradient is overwritten: only the last pass's is left, where Parameter.accumulate adds them up"
    return "what the two passes saved is mixed up: saved() gives what was saved last, and an attribute would be overwritten"


def with_cache(c: Comparison) -> None:
    """The NumPy twin reads a sequence in pieces, through the cache; the PyTorch twin at once, without."""
    (ids, targets), (model, twin) = next(c.subject.batches()), c.subject.twins(c.precision)
    theirs = trace_torch(twin, torch_gpt.CrossEntropy(), ids, targets)
    cache = numpy_gpt.KVCache(c.subject.config)
    logits, past, T = [], 0, ids.shape[1]
    while past < T:
        end = min(T, 1 if past == 0 else past + 1 + past // 2)
        with numpy_gpt.no_grad(), watching(model, numpy_gpt.CrossEntropy()) as ours:
            logits.append(model(ids[:, past:end], cache))
        c.part_traces(ours, _stretch(theirs, past, end))
        if ours.error:
            break
        past = end
    if logits:
        logits = np.concatenate(logits, axis=1)
        c.add("value", {"": logits}, {"": theirs["output", ""][:, : logits.shape[1]]})


def _stretch(trace: Trace, past: int, end: int) -> Trace:
    """What a trace holds for the positions past to end."""
    part = Trace()
    for key, array in trace.items():
        if key[0] in ("input", "output") and key[1] != "loss":
            weights = key[1].endswith("attn_dropout")
            part[key] = array[:, :, past:end, :end] if weights else array[:, past:end]
    return part


def with_padding(c: Comparison) -> None:
    """Rows that begin with 0, 1, 2, … tokens of filler."""
    ids, targets = next(c.subject.batches())
    padding = np.arange(len(ids)) % ids.shape[1]
    targets[np.arange(ids.shape[1]) < padding[:, None]] = -100
    _traces(c, c.subject.twins(c.precision), ids, targets, padding=padding)


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
        guesses = optimizer_mistakes(start[name], grads, lr, betas, eps, decay)
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


CHECKS: dict[str, Callable[[Comparison], None]] = {
    "one pass": one_pass,
    "dropout on": dropout_on,
    "two passes wait": two_passes,
    "pieces through the cache": with_cache,
    "left padding": with_padding,
    "clip_grad_norm": clipping,
    f"AdamW, {STEPS} steps": optimizer,
    f"loss curve, {STEPS} steps": loss_curve,
}
