"""Which lines of a NumPy room stand beside which lines of its PyTorch twin.

A room is a list of definitions, and a definition a list of pairs. A pair is a stretch of lines on either side; one of the two
may be empty. Names decide which definitions belong together, the mirror (`parity_tests/mirror.py`) which statements inside
them do: one expression there may answer three in-place ufuncs here. Every line of both files that is not blank lies in one pair.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from functools import cache
from itertools import groupby, zip_longest
from pathlib import Path

import torch

from parity_tests import mirror
from parity_tests.mirror import FOR_BACKWARD, ONE_SIDED_NAMES, Skeleton, taken_from_torch, tree_of
from reader.units import Unit, Units, key_of


class LostAlignmentError(Exception):
    """A pair of definitions whose lines no longer belong together; the message says which."""


@dataclass(frozen=True)
class Pair:
    """Lines numbered from 1. `kind` as in Unit."""

    numpy: range
    torch: range
    kind: str = "code"
    grouped: bool = False  # several statements on one side answer one on the other


@dataclass
class Definition:
    """A function, a class's head, a method, or lines between them, which have no name or that of their class."""

    name: str
    pairs: list[Pair] = field(default_factory=list)
    heads: bool = False  # whether it gets a heading: not what goes on with a class after its methods
    backward: bool = False
    reason: str = ""  # why PyTorch's side does not have it


@cache
def room(name: str) -> list[Definition]:
    """The definitions of a room in their order, every line in its place."""
    numpy, torch = (_Side(package / f"{name}.py") for package in (mirror.NUMPY, mirror.TORCH))
    return list(_Aligner(name, numpy, torch).level(Definition(""), numpy.body, torch.body))


class _Side:
    """One of the two files, from which stretches of lines are taken in order; nothing where there is no file."""

    def __init__(self, file: Path):
        self.lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
        self.body = tree_of(file).body if file.exists() else []
        self.units = Units(self.lines)
        self.start = 1

    def take(self, end: int) -> range:
        """The lines up to and including `end` that have not been taken, without blank ones around them."""
        filled = [number for number in range(self.start, end + 1) if self.lines[number - 1].strip()]
        self.start = max(self.start, end + 1)
        return range(filled[0], filled[-1] + 1) if filled else range(0)


class _Aligner:
    """Walks through both files at once."""

    def __init__(self, name: str, numpy: _Side, torch: _Side):
        self.room, self.numpy, self.torch = name, numpy, torch

    def level(self, current: Definition, ours: list[ast.stmt], theirs: list[ast.stmt]) -> Iterator[Definition]:
        """The statements of a file or of a class, whose head `current` is."""
        owner = current.name
        for own, twin in self.matched(ours, theirs, f"{self.room}.{owner}".strip(".")):
            if any(isinstance(node, (ast.ClassDef, ast.FunctionDef)) for node in (own, twin)):
                if current.pairs:
                    yield current
                yield from self.definition(f"{owner}.{key_of(own or twin)}".strip("."), own, twin)
                current = Definition(owner)
            else:
                current.pairs += self.pairs(own, twin)
        if current.pairs:
            yield current

    def matched(self, ours: list[ast.stmt], theirs: list[ast.stmt], where: str) -> Iterator[tuple]:
        """Statements of one level side by side; None where a side has nothing. Of imports in a row the last stands for all."""
        sides = [[list(run)[-1] for _, run in groupby(body, key_of)] for body in (ours, theirs)]
        keys = [[key_of(node) for node in side] for side in sides]
        lost = set(keys[0]) & set(keys[1]) - {key_of(node) for node in theirs if taken_from_torch(node)}
        for tag, a0, a1, b0, b1 in SequenceMatcher(None, *keys, autojunk=False).get_opcodes():
            if tag == "equal":
                lost -= {*keys[0][a0:a1]}
                yield from zip(sides[0][a0:a1], sides[1][b0:b1])
            else:
                yield from ((node, None) for node in sides[0][a0:a1])
                yield from ((None, node) for node in sides[1][b0:b1])
        if lost and self.room not in mirror.DIFFERENT_ROOMS:
            raise LostAlignmentError(f"{where}: {', '.join(sorted(lost))} stands in another order in the two packages.")

    def definition(self, name: str, ours: ast.stmt | None, theirs: ast.stmt | None) -> Iterator[Definition]:
        key = f"{self.room}.{name}"
        backward = theirs is None and bool(FOR_BACKWARD.fullmatch(name.rpartition(".")[2]))
        found = Definition(name, [], True, backward, self.reason(key, backward, theirs))
        if isinstance(ours, ast.FunctionDef) and isinstance(theirs, ast.FunctionDef):
            free = {key, self.room} & {*mirror.DIFFERENT, *mirror.DIFFERENT_BODIES, *mirror.DIFFERENT_ROOMS}
            if Skeleton(ours).lines != Skeleton(theirs).lines and not free:
                raise LostAlignmentError(
                    f"{key}: the statements of the two packages no longer answer each other. Mend the body, "
                    "or name it among the exceptions in parity_tests/mirror.py."
                )
        found.pairs += self.pairs(ours, theirs)
        if all(node is None or isinstance(node, ast.ClassDef) for node in (ours, theirs)):
            yield from self.level(found, *(node.body if node else [] for node in (ours, theirs)))
        else:
            yield found

    def reason(self, key: str, backward: bool, theirs: ast.stmt | None) -> str:
        if key in ONE_SIDED_NAMES or theirs:
            return ONE_SIDED_NAMES.get(key, "")
        if key.startswith("module.Module.") and hasattr(torch.nn.Module, key.rpartition(".")[2]):
            return "torch.nn.Module brings it"
        return "autograd derives it from the lines of the forward pass" if backward else ""

    def pairs(self, ours: ast.stmt | None, theirs: ast.stmt | None) -> Iterator[Pair]:
        """Unit by unit, heads, docstrings and statements each among themselves."""
        if ours and theirs and type(ours) is not type(theirs):  # a class here, a borrowed name there
            yield Pair(self.numpy.take(ours.end_lineno), self.torch.take(theirs.end_lineno))
            return
        alone = not (ours and theirs)
        units = [*self.numpy.units.of(ours, alone)], [*self.torch.units.of(theirs, alone)]
        for text in ({"head"}, {"docstring"}, {"code", "imports", "backward"}):
            a, b = ([unit for unit in side if unit.kind in text] for side in units)
            keys = [[unit.key for unit in side] for side in (a, b)]
            for _, a0, a1, b0, b1 in SequenceMatcher(None, *keys, autojunk=False).get_opcodes():
                own, twin = a[a0:a1], b[b0:b1]
                joined = bool(own and twin) and len(own) != len(twin) and text != {"docstring"}
                if joined:  # all of them stand side by side, up to their last lines
                    own, twin = own[-1:], twin[-1:]
                for one, other in zip_longest(own, twin):
                    yield from self.filled(one, other, joined)

    def filled(self, own: Unit | None, twin: Unit | None, joined: bool) -> Iterator[Pair]:
        """The lines of one or two units, if there are any."""
        numpy = self.numpy.take(own.end) if own else range(0)
        torch = self.torch.take(twin.end) if twin else range(0)
        if numpy or torch:
            kind = (own or twin).kind.replace("head", "code")
            yield Pair(numpy, torch, kind, joined or bool(own and twin and own.count != twin.count))
