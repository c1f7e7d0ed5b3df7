"""What every line of a pass computes: the arrays in a twin's local variables, recorded by a trace function.

A record belongs to a statement: the file and first line of it, the function it stands in, the module that runs (by its path in
the model), and the name that it writes. `return` is the name of what a function returns, `weight.grad` of what
`self.weight.accumulate` adds to.
"""

import ast
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

from parity_tests.mirror import Skeleton, tree_of
from reader.answers import defined

INNER = ("<genexpr>", "<listcomp>", "<dictcomp>", "<lambda>")


@dataclass
class Record:
    room: str
    function: str
    line: int  # 0: what the function is given
    name: str
    path: str
    call: int  # the number of the function's call
    value: Any
    gradient: Any = None  # autograd's, of a tensor
    node: Any = None  # of autograd's graph


@dataclass(frozen=True)
class Place:
    """A statement: its function by qualified name, its first line, and the names that it writes; line 0 is the head, which
    writes what the function is given."""

    function: str
    line: int
    written: tuple[str, ...]


@cache
def places(file: Path) -> dict[int, Place]:
    """The statement on each line of the functions and methods of a file."""
    found: dict[int, Place] = {}
    functions = {name: node for name, node in defined(tree_of(file)).items() if isinstance(node, ast.FunctionDef)}
    for own, function in functions.items():
        skeleton = Skeleton(function)
        start = min([function.lineno, *(one.lineno for one in function.decorator_list)])
        found[start] = Place(own, 0, tuple(argument.arg for argument in function.args.args))
        for node in ast.walk(function):
            if isinstance(node, ast.stmt) and not hasattr(node, "body"):
                line = skeleton.line(node)
                written = ["return"] if isinstance(node, ast.Return) else line[1] if line[0] == "write" else []
                added = re.match(r"self\.(\w+)\.accumulate\(", ast.unparse(node))
                names = (f"{added[1]}.grad",) if added else tuple(name for name in written if name.isidentifier())
                lines = range(node.lineno, node.end_lineno + 1)
                found |= dict.fromkeys(lines, Place(own, node.lineno, names))
    return found


@contextmanager
def traced(package: Path, paths: dict[int, str], keep: Callable[[Any], Any]) -> Iterator[list[Record]]:
    """Records while it is open. paths: of the modules, by id; keep: makes of a value what is recorded, None if it is no array."""
    records: list[Record] = []
    calls = iter(range(sys.maxsize))

    def called(frame: FrameType, event: str, _: Any) -> Callable | None:
        file = Path(frame.f_code.co_filename)
        if file.parent != package or frame.f_code.co_name in INNER:
            return None
        call, known, path = next(calls), places(file), _path(frame, paths)
        last = known.get(frame.f_code.co_firstlineno)

        def followed(frame: FrameType, event: str, value: Any) -> Callable:
            nonlocal last
            now = known.get(frame.f_lineno)
            if last and (event == "return" or now != last):
                for name in last.written if event == "return" or last.written != ("return",) else ():
                    found = _value(frame, name, value)
                    kept = keep(found[0] if isinstance(found, tuple) and found else found)
                    if kept is not None:
                        records.append(Record(file.stem, last.function, last.line, name, path, call, kept))
            last = now
            return followed

        return followed

    sys.settrace(called)
    try:
        yield records
    finally:
        sys.settrace(None)


def _value(frame: FrameType, name: str, returned: Any) -> Any:
    if name.endswith(".grad"):
        return getattr(frame.f_locals["self"], name.removesuffix(".grad")).grad
    return returned if name == "return" else frame.f_locals.get(name)


def _path(frame: FrameType | None, paths: dict[int, str]) -> str:
    """That of the module whose method runs, or that called the function that runs."""
    while frame is not None:
        if (found := paths.get(id(frame.f_locals.get("self")))) is not None:
            return found
        frame = frame.f_back
    return ""
