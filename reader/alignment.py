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

import torch

from parity_tests.mirror import (
    DIFFERENT,
    DIFFERENT_BODIES,
    DIFFERENT_ROOMS,
    FOR_BACKWARD,
    NUMPY,
    ONE_SIDED_NAMES,
    TORCH,
    Skeleton,
    taken_from_torch,
)
from reader.side import Side, first_line, key_of, without_repeated_imports


class LostAlignmentError(Exception):
    """A pair of definitions whose lines no longer belong together; the message says which."""


@dataclass(frozen=True)
class Pair:
    """Lines numbered from 1. `kind`: code, docstring, imports, or backward for what only NumPy needs."""

    numpy: range
    torch: range
    kind: str = "code"
    grouped: bool = False  # several statements on one side answer one on the other


@dataclass
class Definition:
    """A function, a class's head, a method, or the lines between them (named "")."""

    name: str
    pairs: list[Pair] = field(default_factory=list)
    backward: bool = False
    alone: str = ""  # the side that has it alone
    reason: str = ""  # why the other side does not


@cache
def room(name: str) -> list[Definition]:
    """The definitions of a room in their order, every line in its place."""
    sides = [Side.of(package / f"{name}.py") for package in (NUMPY, TORCH)]
    found = list(Aligner(name, *sides).definitions())
    for definition in found:
        definition.pairs = [pair for pair in definition.pairs if pair.numpy or pair.torch]
    return found


class Aligner:
    """Walks through both files at once."""

    def __init__(self, name: str, numpy: Side, torch: Side):
        self.room, self.numpy, self.torch = name, numpy, torch

    def definitions(self) -> Iterator[Definition]:
        loose = Definition("")
        for ours, theirs in self.matched(self.numpy.body, self.torch.body, self.room):
            if any(isinstance(node, (ast.ClassDef, ast.FunctionDef)) for node in (ours, theirs)):
                if loose.pairs:
                    yield loose
                    loose = Definition("")
                yield from self.definition(ours, theirs)
            else:
                loose.pairs.extend(self.simple(ours, theirs))
        if loose.pairs:
            yield loose

    def matched(self, ours: list, theirs: list, where: str) -> Iterator[tuple]:
        """Statements of one level side by side; None where a side has nothing. Runs of imports count as one."""
        sides = [list(without_repeated_imports(body)) for body in (ours, theirs)]
        keys = [[key_of(node) for node in side] for side in sides]
        borrowed = {key_of(node) for node in theirs if taken_from_torch(node)}
        twice = (set(keys[0]) & set(keys[1])) - borrowed
        paired = set()
        for tag, a0, a1, b0, b1 in SequenceMatcher(None, *keys, autojunk=False).get_opcodes():
            if tag == "equal":
                paired |= set(keys[0][a0:a1])
                yield from zip(sides[0][a0:a1], sides[1][b0:b1])
            else:
                yield from ((node, None) for node in sides[0][a0:a1])
                yield from ((None, node) for node in sides[1][b0:b1])
        if (lost := twice - paired) and self.room not in DIFFERENT_ROOMS:
            raise LostAlignmentError(f"{where}: {', '.join(sorted(lost))} stands in another order in the two packages.")

    def simple(self, ours: ast.stmt | None, theirs: ast.stmt | None) -> Iterator[Pair]:
        """A statement outside functions."""
        if key_of(ours or theirs) == "docstring" and ours and theirs:
            yield from self.docstring(ours, theirs)
        else:
            yield Pair(
                self.numpy.take_all(ours),
                self.torch.take_all(theirs),
                "imports" if key_of(ours or theirs) == "imports" else "code",
            )

    def definition(self, ours: ast.stmt | None, theirs: ast.stmt | None, prefix: str = "") -> Iterator[Definition]:
        name = prefix + key_of(ours or theirs)
        key = f"{self.room}.{name}"
        if ours is None or theirs is None:
            backward = ours is not None and bool(FOR_BACKWARD.fullmatch(name.rpartition(".")[2]))
            found = Definition(name, [], backward, "numpy" if ours else "torch", self.reason(key, backward))
            if isinstance(ours or theirs, ast.ClassDef):
                yield from self.members(found, ours, theirs)
            else:
                side = self.numpy if ours else self.torch
                for stretch in side.take_alone([ours or theirs]):
                    sides = (stretch, range(0)) if ours else (range(0), stretch)
                    found.pairs.append(Pair(*sides, "backward" if backward else "code"))
                yield found
        elif isinstance(ours, ast.ClassDef) and isinstance(theirs, ast.ClassDef):
            yield from self.members(Definition(name), ours, theirs)
        elif isinstance(ours, ast.FunctionDef) and isinstance(theirs, ast.FunctionDef):
            yield Definition(name, list(self.function(key, ours, theirs)))
        else:
            pair = Pair(self.numpy.take_all(ours), self.torch.take_all(theirs))
            yield Definition(name, [pair], reason=ONE_SIDED_NAMES.get(key, ""))

    def reason(self, key: str, backward: bool) -> str:
        """Why PyTorch's side has nothing there."""
        if key in ONE_SIDED_NAMES:
            return ONE_SIDED_NAMES[key]
        if key.startswith("module.Module.") and hasattr(torch.nn.Module, key.rpartition(".")[2]):
            return "torch.nn.Module brings it"
        return "autograd derives it from the lines of the forward pass" if backward else ""

    def members(self, head: Definition, ours: ast.ClassDef | None, theirs: ast.ClassDef | None) -> Iterator[Definition]:
        head.pairs.append(Pair(self.numpy.take_head(ours), self.torch.take_head(theirs)))
        bodies = [node.body if node else [] for node in (ours, theirs)]
        current = head
        for own, twin in self.matched(*bodies, f"{self.room}.{head.name}"):
            if any(isinstance(node, (ast.ClassDef, ast.FunctionDef)) for node in (own, twin)):
                if current is not None and current.pairs:
                    yield current
                current = None
                for found in self.definition(own, twin, f"{head.name}."):
                    found.alone = found.alone or head.alone
                    yield found
            else:
                current = current or Definition(head.name)
                current.pairs.extend(self.simple(own, twin))
        if current is not None and current.pairs:
            yield current

    def function(self, key: str, ours: ast.FunctionDef, theirs: ast.FunctionDef) -> Iterator[Pair]:
        decorators = [len(node.decorator_list) and node.lineno - 1 for node in (ours, theirs)]
        if any(decorators):
            yield Pair(self.numpy.take(decorators[0]), self.torch.take(decorators[1]))
        yield Pair(self.numpy.take_head(ours), self.torch.take_head(theirs))
        bodies = [list(node.body) for node in (ours, theirs)]
        if all(ast.get_docstring(node) is not None for node in (ours, theirs)):
            yield from self.docstring(bodies[0].pop(0), bodies[1].pop(0))
        skeletons = Skeleton(ours), Skeleton(theirs)
        free = key in [*DIFFERENT, *DIFFERENT_BODIES] or key.split(".")[0] in DIFFERENT_ROOMS
        yield from self.block(key, skeletons, bodies, free)

    def block(self, key: str, skeletons: tuple, bodies: list[list[ast.stmt]], free: bool) -> Iterator[Pair]:
        """Statement by statement. `free`: the mirror makes an exception of this body, so the likest lines are paired."""
        groups = [skeleton.statements(body) for skeleton, body in zip(skeletons, bodies)]
        lines = [[repr(statement.line) for statement in side] for side in groups]
        if lines[0] != lines[1] and not free:
            raise LostAlignmentError(
                f"{key}: the statements of the two packages no longer answer each other. Mend the body, "
                "or name it among the exceptions in parity_tests/mirror.py."
            )
        for tag, a0, a1, b0, b1 in SequenceMatcher(None, *lines, autojunk=False).get_opcodes():
            a, b = groups[0][a0:a1], groups[1][b0:b1]
            if tag in ("equal", "replace") and len(a) == len(b):
                for own, twin in zip(a, b):
                    yield from self.statement(key, skeletons, own.nodes, twin.nodes, free)
            else:
                nodes = [[node for statement in side for node in statement.nodes] for side in (a, b)]
                yield Pair(self.numpy.take_all(*nodes[0]), self.torch.take_all(*nodes[1]), grouped=bool(a and b))
        for side, body, other in ((self.numpy, bodies[0], 1), (self.torch, bodies[1], 0)):
            if body and side.start <= body[-1].end_lineno:  # left out by the mirror, at the end of the body
                stretch = side.take(body[-1].end_lineno)
                yield Pair(stretch, range(0)) if other else Pair(range(0), stretch)

    def statement(self, key: str, skeletons: tuple, ours: list, theirs: list, free: bool) -> Iterator[Pair]:
        yield from self.left_out(ours[0], theirs[0])
        a, b = ours[-1], theirs[-1]
        inner = getattr(a, "body", None)
        if type(a) is type(b) and inner and first_line(inner[0]) > a.lineno and first_line(b.body[0]) > b.lineno:
            sides = ((self.numpy, a), (self.torch, b))
            yield Pair(*(side.take(side.before(node.body[0])) for side, node in sides))
            for part in ("body", "orelse"):
                yield from self.block(key, skeletons, [getattr(node, part, []) for node in (a, b)], free)
        else:
            yield Pair(self.numpy.take_all(*ours), self.torch.take_all(*theirs), grouped=len(ours) != len(theirs))

    def left_out(self, ours: ast.stmt, theirs: ast.stmt) -> Iterator[Pair]:
        """What one side has alone before the next pair: what it saves for backward, or brings to a device."""
        if stretch := self.numpy.take(self.numpy.before(ours)):
            yield Pair(stretch, range(0), "backward" if "save_for_backward" in self.numpy.text(stretch) else "code")
        if stretch := self.torch.take(self.torch.before(theirs)):
            yield Pair(range(0), stretch)

    def docstring(self, ours: ast.stmt, theirs: ast.stmt) -> Iterator[Pair]:
        """Paragraph by paragraph; what NumPy alone says is the derivation."""
        sides = [side.paragraphs(node) for side, node in ((self.numpy, ours), (self.torch, theirs))]
        texts = [[" ".join(text.split()).strip('" ').replace("tensor", "array") for _, text in side] for side in sides]
        for tag, a0, a1, b0, b1 in SequenceMatcher(None, *texts, autojunk=False).get_opcodes():
            a, b = ([end for end, _ in side] for side in (sides[0][a0:a1], sides[1][b0:b1]))
            if tag == "replace":  # the paragraph that only one of them goes on with
                yield Pair(self.numpy.take(a[0]), self.torch.take(b[0]), "docstring")
                a, b = a[1:], b[1:]
            if tag == "equal":
                for own, twin in zip(a, b):
                    yield Pair(self.numpy.take(own), self.torch.take(twin), "docstring")
            else:
                if a:
                    yield Pair(self.numpy.take(a[-1]), range(0), "docstring")
                if b:
                    yield Pair(range(0), self.torch.take(b[-1]), "docstring")
