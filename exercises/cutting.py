"""Cuts functions and methods out of the reference's source: as stubs, as solutions, and with a mistake in them.

Everything is read from the source where it stands, so nothing goes stale. Positions in the syntax tree say where a body begins
and ends; the text itself is taken as it is written, with its comments.
"""

import ast
import importlib
import importlib.util
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

NOT_WRITTEN = "not written yet"
BEGIN = "    # Your code, from here ..."
GAP = f'    raise NotImplementedError("{NOT_WRITTEN}")'
END = "    # ... to here."


@dataclass(frozen=True)
class Target:
    """A function or method of the reference: the module it stands in, and its name there."""

    module: str  # "numpy_gpt.layers"
    names: tuple[str, ...]  # ("Linear", "forward")

    @property
    def name(self) -> str:
        """`forward`: what the student's file calls it."""
        return self.names[-1]

    @property
    def title(self) -> str:
        """`Linear.forward`."""
        return ".".join(self.names)

    @property
    def owner(self) -> Any:
        """The module or class that holds it."""
        owner: Any = importlib.import_module(self.module)
        for name in self.names[:-1]:
            owner = getattr(owner, name)
        return owner


@cache
def find_target(dotted: str) -> Target:
    """The target behind a dotted name, whose first parts are a module."""
    parts = dotted.split(".")
    for end in range(len(parts) - 1, 0, -1):
        module = ".".join(parts[:end])
        try:
            found = importlib.util.find_spec(module)
        except ModuleNotFoundError:
            continue
        if found is not None:
            return Target(module, tuple(parts[end:]))
    raise ValueError(f"{dotted} names nothing in an installed module.")


@cache
def room_source(module: str) -> str:
    """The text of a module of the reference."""
    return Path(importlib.util.find_spec(module).origin).read_text(encoding="utf-8")


@cache
def defined_names(module: str) -> frozenset[str]:
    """What a module of the reference defines itself, by name."""
    return frozenset().union(*map(_defined, ast.parse(room_source(module)).body))


def node_of(target: Target, source: str) -> Any:
    """The definition of the target in the source of its module: a function, a class, or a constant's assignment."""
    body: Sequence[ast.stmt] = ast.parse(source).body
    for name in target.names:
        node = next(node for node in body if name in _defined(node))
        body = getattr(node, "body", [])
    return node


def span(target: Target) -> tuple[int, int]:
    """First and last line of the definition in its room, counted from 1."""
    node = node_of(target, room_source(target.module))
    return node.lineno, node.end_lineno


def solution(target: Target, source: str | None = None) -> str:
    """The definition as text at the left margin, from the room's source or from a changed one.

    Decorators that only make it fast are left out. A method calls its base class by `super(Class, self)`, since it stands
    outside of its class.
    """
    source = room_source(target.module) if source is None else source
    node = node_of(target, source)
    kept = [d for d in getattr(node, "decorator_list", []) if "in_chunks" not in ast.unparse(d)]
    lines = source.splitlines()
    first = min([node.lineno, *(d.lineno for d in kept)])
    text = textwrap.dedent("\n".join(lines[first - 1 : node.end_lineno])) + "\n"
    return text.replace("super()", f"super({target.names[0]}, self)") if len(target.names) > 1 else text


def stub(target: Target, keep_docstring: bool = True) -> str:
    """Signature and the first paragraph of the docstring; then the gap."""
    text = solution(target)
    node = ast.parse(text).body[0]
    head = text.splitlines()[: node.body[0].lineno - 1]
    docstring = ast.get_docstring(node)
    lines = [line for line in head if line.strip()]
    if docstring and keep_docstring:
        paragraph = docstring.split("\n\n")[0]
        wrapped = textwrap.wrap(f'"""{" ".join(paragraph.split())}"""', 84, break_long_words=False)
        lines.append(textwrap.indent("\n".join(wrapped), "    "))
    return "\n".join([*lines, BEGIN, GAP, END]) + "\n"


def names_used(text: str) -> set[str]:
    """Every name that a piece of source reads."""
    return {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}


def imports(targets: Sequence[Target], withheld: Sequence[str] = (), texts: Sequence[str] = ()) -> str:
    """The import lines that these targets need: what their rooms import, and what stands beside them there.

    `withheld` are names that a student is to do without; `texts` are the definitions, where they are not the reference's own.
    """
    found: dict[str, set[str]] = {}
    plain = {"import math", "import numpy as np"}
    own = {target.names[0] for target in targets if len(target.names) == 1} | set(withheld)
    for target, text in zip(targets, texts or map(solution, targets)):
        used = names_used(text) - own
        for node in ast.parse(room_source(target.module)).body:
            if isinstance(node, ast.Import):
                plain |= {ast.unparse(ast.Import([alias])) for alias in node.names if _bound(alias) in used}
            elif isinstance(node, ast.ImportFrom):
                names = {ast.unparse(alias) for alias in node.names if _bound(alias) in used}
                found.setdefault(node.module, set()).update(names)
            elif defined := _defined(node) & used:
                found.setdefault(target.module, set()).update(defined)
    lines = [*sorted(plain - {"import numpy as np"}), "", "import numpy as np", ""]
    for module in sorted(name for name, names in found.items() if names):
        lines.append(_import_line(module, sorted(found[module])))
    return "\n".join(lines)


def _import_line(module: str, names: Sequence[str]) -> str:
    line = f"from {module} import {', '.join(names)}"
    return line if len(line) <= 88 else f"from {module} import (\n" + "".join(f"    {name},\n" for name in names) + ")"


def _bound(alias: ast.alias) -> str:
    return alias.asname or alias.name.split(".")[0]


def _defined(node: ast.stmt) -> set[str]:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return {node.name}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


def as_file(targets: Sequence[Target], texts: Sequence[str], helpers: Sequence[Target] = ()) -> str:
    """A file in which these definitions run: their imports, the helpers that the exercise withholds, then they."""
    texts = [*map(solution, helpers), *texts]
    return "\n\n\n".join([imports([*helpers, *targets], texts=texts), *texts])


def solution_file(targets: Sequence[Target], helpers: Sequence[Target]) -> str:
    """The reference's own definitions as a student's file."""
    return as_file(targets, [solution(target) for target in targets], helpers)


def is_written(node: ast.FunctionDef) -> bool:
    """Whether the gap of a student's function has been filled."""
    last = node.body[-1]
    return not re.search(rf"NotImplementedError\(['\"]{NOT_WRITTEN}", ast.unparse(last))
