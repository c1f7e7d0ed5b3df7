"""A student's function in a wrapper that counts its calls, and says so where its parameters or its result cannot be right."""

import functools
import inspect
from collections import Counter
from collections.abc import Callable
from types import FunctionType
from typing import Any

from parity_tests.report.where import GaveNoneError, StudentError, place_of

# Why a method takes what a first attempt leaves out.
BECAUSE = {
    (
        "MultiHeadAttention",
        "forward",
    ): "a block hands over the keys and values of earlier tokens (cache), and how many tokens "
    "at the start of each row are filler (padding)",
    (
        "TransformerBlock",
        "forward",
    ): "it hands both on to its attention: cache for generation, padding for rows of unequal length",
    (
        "GPTModel",
        "forward",
    ): "generation hands over the keys and values of earlier tokens (cache), how many tokens at the "
    "start of each row are filler (padding), and how many last positions it asks for (last)",
    ("CrossEntropy", "backward"): "a micro-batch's loss is a part of a larger one, and dloss is its share",
}


def watched(new: Any, old: Any, target: str, calls: Counter) -> Any:
    """`new`, which replaces `old`: a function in a wrapper; a class with its own methods in wrappers."""
    calls[target] += 0
    if not isinstance(new, type):
        return _watched_function(new, old, target, calls)
    for name, method in list(vars(new).items()):
        if isinstance(method, FunctionType):
            setattr(new, name, _watched_function(method, getattr(old, name, None), target, calls, new.__name__))
    return new


def _watched_function(new: Callable, old: Any, target: str, calls: Counter, owner: str = "") -> Callable:
    if not callable(new):
        raise StudentError(f"your {target.rpartition('.')[2]} is no function: it is {new!r}.")
    name = getattr(new, "__name__", target.rpartition(".")[2])
    returns = inspect.isfunction(old) and _returns_a_value(old)
    if inspect.isfunction(old) and not name.startswith("__"):
        _check_parameters(new, old, owner or (target.split(".")[1] if target.count(".") == 2 else ""), name)

    @functools.wraps(new)
    def counted(*args, **kwargs):
        calls[target] += 1
        result = new(*args, **kwargs)
        if result is None and returns:
            raise GaveNoneError(f"{place_of(new)}: your `{name}` gave None; does it end with a `return`?")
        return result

    return counted


def _returns_a_value(function: Callable) -> bool:
    """Whether its signature says that it never gives None."""
    annotation = inspect.signature(function).return_annotation
    return annotation is not inspect.Signature.empty and annotation is not None and "None" not in str(annotation)


def _check_parameters(new: Callable, old: Callable, owner: str, name: str) -> None:
    """Refuse a function that cannot be called as the old one is."""
    try:
        own = inspect.signature(new)
    except (TypeError, ValueError):
        return
    wanted = inspect.signature(old)
    places = [p for p in wanted.parameters.values() if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    words = {p.name: None for p in wanted.parameters.values() if p.kind is p.KEYWORD_ONLY}
    try:
        own.bind(*places, **words)
    except TypeError:
        listed = ", ".join(
            p.name + ("" if p.default is p.empty else f"={p.default!r}") for p in places if p.name != "self"
        )
        reason = BECAUSE.get((owner, name), f"numpy_gpt calls `{name}` with these")
        has = ", ".join(parameter for parameter in own.parameters if parameter != "self")
        raise StudentError(
            f"{place_of(new)}: your `{name}` must take ({listed}), because {reason}; it takes ({has})."
        ) from None
