"""The page of a room: its definitions side by side, as the template wants them."""

import ast
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from markupsafe import Markup

from parity_tests.mirror import NUMPY, ONE_SIDED_ROOMS, ROOMS, TORCH, definitions, tree_of
from reader.alignment import room
from reader.answers import answers, saved_values
from reader.highlight import code_words, coloured_lines, indent, source_lines

ALONE = {name: package for package, names in ONE_SIDED_ROOMS.items() for name in names}
READING_ORDER = [*ROOMS, *ALONE]


@dataclass
class Line:
    """One line of code on a page. `key`: its address, n12 in NumPy's file, t12 in PyTorch's."""

    key: str
    number: int
    code: Markup
    indent: int
    answers: str = ""  # the key of the forward line that it answers
    mistakes: list[int] = field(default_factory=list)


@dataclass
class Row:
    """A pair as lines; `kind` and `grouped` as in Pair."""

    numpy: list[Line]
    torch: list[Line]
    kind: str
    grouped: bool


@dataclass
class Part:
    """A definition on the page."""

    name: str
    rows: list[Row]
    backward: bool
    alone: str
    reason: str

    heads: bool  # whether it is the first of its name, and gets a heading

    @property
    def title(self) -> Markup:
        """The name with a break where a long one may be wrapped."""
        owner, _, own = self.name.rpartition(".")
        return Markup("<span>{}.</span><wbr>{}").format(owner, own) if owner else Markup(own)


@dataclass
class RoomPage:
    name: str
    first_words: Markup
    parts: list[Part]
    saved: list[dict]

    @property
    def alone(self) -> str:
        return ALONE.get(self.name, "")


@cache
def first_words(name: str) -> str:
    """What a room is for: its first sentence, from NumPy's side where there is one."""
    package = TORCH if ALONE.get(name) == "torch_gpt" else NUMPY
    text = " ".join((ast.get_docstring(tree_of(package / f"{name}.py")) or "").split())
    return code_words(re.split(r"(?<=[.;])(?= )", text)[0])


def room_page(name: str, mistakes: dict[int, list[int]]) -> RoomPage:
    """mistakes: the numbers of the planted mistakes by the line in NumPy's file on which they are marked."""
    files = [package / f"{name}.py" for package in (NUMPY, TORCH)]
    answered = {answer.backward: answer.forward for answer in answers(name)} if files[0].exists() else {}
    saved = saved_values(name) if files[0].exists() else []
    numpy, torch = _Pane(files[0], "n", answered, mistakes), _Pane(files[1], "t", {}, {})
    parts = []
    for definition in room(name):
        rows = [
            Row(numpy.lines(pair.numpy), torch.lines(pair.torch), pair.kind, pair.grouped) for pair in definition.pairs
        ]
        heads = bool(definition.name) and definition.name not in {part.name for part in parts}
        parts.append(Part(definition.name, rows, definition.backward, definition.alone, definition.reason, heads))
    return RoomPage(name, Markup(first_words(name)), parts, saved)


class _Pane:
    """One side of a room."""

    def __init__(self, file: Path, letter: str, answered: dict[int, int], mistakes: dict[int, list[int]]):
        self.letter, self.answered, self.mistakes = letter, answered, mistakes
        self.source = source_lines(file) if file.exists() else []
        self.coloured = coloured_lines(file) if file.exists() else []

    def lines(self, stretch: range) -> list[Line]:
        return [self.line(number) for number in stretch]

    def line(self, number: int) -> Line:
        code, target = self.coloured[number - 1], self.answered.get(number)
        if target:  # the comment itself leads to the line
            code = re.sub(r"(forward: [^<]*)", rf'<a href="#{self.letter}{target}">\1</a>', code)
        key = f"{self.letter}{target}" if target else ""
        place, marks = indent(self.source[number - 1]), self.mistakes.get(number, [])
        return Line(f"{self.letter}{number}", number, Markup(code or "&nbsp;"), place, key, marks)


def public_definitions(package: Path, name: str) -> list[str]:
    """The functions, classes and methods of a room by qualified name."""
    found = []
    for top, node in definitions(tree_of(package / f"{name}.py").body).items():
        found.append(top)
        if isinstance(node, ast.ClassDef):
            found += [f"{top}.{inner.name}" for inner in node.body if isinstance(inner, ast.FunctionDef)]
    return found


def docstring(package: Path, name: str, qualified: str) -> str:
    """The docstring of a definition, its lines joined."""
    body = tree_of(package / f"{name}.py").body
    node: ast.AST | None = None
    for part in qualified.split("."):
        node = next((found for found in body if getattr(found, "name", "") == part), None)
        body = getattr(node, "body", [])
    text = ast.get_docstring(node) if isinstance(node, (ast.ClassDef, ast.FunctionDef)) else ""
    return " ".join((text or "").split())
