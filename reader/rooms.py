"""What a room's page and the index say of it: its two files as coloured lines, its definitions, its first words."""

import ast
import re
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from parity_tests.mirror import NUMPY, ONE_SIDED_ROOMS, ROOMS, TORCH, tree_of
from reader.answers import answers, defined
from reader.highlight import coloured_lines
from reader.library import MARKDOWN

READING_ORDER = [*ROOMS, *(name for names in ONE_SIDED_ROOMS.values() for name in names)]


@dataclass
class Pane:
    """One side of a room, its lines by their number. `letter`: of the lines' addresses, as n12 in NumPy's file."""

    label: str
    letter: str
    code: dict[int, Markup]
    indents: dict[int, int]
    answers: dict[int, int]  # backward line: forward line


def panes(name: str) -> tuple[Pane, Pane]:
    """NumPy's side of a room and PyTorch's."""
    return _pane("NumPy", "n", NUMPY / f"{name}.py", answers(name)), _pane("PyTorch", "t", TORCH / f"{name}.py", {})


def _pane(label: str, letter: str, file: Path, answered: dict[int, int]) -> Pane:
    lines = {n: re.sub(r"^(<[^>]*>)( +)", r"\2\1", line) for n, line in enumerate(coloured_lines(file), 1)}
    indents = {number: len(line) - len(line.lstrip()) for number, line in lines.items()}
    for number, target in answered.items():  # the comment itself leads to the line
        lines[number] = re.sub("(forward: [^<]*)", rf'<a href="#n{target}">\1</a>', lines[number])
    return Pane(label, letter, {number: Markup(line or "&nbsp;") for number, line in lines.items()}, indents, answered)


def side_of(name: str) -> Path:
    """The file that says what a room is for: NumPy's, where it has one."""
    return next(file for package in (NUMPY, TORCH) if (file := package / f"{name}.py").exists())


def first_words(name: str) -> Markup:
    """What a room is for: its first sentence."""
    text = " ".join((ast.get_docstring(tree_of(side_of(name))) or "").split())
    return Markup(MARKDOWN.renderInline(re.split(r"(?<=[.;])(?= )", text)[0]))


def docstrings(name: str) -> dict[str, str]:
    """The docstring of each definition of a room, its lines joined; "" if it has none."""
    documented = (ast.ClassDef, ast.FunctionDef)
    nodes = defined(tree_of(side_of(name)))
    texts = {key: ast.get_docstring(node) if isinstance(node, documented) else "" for key, node in nodes.items()}
    return {key: " ".join((text or "").split()) for key, text in texts.items()}
