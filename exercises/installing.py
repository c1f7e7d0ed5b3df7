"""Puts functions in the place of the reference's, wherever these are used, and takes the reference's away while a student's file
is loaded."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import numpy as np

from exercises.cutting import Target
from numpy_gpt import GPTConfig
from parity_tests.report.book import with_book_layout
from parity_tests.report.watch import watched

ATTENTION = Target("numpy_gpt.attention", ("MultiHeadAttention",))
SIZES = GPTConfig(5, 4, 6, 2, 1)
OURS = ("numpy_gpt", "shared_gpt", "parity_tests", "exercises")


class SolutionUsedError(RuntimeError):
    """A student's function that calls what it is to replace."""


def reference(target: Target) -> Any:
    """The reference's own function, as it is installed now."""
    return getattr(target.owner, target.name)


def install(target: Target, new: Any) -> None:
    """Put `new` wherever the target is used now."""
    old = reference(target)
    if len(target.names) > 1:
        setattr(target.owner, target.name, new)
        return
    for name, module in list(sys.modules.items()):
        if name.split(".")[0] in OURS and module is not None:
            for attribute in [key for key, value in vars(module).items() if value is old]:
                setattr(module, attribute, new)


@contextmanager
def installed(functions: Mapping[Target, Any]) -> Iterator[None]:
    """Inside it these functions stand in the targets' places."""
    before = {target: reference(target) for target in functions}
    try:
        for target, new in functions.items():
            install(target, new)
        yield
    finally:
        for target, old in reversed(before.items()):
            install(target, old)


def no_solution(target: Target, asked: bool) -> Any:
    """What a student's file finds where the solution stood."""
    why = "it is what this exercise asks you to write" if asked else "it is half of the answer; do without it"

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise SolutionUsedError(f"your file calls {target.module.split('.')[0]}'s own {target.title}: {why}.")

    return refuse


def students_pieces(module: ModuleType, targets: Sequence[Target], calls: Counter) -> dict[Target, Any]:
    """What stands in the targets' places: her functions; or her own class, where an attention has one with an `__init__`, in our
    layout or in the book's (W_query, W_key, W_value, out_proj)."""
    own = vars(module).get(ATTENTION.name)
    if {target.names[0] for target in targets} != {ATTENTION.name} or "__init__" not in getattr(own, "__dict__", {}):
        return {target: students_function(module, target, calls) for target in targets}
    old = reference(ATTENTION)
    asked = [target.name for target in targets]
    if missing := [name for name in asked if name not in vars(own)]:
        raise AttributeError(
            f"your file's class {ATTENTION.name} defines no {missing[0]}; write it as a method of the class."
        )
    for name in ("forward", "backward"):
        if not hasattr(own, name):
            setattr(own, name, vars(old)[name])
    own = watched(with_book_layout(own), old, f"room.{ATTENTION.name}", calls)
    held, needed = (list(made(SIZES, np.random.default_rng(0)).state_dict()) for made in (own, old))
    if held != needed:
        raise AttributeError(
            f"your file's class {ATTENTION.name} holds the weights {', '.join(held) or 'none'}; make c_attn and c_proj in its "
            "__init__, or W_query, W_key, W_value and out_proj, each a Linear of numpy_gpt.layers."
        )
    return {target: no_solution(target, True) for target in targets} | {ATTENTION: own}


def students_function(module: ModuleType, target: Target, calls: Counter) -> Callable:
    """The student's function for a target, in the report's wrapper: it refuses a signature that cannot be called, and says
    where a function gave None. Her file may also define the whole class."""
    title = ".".join(["room", *target.names])
    if target.name not in vars(module):
        own = vars(module).get(target.names[0])
        if isinstance(own, type) and target.name in vars(own):
            return watched(vars(own)[target.name], reference(target), title, calls)
        defined = [name for name, value in vars(module).items() if getattr(value, "__module__", "") == module.__name__]
        raise AttributeError(
            f"your file defines no {target.name}; it defines {', '.join(defined) or 'nothing'}. "
            "Keep the function's name as it was."
        )
    return watched(vars(module)[target.name], reference(target), title, calls)


def rounds(targets: Sequence[Target]) -> dict[str, tuple[Target, ...]]:
    """Which targets are the student's in which run: all of them; then, of several, each among the reference's."""
    alone = {target.title: (target,) for target in targets} if len(targets) > 1 else {}
    return {"": tuple(targets)} | alone
