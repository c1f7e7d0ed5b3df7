"""What every line of a pass computes: the arrays in a twin's local variables, recorded by a trace function.

A record belongs to a statement: the file and first line of it, the function it stands in, the module that runs (by its path in
the model), and the name that it writes. `return` is the name of what a function returns, `weight.grad` of what
`self.weight.accumulate` is given.
"""

import ast
import inspect
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


@dataclass
class Record:
    room: str
    function: str
    line: int
    name: str
    path: str
    call: int  # the number of the function's call
    value: Any
    gradient: Any = None  # autograd's, of a tensor
    node: Any = None  # of autograd's graph


@cache
def statements(file: Path) -> dict[int, tuple[int, list[str]]]:
    """For each line the first line of its statement, and the names that the statement writes."""
    found: dict[int, tuple[int, list[str]]] = {}
    for function in (node for node in ast.walk(tree_of(file)) if isinstance(node, ast.FunctionDef)):
        skeleton = Skeleton(function)
        for node in ast.walk(function):
            if not isinstance(node, ast.stmt) or getattr(node, "body", None):
                continue
            line = skeleton.line(node)
            written = ["return"] if isinstance(node, ast.Return) else [*line[1]] if line[0] == "write" else []
            found.update(dict.fromkeys(range(node.lineno, node.end_lineno + 1), (node.lineno, written)))
    return found


class Tracer:
    """Records while `running()`. keep: makes of a value what is recorded, None for what is no array."""

    def __init__(self, package: Path, paths: dict[int, str], keep: Callable[[Any], Any]):
        self.package, self.paths, self.keep = package, paths, keep
        self.records: list[Record] = []
        self.calls = 0

    @contextmanager
    def running(self) -> Iterator[None]:
        sys.settrace(self.called)
        try:
            yield
        finally:
            sys.settrace(None)

    def called(self, frame: FrameType, event: str, _: Any) -> Callable | None:
        file = Path(frame.f_code.co_filename)
        if file.parent != self.package or frame.f_code.co_name in ("<genexpr>", "<listcomp>", "<dictcomp>", "<lambda>"):
            return None
        self.calls += 1
        call, last = self.calls, [0]
        if frame.f_code.co_name == "accumulate":
            self.accumulated(frame)
        for name in frame.f_code.co_varnames[: frame.f_code.co_argcount]:
            self.put(frame, file, frame.f_code.co_firstlineno, name, call, frame.f_locals.get(name))

        def followed(frame: FrameType, event: str, value: Any) -> Callable:
            first, written = statements(file).get(last[0], (0, []))
            now = statements(file).get(frame.f_lineno, (0, []))[0]
            if event == "return" or now != first:
                for name in written:
                    if name != "return" or event == "return":
                        found = value if name == "return" else frame.f_locals.get(name)
                        self.put(
                            frame, file, first, name, call, found[0] if isinstance(found, tuple) and found else found
                        )
            last[0] = frame.f_lineno
            return followed

        return followed

    def put(self, frame: FrameType, file: Path, line: int, name: str, call: int, value: Any) -> None:
        kept = self.keep(value)
        if kept is not None:
            function = qualified_name(frame)
            self.records.append(Record(file.stem, function, line, name, self.path(frame), call, kept))

    def path(self, frame: FrameType | None) -> str:
        """That of the module whose method runs, or that called the function that runs."""
        while frame is not None:
            if (found := self.paths.get(id(frame.f_locals.get("self")))) is not None:
                return found
            frame = frame.f_back
        return ""

    def accumulated(self, frame: FrameType) -> None:
        caller = frame.f_back
        file = Path(caller.f_code.co_filename)
        line = statements(file).get(caller.f_lineno, (0, []))[0]
        text = file.read_text(encoding="utf-8").splitlines()[line - 1]
        if found := re.search(r"self\.(\w+)\.accumulate", text):
            self.put(caller, file, line, f"{found[1]}.grad", self.calls, frame.f_locals["g"])


def qualified_name(frame: FrameType) -> str:
    name, owner = frame.f_code.co_name, frame.f_locals.get("self")
    owners = type(owner).__mro__ if owner is not None else ()
    methods = [inspect.unwrap(vars(one)[name]) if callable(vars(one).get(name)) else None for one in owners]
    code = [getattr(method, "__code__", None) for method in methods]
    found = next((one.__name__ for one, own in zip(owners, code) if own is frame.f_code), "")
    return f"{found}.{name}" if found else name
