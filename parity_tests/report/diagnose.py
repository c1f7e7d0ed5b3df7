"""Where two traces first part, and what kind of mistake does that.

Everything a value depends on was written down before it. So the first value that differs was computed wrongly from values
that agree: the code between them holds the mistake.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from parity_tests.report.measure import TOLERANCE, is_explained, relative_error
from parity_tests.report.suspects import known_mistakes
from parity_tests.report.trace import Key, Trace

Facts = Mapping[str, float]  # numbers by name that may have been forgotten as factors: √D, 1/n, …


@dataclass(frozen=True)
class Parting:
    """The first value that differs."""

    module: str  # path of the module whose code computed it
    direction: str  # "forward" or "backward"
    value: str
    error: float
    reason: str  # what kind of mistake does that; "" where none is recognised
    shown: str = ""  # both values in words, where they are text or whole numbers


def first_parting(
    ours: Trace, theirs: Trace, tolerance: float, facts: Facts, explain: Callable[[Key], str] | None = None
) -> Parting | None:
    """The first of our values, in the order of time, that differs from theirs, or None. `explain`, where given, finds the
    reason in place of `likely_reason`."""
    for key, a in ours.items():
        if key not in theirs:
            continue  # a part that only a replacement has
        b = theirs[key]
        fits = a.shape == b.shape and a.dtype == b.dtype
        error = relative_error(a, b) if fits else math.inf
        if not error <= tolerance:
            reason = _reason(explain or partial(likely_reason, ours=ours, theirs=theirs, facts=facts), key)
            return Parting(*responsible(key, theirs), error, reason)
    return None


def _reason(explain: Callable[[Key], str], key: Key) -> str:
    """What `explain` finds; "" where the arrays are not of the kind that a suspect expects. The place is known all the same."""
    try:
        return explain(key)
    except (LookupError, ValueError, TypeError, ArithmeticError):
        return ""


def responsible(key: Key, theirs: Trace) -> tuple[str, str, str]:
    """Whose code computed the value, in which direction, and what the value is."""
    place, name = key
    if place == "output":
        return name, "forward", "its output"
    if place == "dx":
        return name, "backward", "the gradient that it returns"
    outer, _, last = name.rpartition(".")
    if place == "gradient":
        return outer, "backward", f"its {last}'s gradient"
    while ("output", outer) not in theirs:  # a list of modules has no code of its own
        outer = outer.rpartition(".")[0]
    inner = name[len(outer) + 1 :] if outer else name
    if place == "input":
        return outer, "forward", f"what it hands to {inner}"
    return outer, "backward", f"the gradient that it hands to {inner}"


def likely_reason(key: Key, ours: Trace, theirs: Trace, facts: Facts) -> str:
    """The kind of mistake that turns their value into ours, "" if none is recognised; the most specific kinds are tried
    first."""
    a, b = ours[key], theirs[key]
    if a.shape != b.shape:
        return f"{'transposed' if a.shape == b.shape[::-1] else 'wrong shape'}: {a.shape} where {b.shape} belongs"
    if a.dtype != b.dtype:
        return (
            f"dtype: {a.dtype} where {b.dtype} belongs; a NumPy scalar such as np.sqrt(2) does that, math.sqrt does not"
        )
    if not np.issubdtype(b.dtype, np.floating):
        return ""
    if not a.any():
        return "zero throughout: never computed, or never passed on"
    if not b.any():
        return "a term too many: it should be zero throughout"
    with np.errstate(all="ignore"):
        for name, mistaken in known_mistakes(key, theirs):
            if mistaken.shape == a.shape and is_explained(a, b, mistaken):
                return name
    if np.isfinite(b).all() and not np.isfinite(a).all():
        return f"{'NaN' if np.isnan(a).any() else 'infinity'} in {np.mean(~np.isfinite(a)):.0%} of the values"
    if reason := _relation(a, b, facts) or _thirds(key, a, b, facts):
        return reason
    return _term(key, a, b, theirs) or _misplaced(key, a, theirs) or _pattern(a, b)


def _thirds(key: Key, a: np.ndarray, b: np.ndarray, facts: Facts) -> str:
    """What is wrong with each third of c_attn that differs: its features are the queries, the keys and the values, in this order.
    A mistake is said only if it explains all that differs."""
    place, name = key
    if not name.endswith("c_attn") or place not in ("dy", "output"):
        return ""
    wrong = {}
    for letter, part in zip("qkv", np.split(np.arange(a.shape[-1]), 3)):
        if relative_error(a[..., part], b[..., part]) > TOLERANCE[a.dtype.name]:
            wrong[letter] = _relation(a[..., part], b[..., part], facts)
    if not wrong or len(wrong) == 3:
        return ""
    if len(wrong) == 1:
        ((letter, reason),) = wrong.items()
        return f"{letter} alone is {reason}" if reason else f"{letter} alone differs"
    return "; ".join(f"{letter} is {reason}" if reason else f"{letter} differs" for letter, reason in wrong.items())


def _relation(a: np.ndarray, b: np.ndarray, facts: Facts) -> str:
    """Which operation on all of b gives a."""
    if not relative_error(a, b):
        return ""
    if is_explained(a, b, -b):
        return "of the wrong sign"
    factor = float(np.vdot(a, b) / max(np.vdot(b, b), np.finfo(float).tiny))
    named = next((name for name, value in facts.items() if is_explained(a, b, value * b)), "")
    if (named or a.size > 1) and factor and is_explained(a, b, factor * b):
        number = f"{factor:.4g}"
        return f"off by a factor of {number}{f' = {named}' if named not in ('', number) else ''}"
    for i in range(a.ndim):
        for j in range(i):
            if a.shape[i] == a.shape[j] > 1 and is_explained(a, b, b.swapaxes(i, j)):
                return "transposed"
    rearranged = np.empty_like(b).reshape(-1)
    rearranged[np.argsort(a, axis=None)] = np.sort(b, axis=None)
    if a.size > 2 and is_explained(a, b, rearranged.reshape(b.shape)):
        return "the same numbers in other places: reshaped where axes should be swapped, or the wrong axes swapped"
    return ""


def _term(key: Key, a: np.ndarray, b: np.ndarray, theirs: Trace) -> str:
    """Which summand is missing: a value in the trace, one number for each row, or one vector for all rows."""
    for other, term in _nearby(key, theirs):
        if term.shape == a.shape:
            if is_explained(a, b, b - term):
                return f"a missing term: {_called(other)}"
            if is_explained(a, b, b + term):
                return f"a term too many: {_called(other)}"
    if a.ndim > 1 and a.shape[-1] > 2:
        if is_explained(a, b, b + (a - b).mean(axis=-1, keepdims=True)):
            return "a missing term: each row is off by one number, as without a mean or a sum over the last axis"
        if a[..., 0].size > 2 and is_explained(a, b, b + (a - b).mean(axis=tuple(range(a.ndim - 1)), keepdims=True)):
            return "a missing term: every row is off by the same vector, as without a bias"
    return ""


def _nearby(key: Key, theirs: Trace) -> Iterator[tuple[Key, np.ndarray]]:
    """What the key's module and the modules in it received and returned, in the same direction."""
    place, name = key
    owner = name if place in ("output", "dx") else name.rpartition(".")[0]
    for other, array in sorted(theirs.items(), key=lambda item: len(item[0][1])):  # the outermost first
        inside = other[1] == owner or other[1].startswith(f"{owner}.") or not owner
        if inside and _together(key, other) and np.issubdtype(array.dtype, np.floating):
            yield other, array


def _together(key: Key, other: Key) -> bool:
    """Whether both belong to the forward pass, or both to the backward pass."""
    return key != other and any(
        key[0] in places and other[0] in places for places in (("input", "output"), ("dy", "dx"))
    )


def _called(key: Key) -> str:
    phrases = {"input": "what {} is handed", "output": "the output of {}"}
    phrases |= {"dy": "the gradient that {} is handed", "dx": "the gradient that {} returns"}
    return phrases[key[0]].format(key[1] or "the model")


def _misplaced(key: Key, a: np.ndarray, theirs: Trace) -> str:
    """Whether a is right, but belongs to another place."""
    for other, array in theirs.items():
        if _together(key, other) and array.shape == a.shape and relative_error(a, array) <= TOLERANCE[a.dtype.name]:
            return f"misplaced: it is {_called(other)}"
    return ""


def _pattern(a: np.ndarray, b: np.ndarray) -> str:
    """What the set of elements that differ points to."""
    if np.mean(a == 0) > 0.01 and np.all(b):
        return "dropout that should be off: a share of it is zero"
    if np.mean(b == 0) > 0.01 and np.any((b == 0) != (a == 0)):
        return "another mask: zeros are in other places"
    if a.ndim > 1:
        rows = np.abs(a - b).max(axis=-1) > TOLERANCE[a.dtype.name] * np.abs(b).max()
        if not rows[np.abs(b).max(axis=-1) > 0].all():  # what is 0 in both, as where a target is ignored, tells nothing
            return f"a matter of some rows: only {int(rows.sum())} of {rows.size} differ"
    return ""
