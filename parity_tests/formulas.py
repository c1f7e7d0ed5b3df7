"""The formulas of the reader's derivations, evaluated on random arrays: reader/mathml.py says how they are written."""

import ast
import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import product
from typing import Any

import numpy as np

from parity_tests import arrivals
from reader.derivation import Derivation
from reader.derivation import formulas as lines_of
from reader.mathml import called, parse, parts_of

SIZES = {"B": 2, "N": 3, "T": 3, "S": 3, "C": 4, "D": 2, "E": 4, "H": 2, "F": 3, "I": 3, "O": 2, "V": 4, "R": 2, "K": 5}
STEP = 1e-5  # of central differences, whose error is then about 1e-10
NUMBERS: dict[str, Callable] = {"exp": np.exp, "log": np.log, "sqrt": np.sqrt, "tanh": np.tanh, "diag": np.diag}
NUMBERS |= {"outer": np.outer, "eye": lambda n: np.eye(int(n)), "ones": lambda n: np.ones(int(n))}
NUMBERS |= {"sum_rows": lambda a: a.sum(axis=0), "onehot": lambda ids, n: np.eye(int(n))[ids.astype(int)]}


def names_in(node: ast.AST) -> set[str]:
    return {found.id for found in ast.walk(node) if isinstance(found, ast.Name)}


@dataclass
class Formulas:
    """What has been given and defined so far, with its values."""

    seed: int = 0
    functions: Mapping[str, Callable] = field(default_factory=dict)
    values: dict[str, np.ndarray] = field(default_factory=lambda: {"pi": np.asarray(np.pi)})
    axes: dict[str, str] = field(default_factory=dict)  # the letters of each array's axes
    below: dict[str, str] = field(default_factory=dict)  # the axis that whole numbers point into
    defined: dict[str, tuple[list[str], ast.expr]] = field(default_factory=dict)  # (indices, expression), in order

    def read(self, line: str) -> float | None:
        """Take in one line; the largest relative difference if it is a claim."""
        if line.startswith("given "):
            self.give(line.removeprefix("given "))
        elif ":=" in line:
            self.define(*line.split(":=", 1))
        else:
            return self.claim(line)
        return None

    def give(self, arrays: str) -> None:
        """`x[N, C]`: normal numbers. `ids[N] < V`: whole numbers below the length of an axis."""
        rng = np.random.default_rng([self.seed, *arrays.encode()])
        for node in ast.parse(f"({arrays},)", mode="eval").body.elts:
            below = node.comparators[0].id if isinstance(node, ast.Compare) else ""
            array = node.left if isinstance(node, ast.Compare) else node
            name, letters = (array.value.id, _indices(array)) if isinstance(array, ast.Subscript) else (array.id, [])
            shape = tuple(SIZES[letter] for letter in letters)
            self.axes[name] = "".join(letters)
            self.below[name] = below
            self.values[name] = rng.integers(SIZES[below], size=shape) if below else rng.normal(size=shape)

    def define(self, left: str, right: str) -> None:
        target, expression = parse(left), parse(right)
        name, indices = (target.value.id, _indices(target)) if isinstance(target, ast.Subscript) else (target.id, [])
        self.axes[name] = "".join(self.letter(index, expression) for index in indices)
        self.defined[name] = (indices, expression)
        self.values[name] = self.compute(name, self.values)
        if not indices and np.ndim(self.values[name]):
            self.axes[name] = "".join(
                next(k for k, size in SIZES.items() if size == n) for n in self.values[name].shape
            )

    def claim(self, line: str) -> float:
        node = parse(line)
        if not isinstance(node, ast.Compare):
            raise ValueError(f"{line!r} is neither a definition (:=) nor a claim (==).")
        sides, free = [node.left, *node.comparators], self.free(node)
        worst, most = 0.0, 0.0
        for place in product(*(range(SIZES[self.letter(index, node)]) for index in free)):
            found = [np.asarray(self.evaluate(side, dict(zip(free, place)), self.values), float) for side in sides]
            if len({side.shape for side in found}) > 1:
                raise ValueError(f"The sides of {line!r} have the shapes {[side.shape for side in found]}.")
            worst = max(worst, *(float(np.abs(found[0] - other).max()) for other in found[1:]))
            most = max(most, *(float(np.abs(one).max()) for one in found))
        if any(isinstance(side, ast.Constant) and side.value == 0 for side in sides):
            return worst
        if most == 0:
            raise ValueError(f"{line!r} says that nothing is nothing; choose arrays for which it says something.")
        return worst / most

    def free(self, node: ast.AST) -> list[str]:
        """The indices that are not summed over, in the order in which they appear."""
        bound = {call.args[0].id for call in ast.walk(node) if called(call) == "Sum"}
        names = {id(call.func) for call in ast.walk(node) if isinstance(call, ast.Call)}
        walk = (name for name in ast.walk(node) if isinstance(name, ast.Name) and id(name) not in names)
        found = [name.id for name in walk if self.is_index(name.id)]
        return [name for name in dict.fromkeys(found) if name not in bound]

    def is_index(self, name: str) -> bool:
        return len(name) == 1 and name.islower() and name not in self.values

    def letter(self, index: str, node: ast.AST) -> str:
        """The axis that an index runs over: that of an array which it stands in."""
        for found in ast.walk(node):
            if isinstance(found, ast.Subscript) and isinstance(found.value, ast.Name) and found.value.id in self.axes:
                for place, letter in zip(parts_of(found.slice), self.axes[found.value.id]):
                    if isinstance(place, ast.Name) and place.id == index:
                        return letter
            if (
                called(found) == "delta"
                and ast.unparse(found.args[0]) == index
                and isinstance(found.args[1], ast.Subscript)
            ):
                return self.below[found.args[1].value.id]
        raise ValueError(f"The index {index} stands in no array of {ast.unparse(node)!r}.")

    def compute(self, name: str, values: Mapping[str, Any]) -> np.ndarray:
        indices, expression = self.defined[name]
        shape = tuple(SIZES[letter] for letter in self.axes[name]) if indices else ()
        if not indices:
            return np.asarray(self.evaluate(expression, {}, values))
        out = np.empty(shape)
        for place in np.ndindex(shape):
            out[place] = self.evaluate(expression, dict(zip(indices, place)), values)
        return out

    def evaluate(self, node: ast.expr, at: dict[str, int], values: Mapping[str, Any]) -> Any:
        """The value where the indices are `at`."""
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Name):
            return at[node.id] if node.id in at else values[node.id] if node.id in values else SIZES[node.id]
        if isinstance(node, ast.Subscript):
            array = self.evaluate(node.value, at, values)
            place = tuple(int(self.evaluate(part, at, values)) for part in parts_of(node.slice))
            return array[place] if isinstance(array, np.ndarray) else array[place[0]]  # one of several results
        if isinstance(node, ast.Attribute):
            return self.evaluate(node.value, at, values).T
        if isinstance(node, ast.UnaryOp):
            return -self.evaluate(node.operand, at, values)
        if isinstance(node, ast.BinOp):
            left, right = self.evaluate(node.left, at, values), self.evaluate(node.right, at, values)
            return OPERATIONS[type(node.op)](left, right)
        name = called(node)
        if name == "Sum":
            index, size = node.args[0].id, SIZES[self.letter(node.args[0].id, node)]
            return sum(self.evaluate(node.args[1], {**at, index: i}, values) for i in range(size))
        if name == "d":
            return self.derivative(node.args[0], node.args[1], at, values)
        if name == "delta":
            left, right = (self.evaluate(part, at, values) for part in node.args)
            return float(left == right)
        function = NUMBERS.get(name) or self.functions[name]
        return function(*(self.evaluate(part, at, values) for part in node.args))

    def derivative(self, f: ast.expr, x: ast.expr, at: dict[str, int], values: Mapping[str, Any]) -> float:
        name = x.value.id if isinstance(x, ast.Subscript) else x.id
        place = (
            tuple(int(self.evaluate(part, at, values)) for part in parts_of(x.slice))
            if isinstance(x, ast.Subscript)
            else ()
        )
        needed = names_in(f)  # f, and what it is defined by
        for other, (_, expression) in reversed(self.defined.items()):
            needed |= names_in(expression) if other in needed else set()
        ends = []
        for step in (STEP, -STEP):
            moved = dict(values)
            moved[name] = np.array(values[name], float)
            moved[name][place] += step
            changed = {name}
            for other, (_, expression) in self.defined.items():
                if other != name and other in needed and names_in(expression) & changed:
                    changed.add(other)
                    moved[other] = self.compute(other, moved)
            ends.append(self.evaluate(f, at, moved))
        return (ends[0] - ends[1]) / (2 * STEP)


OPERATIONS: dict[type, Callable] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.Div: lambda a, b: a / b,
    ast.Pow: lambda a, b: a**b,
    ast.MatMult: lambda a, b: a @ b,
}


def _indices(node: ast.Subscript) -> list[str]:
    return [part.id for part in parts_of(node.slice)]


def differences(derivation: Derivation, seed: int = 0) -> list[tuple[str, float]]:
    """(claim, largest relative difference of its sides) of every claim of a derivation."""
    functions = {name: value for name, value in vars(arrivals).items() if callable(value)}
    for place in derivation.code:
        room, _, name = place.partition(".")
        if "." not in name:
            functions.setdefault(name, getattr(importlib.import_module(f"numpy_gpt.{room}"), name))
    formulas = Formulas(seed, functions)
    found = [(text, formulas.read(text)) for step in derivation.steps for text in lines_of(step)]
    return [(text, difference) for text, difference in found if difference is not None]
