"""Checks of the model: forward and backward passes of several kinds, traced in both twins.

All use small random batches with repeated ids and some ignored targets.
"""

from functools import partial

import numpy as np
import torch

import numpy_gpt
import torch_gpt
from parity_tests.report.comparison import ALPHA, RANK, Comparison, furthest
from parity_tests.report.measure import random_state, to_numpy
from parity_tests.report.trace import Key, Trace, trace_numpy, trace_torch, watching


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
    """A pass of both twins, as two entries: the worst value and the worst gradient."""
    ours = trace_numpy(pair[0], numpy_gpt.CrossEntropy(), ids, targets, **options)
    theirs = trace_torch(pair[1], torch_gpt.CrossEntropy(), ids, targets, **options)
    for quantity, places in (("value", ("input", "output")), ("gradient", ("dy", "dx", "gradient"))):
        if part := {key: array for key, array in ours.items() if key[0] in places and key in theirs}:
            c.add(quantity, part, theirs)
    c.part_traces(ours, theirs)


def dropout_on(c: Comparison) -> None:
    """One pass in training mode; both twins draw the same masks."""
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
    """Why a gradient is wrong when two passes wait for their backward; `before` is the trace of the pass that went first."""
    a, b = ours[key], theirs[key]
    if key in before and a.shape == b.shape and furthest(key, a, b - before[key])[-1] < 1e-3 * furthest(key, a, b)[-1]:
        return "a gradient is overwritten: only the last pass's is left, where Parameter.accumulate adds them up"
    return "what the two passes saved is mixed up: pop_saved() gives what was saved last, and an attribute would be overwritten"


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
    """The part of a trace that belongs to the positions from past to end."""
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


def with_lora(c: Comparison) -> None:
    """LoRA's branches beside frozen weights, with their own dropout: one pass, then the logits of the merged model."""
    pair = c.subject.twins(c.precision)
    rank = min(RANK, c.subject.config.emb_dim)
    for model, twin in zip(pair, (numpy_gpt, torch_gpt)):
        twin.apply_lora(model, rank, ALPHA, dropout=0.2, rng=np.random.default_rng(c.subject.seed))
        state = {name: to_numpy(array) for name, array in twin.lora_state_dict(model).items()}
        twin.load_lora(model, random_state(state, c.subject.seed))
        model.train()
    ids, targets = next(c.subject.batches())
    _traces(c, pair, ids, targets)
    numpy_gpt.merge_lora(pair[0])
    with numpy_gpt.no_grad(), torch.no_grad():
        ours, theirs = pair[0].eval()(ids), pair[1].eval()(torch.from_numpy(ids))
    entry = c.add("value", {"": ours}, {"": theirs})
    if not entry.agrees:
        c.part("merge_lora", "", "the merged model's output", entry.error)
