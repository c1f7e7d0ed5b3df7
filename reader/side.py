"""One of the two files of a room, from which stretches of lines are taken in order."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from parity_tests.mirror import tree_of


@dataclass
class Side:
    """The lines of a file and its statements; `start` is the line after what has been taken."""

    lines: list[str]
    body: list[ast.stmt]
    start: int = 1

    @classmethod
    def of(cls, file: Path) -> "Side":
        """A file; nothing where there is none."""
        return cls(file.read_text(encoding="utf-8").splitlines(), tree_of(file).body) if file.exists() else cls([], [])

    def take(self, end: int) -> range:
        """The lines up to and including `end` that have not been taken, without blank ones around them."""
        first, last = self.start, end
        while first <= last and not self.lines[first - 1].strip():
            first += 1
        while last >= first and not self.lines[last - 1].strip():
            last -= 1
        self.start = max(self.start, end + 1)
        return range(first, last + 1)

    def take_all(self, *nodes: ast.stmt | None) -> range:
        """Statements, up to the last; None stands for nothing."""
        return self.take(nodes[-1].end_lineno) if nodes and nodes[-1] else range(0)

    def take_head(self, node: ast.ClassDef | ast.FunctionDef | None) -> range:
        """A definition's lines above the first of its body."""
        return self.take(first_line(node.body[0]) - 1) if node else range(0)

    def take_alone(self, body: list[ast.stmt]) -> Iterator[range]:
        """A body without a twin, statement by statement."""
        for node in body:
            inner = getattr(node, "body", None)
            if inner and first_line(inner[0]) > node.lineno:
                yield self.take(self.before(inner[0]))
                yield from self.take_alone([*inner, *getattr(node, "orelse", [])])
            yield self.take(node.end_lineno)

    def before(self, node: ast.stmt) -> int:
        """The last line before a statement and the comments that lead to it."""
        line = first_line(node) - 1
        while line >= self.start and self.lines[line - 1].strip().startswith(("#", "else:", "elif ")):
            line -= 1
        return line

    def text(self, stretch: range) -> str:
        return "\n".join(self.lines[stretch.start - 1 : stretch.stop - 1])

    def paragraphs(self, node: ast.stmt) -> list[tuple[int, str]]:
        """(last line, text) of each paragraph of a docstring."""
        found: list[tuple[int, str]] = []
        text: list[str] = []
        for number in range(node.lineno, node.end_lineno + 1):
            line = self.lines[number - 1]
            if line.strip():
                text.append(line)
            elif text:
                found.append((number - 1, "\n".join(text)))
                text = []
        return [*found, (node.end_lineno, "\n".join(text))]


def key_of(node: ast.stmt) -> str:
    """A name for a statement, the same for what belongs together."""
    if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
        return node.name
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return "imports"
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        return ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return "docstring"
    return ast.unparse(node).split("\n")[0]


def without_repeated_imports(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Of several imports in a row the last, at whose end all of them end."""
    for node, following in zip(body, [*body[1:], None]):
        if key_of(node) != "imports" or following is None or key_of(following) != "imports":
            yield node


def first_line(node: ast.stmt) -> int:
    """Where a statement begins, decorators included."""
    return min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
