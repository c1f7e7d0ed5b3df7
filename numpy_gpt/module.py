"""Parameter, Module, no_grad, evaluation: what every layer shares, and what backward needs."""

import threading
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ContextDecorator
from typing import Any

import numpy as np

from numpy_gpt.shapes import Array
from shared_gpt.checks.module import check_state_dict
from shared_gpt.evaluation import evaluation as evaluation
from shared_gpt.module_tree import module_tree


class NoGradBlocks(threading.local):
    """How many no_grad blocks the running thread is inside; a new thread begins outside."""

    count = 0


no_grad_blocks = NoGradBlocks()


class no_grad(ContextDecorator):
    """`with no_grad():`, or `@no_grad()`: this thread saves nothing for backward inside it."""

    def __enter__(self):
        no_grad_blocks.count += 1

    def __exit__(self, *exception):
        no_grad_blocks.count -= 1


class SavedValues(threading.local):
    """What forward passes keep for backward: a stack for each thread, so that several may use
    one model. A copy holds what the thread that makes it had saved."""

    def __init__(self):
        self.stack: list[tuple] = []

    def __reduce__(self):
        return SavedValues, (), {"stack": self.stack}


accumulating = threading.Lock()  # `grad += g` in two threads at once would lose one of the two


class Parameter:
    """An array that training changes, and the gradient that backward passes add to it.

    data: the values; grad: None, or an array like data; requires_grad: False freezes it, and
    layers then skip the work of its gradient.
    """

    def __init__(self, data: Array, requires_grad: bool = True):
        self.data = data
        self.grad: Array | None = None
        self.requires_grad = requires_grad

    @property
    def shape(self) -> tuple[int, ...]:
        return self.data.shape

    def accumulate(self, g: Array, rows: Array | None = None) -> None:
        """Add g to the gradient: the only writer of `.grad`.

        Without rows, g has the shape of data, and the first g becomes the gradient itself: hand
        over an array that nobody else uses. With rows (integers of any shape), g[i] is added to
        row rows[i]; a row that is named twice receives both.
        """
        expected = self.data.shape if rows is None else rows.shape + self.data.shape[1:]
        if g.shape != expected or g.dtype != self.data.dtype:
            raise ValueError(
                f"A gradient of shape {g.shape} and {g.dtype} does not fit the parameter, "
                f"which takes {expected} and {self.data.dtype}; look for a transpose, "
                "a missing sum over the batch, or a scalar that raised the dtype."
            )
        with accumulating:
            if rows is not None:
                if self.grad is None:
                    self.grad = np.zeros_like(self.data)
                np.add.at(self.grad, rows, g)  # `grad[rows] += g` keeps one of equal rows
            elif self.grad is None:
                self.grad = g
            else:
                self.grad += g


class Module:
    """A layer: `y = layer(x)` saves what backward needs, `dx = layer.backward(dy)` uses it up.

    What is saved lies on a stack, one for each thread, last in, first out. So one layer may
    serve several times in a forward pass, and several passes may wait for their backward.

    training: whether dropout drops. records: whether forward saves anything; a model turns it
    off in modules that its backward pass need not reach.
    """

    def __init__(self):
        self.training = True
        self.records = True
        self._saved = SavedValues()

    def __call__(self, *args, **kwargs):
        return self.forward(*args, **kwargs)

    def save_for_backward(self, *values: Any) -> None:
        """Keep values for the backward pass that answers this forward pass."""
        if not self.records or no_grad_blocks.count:
            return
        stack = self._saved.stack
        stack.append(values)
        if len(stack) == 16:
            warnings.warn(
                f"16 forward passes of {type(self).__name__} wait for a backward pass and keep "
                "their arrays; run passes that need none inside `with no_grad():`.",
                stacklevel=3,
            )

    def pop_saved(self) -> tuple:
        """What the last unanswered forward pass saved, taken off the stack."""
        if not self._saved.stack:
            raise RuntimeError(
                f"{type(self).__name__}.backward has no forward pass to answer: call forward "
                "first, in the same thread and outside no_grad, and backward once for each."
            )
        return self._saved.stack.pop()

    def learns(self) -> bool:
        """Whether any parameter here or below changes in training."""
        return any(parameter.requires_grad for parameter in self.parameters())

    def record(self, mode: bool) -> None:
        """Have this module and all below it save for backward, or not."""
        if self.records != mode:
            for module in reversed(list(self.modules())):  # itself last: then all below it is
                module.records = mode  # done, whichever thread asks

    def named_children(self) -> Iterator[tuple[str, "Module"]]:
        """(name, module) of the modules held directly, in the order of their assignment."""
        for name, value in vars(self).items():
            if isinstance(value, Module):
                yield name, value

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, "Module"]]:
        """(path, module) of this module, whose path is the prefix, and of all below it."""
        yield prefix, self
        for name, child in self.named_children():
            yield from child.named_modules(f"{prefix}.{name}" if prefix else name)

    def modules(self) -> Iterator["Module"]:
        return (module for _, module in self.named_modules())

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """(key, parameter); one that two modules share comes once, under its first key."""
        seen = set()
        for path, module in self.named_modules():
            for name, value in vars(module).items():
                if isinstance(value, Parameter) and id(value) not in seen:
                    seen.add(id(value))
                    yield f"{path}.{name}" if path else name, value

    def parameters(self) -> Iterator[Parameter]:
        return (parameter for _, parameter in self.named_parameters())

    def num_parameters(self) -> int:
        """How many numbers the parameters hold, frozen ones included; shared ones count
        once."""
        return sum(parameter.data.size for parameter in self.parameters())

    def __repr__(self) -> str:
        """The tree of modules, with the shapes and the number of their parameters."""
        return module_tree(self)

    def state_dict(self) -> dict[str, Array]:
        """The parameters' arrays by key: the model's own, not copies."""
        return {name: parameter.data for name, parameter in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Copy arrays (or tensors) into the parameters. Every key that does not fit is named in
        one error, and then nothing is changed."""
        own = self.state_dict()
        check_state_dict(own, state)
        arrays = {key: np.asarray(state[key]) for key in own}
        for key, array in own.items():
            array[...] = arrays[key]

    def train(self, mode: bool = True) -> "Module":
        """Dropout drops (mode True) or passes everything on (mode False)."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> "Module":
        return self.train(False)

    def zero_grad(self) -> None:
        for parameter in self.parameters():
            parameter.grad = None

    def apply(self, function: Callable[["Module"], None]) -> "Module":
        """Call the function on every module, children first."""
        for _, child in self.named_children():
            child.apply(function)
        function(self)
        return self


class ModuleList(Module):
    """Modules in a row, named 0, 1, 2, …"""

    def __init__(self, modules: list[Module]):
        super().__init__()
        self._modules = list(modules)

    def named_children(self) -> Iterator[tuple[str, Module]]:
        return ((str(i), module) for i, module in enumerate(self._modules))

    def __iter__(self) -> Iterator[Module]:
        return iter(self._modules)

    def __getitem__(self, index: int) -> Module:
        return self._modules[index]

    def __len__(self) -> int:
        return len(self._modules)
