"""A record of every array that passes through a model's modules in one forward and one backward pass, for both twins.

A trace maps (place, name) to an array, in the order of time. The places are `input` and `output` of a module's forward; `dy`,
what its backward receives, and `dx`, what it returns; `gradient`, what a parameter has collected when its module's backward
ends; and, in PyTorch's trace alone, `parameter`, a parameter's values (not copied). A name is a module's path ("h.0.attn", ""
for the model, "loss" for the criterion) or a parameter's key.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

import numpy_gpt
from parity_tests.report.measure import to_numpy

Key = tuple[str, str]
WITHOUT_DX = ("", "wte", "wpe")  # modules whose backward returns nothing, as ids have no gradient
NONE = "your {} gave None; does it end with a return?"


class Trace(dict[Key, np.ndarray]):
    """Arrays by (place, name). If an exception ended the pass, `error` holds it, and `running` the modules that it went
    through, the innermost last, each with its direction."""

    def __init__(self):
        super().__init__()
        self.error: Any = None  # an exception, or what `evidence` makes of it in words
        self.running: list[tuple[str, str]] = []

    def put(self, place: str, name: str, value: Any) -> None:
        if value is not None:
            self[place, name] = np.array(to_numpy(value))  # a copy: later operations may work in place


@contextmanager
def watching(model: numpy_gpt.GPTModel, criterion: numpy_gpt.CrossEntropy) -> Iterator[Trace]:
    """Inside it the NumPy twin's passes are recorded. An exception ends it and is kept in `error`, so that what came before
    can still be compared."""
    trace = Trace()
    modules = dict([*_paths(model), ("loss", criterion)])
    own: dict[str, list] = {path: [] for path in modules}
    for key, parameter in model.named_parameters():
        own[key.rpartition(".")[0]].append((key, parameter))
    for path, module in modules.items():
        module.forward = _watch_forward(trace, path, module.forward)
        if hasattr(module, "backward"):
            module.backward = _watch_backward(trace, path, module.backward, own[path])
    try:
        yield trace
    except (Exception, SystemExit) as error:
        trace.error = error
    finally:
        for module in modules.values():
            vars(module).pop("forward")
            vars(module).pop("backward", None)


def trace_numpy(
    model: numpy_gpt.GPTModel, criterion: numpy_gpt.CrossEntropy, ids: np.ndarray, targets: np.ndarray, **options: Any
) -> Trace:
    """The NumPy twin's trace."""
    with watching(model, criterion) as trace:
        criterion(model(ids, **options), targets)
        model.backward(criterion.backward())
        for key, parameter in model.named_parameters():
            trace.setdefault(("gradient", key), gradient(parameter))  # where no module's backward passed by
    return trace


def trace_torch(model: Any, criterion: Any, ids: np.ndarray, targets: np.ndarray, **options: Any) -> Trace:
    """The PyTorch twin's trace, through hooks."""
    import torch

    trace = Trace()
    handles = []
    for path, module in [*_paths(model), ("loss", criterion)]:
        handles.append(module.register_forward_pre_hook(_before(trace, path)))
        handles.append(module.register_forward_hook(_after(trace, path)))
    options = {name: torch.from_numpy(value) for name, value in options.items()}
    criterion(model(torch.from_numpy(ids), **options), torch.from_numpy(targets)).backward()
    for handle in handles:
        handle.remove()
    for key, parameter in model.named_parameters():
        trace["parameter", key] = to_numpy(parameter)
        trace["gradient", key] = gradient(parameter)
    return trace


def gradient(parameter: Any) -> np.ndarray:
    """A copy of a parameter's gradient, from either twin; zeros where none has arrived."""
    if parameter.grad is None:
        return np.zeros_like(to_numpy(parameter))
    return np.array(to_numpy(parameter.grad))


def _paths(model: Any) -> list[tuple[str, Any]]:
    """Every module that computes something, which a list of modules does not."""
    return [(path, module) for path, module in model.named_modules() if type(module).__name__ != "ModuleList"]


def _watch_forward(trace: Trace, path: str, forward: Callable) -> Callable:
    def watched(x, *args, **kwargs):
        trace.running.append((path, "forward"))
        trace.put("input", path, x)
        y = forward(x, *args, **kwargs)
        if y is None:
            raise TypeError(NONE.format("forward"))
        trace.put("output", path, y)
        trace.running.pop()
        return y

    return watched


def _watch_backward(trace: Trace, path: str, backward: Callable, own: list) -> Callable:
    def watched(*dy):
        trace.running.append((path, "backward"))
        if dy:
            trace.put("dy", path, dy[0])
        dx = backward(*dy)
        if dx is None and path.rpartition(".")[2] not in WITHOUT_DX:
            raise TypeError(NONE.format("backward"))
        trace.put("dx", path, dx)
        for key, parameter in own:
            trace.put("gradient", key, gradient(parameter))
        trace.running.pop()
        return dx

    return watched


def _before(trace: Trace, path: str) -> Callable:
    """Records the input, and gives the module an alias of it, whose gradient is the part that comes through this module alone."""

    def hook(module, args):
        trace.put("input", path, args[0])
        if not args[0].requires_grad:
            return None
        alias = args[0].view_as(args[0])
        alias.register_hook(lambda grad: trace.put("dx", path, grad))
        return (alias, *args[1:])

    return hook


def _after(trace: Trace, path: str) -> Callable:
    def hook(module, args, y):
        trace.put("output", path, y)
        if y.requires_grad and path != "loss":
            y.register_hook(lambda grad: trace.put("dy", path, grad))

    return hook
