"""Checks of the rooms around the model: each public function is called in both twins with the same arguments, and what it gives
is compared.

A result stands under (place, name), where the place is the function that answers for it. The results come in an order in which
each function needs only what those before it have shown to agree.
"""

import importlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import numpy_gpt
from numpy_gpt import GPTConfig
from parity_tests.report.checks.training import as_input
from parity_tests.report.comparison import Comparison, furthest
from parity_tests.report.evidence import Check
from parity_tests.report.measure import TOLERANCE
from parity_tests.report.subject import Subject
from parity_tests.report.suspects.sampling import sampling as sampling_mistakes
from parity_tests.report.trace import Key, Trace

MAPS = "its attention"  # results that a student's own attention need not give
PRECISION = "float64"  # of the checks that run once: there no token falls on the border between two by rounding


def results(compute: Callable[[Trace, Subject, str, Any], None], once: bool = True) -> Check:
    """A check that compares all that `compute` puts into a trace."""

    def ours(subject: Subject, precision: str) -> Iterator[Trace]:
        trace = Trace()
        try:
            compute(trace, handy(subject), PRECISION if once else precision, numpy_gpt)
        except (Exception, SystemExit) as error:
            trace.error = error
        yield trace

    def compare(c: Comparison, traces: list[Trace]) -> None:
        import torch_gpt

        theirs = Trace()
        compute(theirs, handy(c.subject), PRECISION if once else c.precision, torch_gpt)
        for mine in traces:
            for key in theirs:
                if key in mine:
                    entry = c.add("value", {key: mine[key]}, theirs)
                    if not entry.agrees:
                        c.part(key[0], "", key[1], entry.error, _reason(key, mine[key], theirs))
                elif not mine.error and not key[1].startswith(MAPS):
                    c.part(key[0], "", f"{key[1]}, which it never gave,", float("inf"))

    return Check(ours, compare, once)


def _reason(key: Key, ours: np.ndarray, theirs: Trace) -> str:
    if key[0] in ("softmax", "logsumexp") and "near" in key[1] and not np.isfinite(ours).all():
        return "exp overflows, or all of it underflows: the maximum of each row is not taken off first"
    with np.errstate(all="ignore"):
        for reason, mistaken in sampling_mistakes(key, theirs):
            if furthest("", ours, mistaken)[-1] <= TOLERANCE["float64"]:
                return reason
    return ""


def handy(subject: Subject) -> Subject:
    """The subject, or a small one where it would take minutes: these checks are about the code, not about the weights."""
    c = subject.config
    large = c.emb_dim > 128 or c.context_length > 64 or c.vocab_size > 1000 or subject.state is not None
    return Subject(GPTConfig(61, 13, 30, 5, 2), subject.seed) if large else subject


def room_of(twin: Any, name: str) -> Any:
    return importlib.import_module(f"{twin.__name__}.{name}")


def functions(trace: Trace, subject: Subject, precision: str, twin: Any) -> None:
    """The formulas far from 0: softmax and log-sum-exp do not feel a shift, LayerNorm keeps its digits at an offset of 8192."""
    room, attention = room_of(twin, "functional"), room_of(twin, "attention")
    rng = np.random.default_rng([subject.seed, 4])
    x = rng.standard_normal((3, 7)).astype(precision)
    for shift in (0, 1e4, -1e4):
        for name in ("softmax", "logsumexp"):
            result = getattr(room, name)(as_input(twin, x + x.dtype.type(shift)))
            trace.put(name, f"its result for numbers near {shift:g}", result)
    hidden = np.where(np.arange(7) < [[3], [7], [0]], -np.inf, x).astype(precision)
    trace.put("softmax", "its result for rows in part or wholly -inf", room.softmax(as_input(twin, hidden)))
    gain, bias = (as_input(twin, rng.standard_normal(7).astype(precision)) for _ in range(2))
    for offset in (0, 8192) if precision == "float64" else (0,):  # in float32 the mean itself is rounded to 1e-3
        y = room.layer_norm(as_input(twin, x + x.dtype.type(offset)), gain, bias)
        trace.put("layer_norm", f"its result for numbers near {offset}", y)
    trace.put("layer_norm", "its result for equal numbers", room.layer_norm(as_input(twin, 0 * x), gain, bias))
    trace.put("gelu", "its result", room.gelu(as_input(twin, 3 * x)))
    padding = as_input(twin, np.array([0, 2]))
    trace.put("hidden_keys", "its result", attention.hidden_keys(3, 5))
    trace.put("hidden_keys", "its result with padding", attention.hidden_keys(5, 5, padding))
    heads = attention.split_heads(as_input(twin, rng.standard_normal((2, 3, 8)).astype(precision)), 4)
    trace.put("split_heads", "its result", heads)
    trace.put("merge_heads", "its result", attention.merge_heads(heads))


def drawn_weights(trace: Trace, subject: Subject, precision: str, twin: Any) -> Any:
    """A new model, with both ways to draw its weights."""
    model = twin.GPTModel(subject.config, np.random.default_rng(subject.seed), getattr(twin, precision))
    for name, array in model.state_dict().items():
        trace.put("GPTModel.initialize", name, array)
    model.initialize_as_pytorch(np.random.default_rng(subject.seed))
    for name, array in model.state_dict().items():
        trace.put("GPTModel.initialize_as_pytorch", name, array)
    return model


def initial_weights(trace: Trace, subject: Subject, precision: str, twin: Any) -> None:
    """A new model, its size, its parameters' names, and both ways to draw its weights."""
    model = drawn_weights(trace, subject, precision, twin)
    trace.put("Module.num_parameters", "the number of parameters", model.num_parameters())
    visited: list[Any] = []
    model.apply(visited.append)
    every = sorted(map(id, visited)) == sorted(map(id, model.modules()))
    trace.put("Module.apply", "whether it visits every module once", every)
    model.eval()
    trace.put("Module.eval", "the modules left in training", sum(m.training for m in model.modules()))
    model.zero_grad()
    trace.put("Module.zero_grad", "the gradients left", sum(p.grad is not None for p in model.parameters()))
