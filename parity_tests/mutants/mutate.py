"""Mutants of a file: for each place where one small change is possible, the file with that change.

Left as they are: what a `raise` says, annotations, decorators, docstrings and other text, and `__repr__`.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass

OPERATORS = {
    ast.Add: ("+", "-"), ast.Sub: ("-", "+"), ast.Mult: ("*", "/"), ast.Div: ("/", "*"), ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "//"), ast.Pow: ("**", "*"), ast.BitOr: ("|", "&"), ast.BitAnd: ("&", "|"), ast.LShift: ("<<", ">>"),
}  # fmt: skip
COMPARISONS = {
    ast.Lt: ("<", "<="), ast.LtE: ("<=", "<"), ast.Gt: (">", ">="), ast.GtE: (">=", ">"), ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="), ast.Is: ("is", "is not"), ast.IsNot: ("is not", "is"), ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}  # fmt: skip
OPPOSITES = {"max": "min", "maximum": "minimum", "any": "all"}
OPPOSITES |= {opposite: name for name, opposite in OPPOSITES.items()}
Edit = tuple[ast.AST, int, int, str]  # the node it is about, from byte, to byte, new text


@dataclass(frozen=True)
class Mutant:
    """One change in a file: a piece of its text, from one byte to another, and what stands there instead."""

    file: str
    line: int
    code: str  # the first line of the statement, or of the part of it, that changes
    place: str  # the class and the function around it
    change: str  # `old → new`
    start: int
    end: int
    put: str

    def apply(self, source: str) -> str:
        raw = source.encode()
        return (raw[: self.start] + self.put.encode() + raw[self.end :]).decode()


def mutants(file: str, source: str) -> list[Mutant]:
    """Every mutant of a file's source that is Python, and other Python than the source."""
    tree = ast.parse(source)
    raw, lines = source.encode(), source.encode().splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    found, seen, plain = [], set(), ast.dump(tree)
    for place, (node, start, end, put) in _edits(tree, raw, starts):
        if (start, end, put) in seen:  # a statement of a function within a function
            continue
        seen.add((start, end, put))
        old = raw[start:end].decode()
        code = lines[node.lineno - 1].decode().strip()
        mutant = Mutant(file, node.lineno, code, place, _change(old, put), start, end, put)
        try:
            changed = ast.dump(ast.parse(mutant.apply(source))) != plain
        except SyntaxError:
            continue
        if changed:
            found.append(mutant)
    return found


def _change(old: str, new: str) -> str:
    return f"{' '.join(old.split())} → {' '.join(new.split())}"


def _edits(tree: ast.Module, raw: bytes, starts: list[int]) -> Iterator[tuple[str, Edit]]:
    """Every possible change, with the class and the function that it is in."""

    def span(node: ast.AST) -> tuple[int, int]:
        return starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset

    def between(node: ast.AST, left: ast.AST, right: ast.AST, old: str, new: str) -> Iterator[Edit]:
        """The operator between two parts of a node."""
        begin, end = span(left)[1], span(right)[0]
        pattern = re.escape(old) if not old[0].isalpha() else rf"\b{old}\b"
        if place := re.search(pattern.encode(), raw[begin:end]):
            yield node, begin + place.start(), begin + place.end(), new

    def negated(test: ast.expr) -> Iterator[Edit]:
        start, end = span(test)
        if not (isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not)) and not isinstance(test, ast.Compare):
            yield test, start, end, f"not ({raw[start:end].decode()})"

    def own(node: ast.AST) -> Iterator[Edit]:
        """The changes of this node, without those of its parts."""
        if isinstance(node, ast.BinOp) and type(node.op) in OPERATORS:
            yield from between(node, node.left, node.right, *OPERATORS[type(node.op)])
        elif isinstance(node, ast.AugAssign) and type(node.op) in OPERATORS:
            old, new = OPERATORS[type(node.op)]
            yield from between(node, node.target, node.value, f"{old}=", f"{new}=")
        elif isinstance(node, ast.Compare):
            for left, op, right in zip([node.left, *node.comparators], node.ops, node.comparators):
                yield from between(node, left, right, *COMPARISONS[type(op)])
        elif isinstance(node, ast.BoolOp):
            words = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
            for left, right in zip(node.values, node.values[1:]):
                yield from between(node, left, right, *words)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
            if not isinstance(node.operand, ast.Constant):
                yield node, span(node)[0], span(node.operand)[0], ""
        elif isinstance(node, ast.Constant) and not isinstance(node.value, (str, bytes, type(None), type(...))):
            yield node, *span(node), _other(node.value)
        elif isinstance(node, ast.keyword) and node.arg in ("axis", "axes") and ast.unparse(node.value) == "-1":
            yield node.value, *span(node.value), "0"
        elif isinstance(node, ast.Attribute) and node.attr in OPPOSITES:
            yield node, span(node)[1] - len(node.attr), span(node)[1], OPPOSITES[node.attr]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in OPPOSITES:
            yield node, *span(node.func), OPPOSITES[node.func.id]
        elif isinstance(node, (ast.Break, ast.Continue)):
            yield node, *span(node), "continue" if isinstance(node, ast.Break) else "break"
        elif isinstance(node, (ast.If, ast.IfExp)):
            yield from negated(node.test)
        elif isinstance(node, ast.comprehension):
            for test in node.ifs:
                yield from negated(test)

    def dropped(function: ast.FunctionDef) -> Iterator[Edit]:
        """Statements without which the function still has all its names."""
        known = {a.arg for a in ast.walk(function.args) if isinstance(a, ast.arg)}
        for node in sorted(ast.walk(function), key=lambda n: (getattr(n, "lineno", 0), getattr(n, "col_offset", 0))):
            if isinstance(node, ast.Assign):
                names = {n.id for t in node.targets for n in ast.walk(t) if isinstance(n, ast.Name)}
                if names <= known and (names or function.name != "__init__"):
                    yield node, *span(node), "pass"
                known |= names
            elif isinstance(node, ast.AugAssign) or (
                isinstance(node, ast.Expr) and not isinstance(node.value, ast.Constant)
            ):
                yield node, *span(node), "pass"

    def walk(node: ast.AST, place: str) -> Iterator[tuple[str, Edit]]:
        if isinstance(node, (ast.Raise, ast.JoinedStr)) or (
            isinstance(node, ast.FunctionDef) and node.name == "__repr__"
        ):
            return
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            place = f"{place}.{node.name}".strip(".")
        if isinstance(node, ast.FunctionDef):
            yield from ((place, edit) for edit in dropped(node))
        yield from ((place, edit) for edit in own(node))
        for field, value in ast.iter_fields(node):
            if field in ("annotation", "returns", "decorator_list"):
                continue
            for part in value if isinstance(value, list) else [value]:
                if isinstance(part, ast.AST):
                    yield from walk(part, place)

    yield from walk(tree, "")


def _other(value: int | float | bool) -> str:
    """A number or a truth value in the place of another."""
    if isinstance(value, (bool, int)):
        return str(not value if isinstance(value, bool) else value + 1)
    return repr(2 * value or 1.0)
