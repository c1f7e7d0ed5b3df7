"""Mistakes in the gradients of a Linear's bias and of an Embedding's table."""

import numpy as np

from parity_tests.report.subject import ALPHA, RANK
from parity_tests.report.suspects.suspect import Suspects
from parity_tests.report.trace import Trace


def bias_gradient(module: str, theirs: Trace) -> Suspects:
    """db = Σ dy over all rows."""
    rows = theirs["dy", module].reshape(-1, theirs["dy", module].shape[-1])
    yield "a missing sum over the rows: it is the first row's alone", rows[0]
    yield "a missing sum over the rows: it is the last row's alone", rows[-1]


def table_gradient(module: str, theirs: Trace) -> Suspects:
    """An embedding's rows, each the sum over its ids; of a tied wte, the head's gradient too."""
    ids, dy = theirs["input", module], theirs["dy", module].astype(np.float64)
    whole = theirs["gradient", f"{module}.weight"]
    rows, last = np.zeros_like(whole, np.float64), np.zeros_like(whole, np.float64)
    np.add.at(rows, ids, dy)
    last[ids] += dy
    rest = whole - rows
    yield "only repeated ids differ: `grad[ids] += g` keeps one of several equal rows, np.add.at adds all", rest + last
    if module == "wte" and rest.any():
        yield "a gradient is overwritten: of the tied weight's two, the head's is lost", rows
        yield "a missing term: of the tied weight's two gradients, the embedding's", rest


def lora_output(module: str, theirs: Trace) -> Suspects:
    """y = x Wᵀ + b + alpha / R · drop(x) Aᵀ Bᵀ."""
    weight, x = (theirs[key].astype(np.float64) for key in (("parameter", f"{module}.weight"), ("input", module)))
    bias = theirs.get(("parameter", f"{module}.bias"), np.zeros(len(weight)))
    y, base = theirs["output", module].astype(np.float64), x @ weight.T + bias
    branch = y - base
    yield "LoRA's branch is not scaled by alpha / R", base + branch * RANK / ALPHA
    yield "LoRA's branch is scaled by alpha, where alpha / R belongs", base + branch * RANK
    yield "LoRA's branch is scaled by 1 / R, where alpha / R belongs", base + branch / ALPHA
    yield "LoRA's branch is missing", base
