"""Puts functions in the place of the reference's, wherever these are used, and takes the reference's away while a student's file
is loaded."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from exercises.cutting import Target
from parity_tests.report.watch import watched

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
        for target, old in before.items():
            install(target, old)


def no_solution(target: Target, asked: bool) -> Any:
    """What a student's file finds where the solution stood."""
    why = "it is what this exercise asks you to write" if asked else "it is half of the answer; do without it"

    def refuse(*args: Any, **kwargs: Any) -> None:
        raise SolutionUsedError(f"your file calls {target.module.split('.')[0]}'s own {target.title}: {why}.")

    return refuse


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
