"""Checks of the model: forward and backward passes of several kinds, traced in both twins.

All use small random batches with repeated ids and some ignored targets.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

import numpy_gpt
from parity_tests.report.comparison import Comparison, furthest
from parity_tests.report.measure import random_state, to_numpy
from parity_tests.report.subject import ALPHA, RANK, Subject
from parity_tests.report.trace import Key, Trace, trace_numpy, trace_torch, watching


def _pass(subject: Subject, model: Any, **options: np.ndarray) -> Iterator[Trace]:
    """One pass of the NumPy twin through the first batch."""
    yield trace_numpy(model, numpy_gpt.CrossEntropy(), *next(subject.batches()), **options)


def _theirs(c: Comparison, twin: Any, **options: np.ndarray) -> Trace:
    import torch_gpt

    return trace_torch(twin, torch_gpt.CrossEntropy(), *next(c.subject.batches()), **options)


def _twin(c: Comparison, config: Any = None) -> Any:
    import torch_gpt

    return c.subject.model(torch_gpt, c.precision, config)


def one_pass(subject: Subject, precision: str) -> Iterator[Trace]:
    """Every module's output and its gradient, and every parameter's, in one forward and one backward pass."""
    yield from _pass(subject, subject.model(numpy_gpt, precision))


def compare_one_pass(c: Comparison, traces: list[Trace]) -> None:
    twin = _twin(c)
    theirs = _theirs(c, twin)
    for ours in traces:
        for _, path in [key for key in theirs if key[0] == "output"]:
            for place, quantity in (("output", "value"), ("dy", "gradient")):
                key = place, path
                if key in ours and key in theirs:
                    c.add(quantity, {key: ours[key]}, theirs, path or "GPTModel", "modules")
        for name, _ in twin.named_parameters():
            key = "gradient", name
            if key in ours:
                c.add("gradient", {key: ours[key]}, theirs, name, "parameters")
        c.part_traces(ours, theirs)
        c.require(ours, [("output", ""), ("output", "loss"), *(key for key in theirs if key[0] == "gradient")])


def _compare(c: Comparison, ours: Trace, theirs: Trace) -> None:
    """Two entries: the worst value and the worst gradient."""
    for quantity, places in (("value", ("input", "output")), ("gradient", ("dy", "dx", "gradient"))):
        if part := {key: array for key, array in ours.items() if key[0] in places and key in theirs}:
            c.add(quantity, part, theirs)
    c.part_traces(ours, theirs)
    c.require(ours, [("output", ""), ("output", "loss"), *(key for key in theirs if key[0] == "gradient")])


def dropout_on(subject: Subject, precision: str) -> Iterator[Trace]:
    """One pass in training mode; both twins draw the same masks."""
    model = subject.model(numpy_gpt, precision, subject.dropping)
    model.train()
    yield from _pass(subject, model)


def compare_dropout_on(c: Comparison, traces: list[Trace]) -> None:
    twin = _twin(c, c.subject.dropping)
    twin.train()
    for ours in traces:
        _compare(c, ours, _theirs(c, twin))


def two_passes(subject: Subject, precision: str) -> Iterator[Trace]:
    """Two forward passes, then their two backward passes in the opposite order, gradients added up."""
    model, batches = subject.model(numpy_gpt, precision), list(subject.batches(2))
    criteria = [numpy_gpt.CrossEntropy() for _ in batches]
    for criterion, (ids, targets) in zip(criteria, batches):
        criterion(model(ids), targets)
    for criterion in reversed(criteria):
        with watching(model, criterion) as ours:
            model.backward(criterion.backward())
        yield ours


def compare_two_passes(c: Comparison, traces: list[Trace]) -> None:
    import torch_gpt

    twin, before = _twin(c), Trace()
    for ours, batch in zip(traces, reversed(list(c.subject.batches(2)))):
        theirs = trace_torch(twin, torch_gpt.CrossEntropy(), *batch)
        if part := {key: ours[key] for key in ours if key in theirs}:
            c.add("gradient", part, theirs)
        c.part_traces(ours, theirs, partial(_passes_mixed, ours, theirs, before))
        before = theirs


def _passes_mixed(ours: Trace, theirs: Trace, before: Trace, key: Key) -> str:
    """Why a gradient is wrong when two passes wait for their backward; `before` is the trace of the pass that went first."""
    a, b = ours[key], theirs[key]
    if key in before and a.shape == b.shape and furthest(key, a, b - before[key])[-1] < 1e-3 * furthest(key, a, b)[-1]:
        return "a gradient is overwritten: only the last pass's is left, where Parameter.accumulate adds them up"
    return "what the two passes saved is mixed up: pop_saved() gives what was saved last, and an attribute would be overwritten"


def _pieces(T: int) -> Iterator[tuple[int, int]]:
    past = 0
    while past < T:
        end = min(T, 1 if past == 0 else past + 1 + past // 2)
        yield past, end
        past = end


def with_cache(subject: Subject, precision: str) -> Iterator[Trace]:
    """The NumPy twin reads a sequence in pieces, through the cache; the PyTorch twin at once, without."""
    (ids, _), model = next(subject.batches()), subject.model(numpy_gpt, precision)
    cache = numpy_gpt.KVCache(subject.config)
    for past, end in _pieces(ids.shape[1]):
        with numpy_gpt.no_grad(), watching(model, numpy_gpt.CrossEntropy()) as ours:
            model(ids[:, past:end], cache)
        yield ours


def compare_with_cache(c: Comparison, traces: list[Trace]) -> None:
    theirs = _theirs(c, _twin(c))
    logits: list[np.ndarray] = []
    for ours, (past, end) in zip(traces, _pieces(c.subject.length)):
        c.part_traces(ours, _stretch(theirs, past, end))
        if ("output", "") in ours:
            logits.append(ours["output", ""])
    if logits:
        whole = np.concatenate(logits, axis=1)
        c.add("value", {"": whole}, {"": theirs["output", ""][:, : whole.shape[1]]})


def _stretch(trace: Trace, past: int, end: int) -> Trace:
    """The part of a trace that belongs to the positions from past to end."""
    part = Trace()
    for key, array in trace.items():
        if key[0] == "parameter":
            part[key] = array
        elif key[0] in ("input", "output") and key[1] != "loss":
            weights = key[1].endswith("attn_dropout")
            part[key] = array[:, :, past:end, :end] if weights else array[:, past:end]
    return part


def _padding(subject: Subject) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    ids, targets = next(subject.batches())
    padding = np.arange(len(ids)) % ids.shape[1]
    targets[np.arange(ids.shape[1]) < padding[:, None]] = -100
    return ids, targets, padding


def with_padding(subject: Subject, precision: str) -> Iterator[Trace]:
    """Rows that begin with 0, 1, 2, … tokens of filler."""
    ids, targets, padding = _padding(subject)
    model = subject.model(numpy_gpt, precision)
    yield trace_numpy(model, numpy_gpt.CrossEntropy(), ids, targets, padding=padding)


def compare_with_padding(c: Comparison, traces: list[Trace]) -> None:
    import torch_gpt

    ids, targets, padding = _padding(c.subject)
    theirs = trace_torch(_twin(c), torch_gpt.CrossEntropy(), ids, targets, padding=padding)
    for ours in traces:
        _compare(c, ours, theirs)


def with_branches(subject: Subject, twin: Any, precision: str) -> Any:
    model = subject.model(twin, precision)
    rank = min(RANK, subject.config.emb_dim)
    twin.apply_lora(model, rank, ALPHA, dropout=0.2, rng=np.random.default_rng(subject.seed))
    state = {name: to_numpy(array) for name, array in twin.lora_state_dict(model).items()}
    twin.load_lora(model, random_state(state, subject.seed))
    return model


def with_lora(subject: Subject, precision: str) -> Iterator[Trace]:
    """LoRA's branches beside frozen weights, with their own dropout: one pass, then the logits of the merged model."""
    model = with_branches(subject, numpy_gpt, precision).train()
    yield from _pass(subject, model)
    numpy_gpt.merge_lora(model)
    merged = Trace()
    with numpy_gpt.no_grad():
        merged.put("value", "merged", model.eval()(next(subject.batches())[0]))
    yield merged


def compare_with_lora(c: Comparison, traces: list[Trace]) -> None:
    import torch

    import torch_gpt

    twin = with_branches(c.subject, torch_gpt, c.precision).train()
    for ours in traces[:1]:
        _compare(c, ours, _theirs(c, twin))
    torch_gpt.merge_lora(twin)
    with torch.no_grad():
        theirs = twin.eval()(torch.from_numpy(next(c.subject.batches())[0]))
    for merged in traces[1:]:
        entry = c.add("value", {"": merged["value", "merged"]}, {"": theirs})
        if not entry.agrees:
            c.part("merge_lora", "", "the merged model's output", entry.error)
