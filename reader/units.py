"""What a file consists of, in units that are set beside their like in the other twin: a head, a paragraph, a statement."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from parity_tests.mirror import Skeleton


@dataclass(frozen=True)
class Unit:
    """A piece of a file that ends at line `end`; where it begins, the one before it says.

    `key` is the same for what belongs together, `kind` one of head, docstring, code, imports, and backward for what is only
    saved for the backward pass. `count`: of how many statements it consists.
    """

    key: str
    end: int
    kind: str = "code"
    count: int = 1


def key_of(node: ast.stmt) -> str:
    """A name for a statement outside functions."""
    if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
        return node.name
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return "imports"
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        return ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
    return "docstring" if is_text(node) else ast.unparse(node).split("\n")[0]


def is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


class Units:
    """The units of one file."""

    def __init__(self, lines: list[str]):
        self.lines = lines

    def of(self, node: ast.stmt | None, alone: bool = False) -> Iterator[Unit]:
        """Those of a statement outside functions, of a function, or of the head of a class; none of None. alone: whether
        it has no twin, so that each statement is a unit."""
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            if node.decorator_list:
                yield Unit("decorators", node.lineno - 1, "head")
            yield Unit("head", self._before(node.body[0]), "head")
            if isinstance(node, ast.FunctionDef):
                yield from self._statements(Skeleton(node), node.body, alone)
        elif node and is_text(node):
            yield from self._paragraphs(node)
        elif node:
            yield Unit(key_of(node), node.end_lineno, "imports" if key_of(node) == "imports" else "code")

    def _statements(self, skeleton: Skeleton, body: list[ast.stmt], alone: bool) -> Iterator[Unit]:
        """Statement by statement, what stands inside one after its head; several that the mirror counts as one are one."""
        counted = {id(node): one for one in skeleton.statements(body) for node in one.nodes}
        for node in body:
            statement = counted.get(id(node))
            inner = [*getattr(node, "body", []), *getattr(node, "orelse", [])]
            if is_text(node):
                yield from self._paragraphs(node)
            elif statement is None:  # the mirror leaves it out
                text = ast.unparse(node)
                yield Unit(text, node.end_lineno, "backward" if "save_for_backward" in text else "code")
            elif inner and inner[0].lineno > node.lineno:
                yield Unit(type(node).__name__, self._before(inner[0]))
                yield from self._statements(skeleton, inner, alone)
                yield Unit("end", node.end_lineno)
            elif alone or node is statement.nodes[-1]:
                yield Unit(repr(statement.line), node.end_lineno, count=len(statement.nodes))

    def _before(self, node: ast.stmt) -> int:
        """The last line before a statement, its decorators and the comments that lead to it."""
        line = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))]) - 1
        while self.lines[line - 1].strip().startswith("#"):
            line -= 1
        return line

    def _paragraphs(self, node: ast.stmt) -> Iterator[Unit]:
        """Those of a docstring."""
        text: list[str] = []
        for number in range(node.lineno, node.end_lineno + 1):
            text += self.lines[number - 1].split()
            if number == node.end_lineno or (text and not self.lines[number].strip()):
                yield Unit(" ".join(text).strip('" ').replace("tensor", "array"), number, "docstring")
                text = []
