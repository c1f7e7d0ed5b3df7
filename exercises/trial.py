"""A trial: functions called with drawn arguments, and all that they give written down.

The same trial runs twice, in the student's process with her functions in place and in the judge's with the reference's. Only what
both wrote down is compared.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from exercises.results import Slope, as_bytes
from numpy_gpt import no_grad
from parity_tests.report.measure import TOLERANCE, central_differences, random_state, relative_error
from parity_tests.report.trace import Key, Trace

RESULT = "its result"
LAW = "whether this holds: "


class Trial:
    """Draws arguments from a seed in one precision, calls, and records under (function, quantity).

    measured: whether `slopes` computes anything; only the judge has it do so.
    """

    def __init__(self, seed: int, precision: str, measured: bool = False):
        self.rng = np.random.default_rng([seed, 11])
        self.dtype = np.dtype(precision)
        self.trace = Trace()
        self.texts: set[Key] = set()  # keys of results that are no arrays, kept as JSON
        self.sizes: dict[str, float] = {}
        self.measured = measured and precision == "float64"
        self.laws: list[str] = []
        self.differences: dict[Key, Slope] = {}

    def normal(self, *shape: int) -> np.ndarray:
        """Numbers of mean 0 and variance 1."""
        return self.rng.standard_normal(shape).astype(self.dtype)

    def size(self, letter: str, low: int, high: int) -> int:
        """A length, which the diagnosis then knows by its letter."""
        n = int(self.rng.integers(low, high + 1))
        self.sizes[letter] = n
        return n

    def facts(self) -> dict[str, float]:
        """Numbers that someone may forget to multiply or divide by, by name."""
        named = {"2": 2.0} | self.sizes | {f"√{name}": math.sqrt(n) for name, n in self.sizes.items() if n > 1}
        named |= {f"1/{name}": 1 / n for name, n in named.items() if n}
        return {name: n for name, n in named.items() if n != 1}

    def put(self, title: str, quantity: str, value: Any) -> None:
        """Write down a result: an array, or as JSON what is none."""
        key, number = (title, quantity), 1
        while key in self.trace:
            number += 1
            key = title, f"{quantity} ({number})"
        if isinstance(value, (np.ndarray, np.generic, float)):
            self.trace.put(*key, value)
        else:
            self.texts.add(key)
            self.trace[key] = as_bytes(value)

    def call(
        self,
        title: str,
        function: Callable,
        *args: Any,
        gives: Sequence[str] = (RESULT,),
        when: str = "",
        as_text: bool = False,
    ) -> Any:
        """Call the function and write down what it gives, and whether its arguments are afterwards what they were."""
        before = [np.array(arg) if isinstance(arg, np.ndarray) else None for arg in args]
        result = function(*args)
        values = result if len(gives) > 1 and isinstance(result, tuple) else (result,)
        for quantity, value in zip(gives, values):
            plain = value.tolist() if as_text and isinstance(value, (np.ndarray, np.generic)) else value
            self.put(title, quantity + when, plain)
        for arg, copy in zip(args, before):
            if copy is not None:
                same = arg.dtype == copy.dtype and arg.shape == copy.shape and arg.tobytes() == copy.tobytes()
                self.put(title, f"whether its arguments stay as they are{when}", "yes" if same else "no")
                if not same:
                    arg[...] = copy
        return result

    def raises(self, title: str, function: Callable, *args: Any, when: str) -> None:
        """Write down the kind of exception that the call ends in."""
        try:
            function(*args)
        except (ValueError, KeyError, IndexError, TypeError) as error:
            self.put(title, f"the exception {when}", type(error).__name__)
        else:
            self.put(title, f"the exception {when}", "none")

    def law(self, title: str, name: str, a: Any, b: Any) -> None:
        """Write down whether a law holds: whether a is b, up to rounding."""
        a, b = np.asarray(a), np.asarray(b)
        holds = a.shape == b.shape and relative_error(a, b) <= TOLERANCE[self.dtype.name]
        self.put(title, f"{LAW}{name}", "yes" if holds else "no")
        if name not in self.laws:
            self.laws.append(name)

    def slopes(self, title: str, quantity: str, function: Callable, x: np.ndarray, dy: np.ndarray) -> None:
        """What the quantity should be by central differences: the gradient of Σ dy · function(x) with respect to x."""
        if self.measured:
            with no_grad():
                slopes = central_differences(lambda at: float((function(at) * dy).sum()), x)
                self.differences[title, quantity] = Slope(slopes)

    def slope_along(self, title: str, quantity: str, function: Callable, x: np.ndarray, dy: np.ndarray) -> None:
        """As `slopes`, for an x with many elements: the slope along one direction, in which every element takes part."""
        if self.measured:
            direction = np.random.default_rng([x.size, 5]).standard_normal(x.shape)
            with no_grad():
                slope = central_differences(lambda h: float((function(x + h * direction) * dy).sum()), np.zeros(()))
            self.differences[title, quantity] = Slope(slope, direction)

    def parameter_slopes(self, title: str, layer: Any, function: Callable, dy: np.ndarray) -> None:
        """The slope along one direction for each of a layer's parameters."""
        for name, parameter in layer.named_parameters() if self.measured else ():
            kept = parameter.data

            def output(at, parameter=parameter):
                parameter.data = at
                return function()

            self.slope_along(title, f"{name}'s gradient", output, kept, dy)
            parameter.data = kept

    def randomized(self, layer: Any) -> Any:
        """The layer with weights none of which is trivial."""
        layer.load_state_dict(random_state(layer.state_dict(), int(self.rng.integers(2**31))))
        return layer

    def forward(self, title: str, layer: Any, x: np.ndarray, *args: Any, answers: bool = True) -> np.ndarray:
        """A layer's output, then what its backward makes of what forward saved."""
        y = self.call(title, layer, x, *args, gives=("its output",))
        if answers:
            dx = layer.backward(self.normal(*y.shape))
            quantity = "what backward makes of the values it saved"
            if dx is not None:
                self.put(title, quantity, dx)
            for name, parameter in layer.named_parameters():
                if parameter.grad is not None:
                    self.put(title, f"{quantity}: {name}'s gradient", parameter.grad)
        return y

    def backward(self, title: str, layer: Any, x: np.ndarray, *args: Any) -> None:
        """The gradients that a layer's backward gives, with the differences of its forward beside them."""
        dy = self.normal(*layer(x, *args).shape)
        dx = self.call(title, layer.backward, dy, gives=("dx",)) if dy.size else None
        state = {name: parameter.data for name, parameter in layer.named_parameters()}
        for name, parameter in layer.named_parameters():
            gradient = np.zeros_like(parameter.data) if parameter.grad is None else parameter.grad
            self.put(title, f"{name}'s gradient", gradient)
        if self.measured:
            self._differences(title, layer, x, args, dy, dx is not None, state)

    def _differences(self, title: str, layer: Any, x: np.ndarray, args: tuple, dy: Any, has_dx: bool, state: dict):
        if has_dx:
            self.slopes(title, "dx", lambda at: layer(at, *args), x, dy)
        for name, parameter in layer.named_parameters():

            def output(at, parameter=parameter):
                parameter.data = at
                return layer(x, *args)

            self.slopes(title, f"{name}'s gradient", output, state[name], dy)
            parameter.data = state[name]
