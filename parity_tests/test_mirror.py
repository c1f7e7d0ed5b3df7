"""The two packages side by side, as syntax trees: the same rooms, classes, methods, order, signatures and first words.

NumPy's side may have what backward needs, PyTorch's may take from torch.nn.Module what it has. Nothing else is one-sided but
what says so: a room without a twin gives its reason in its first line, a single name is listed in mirror.py.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import numpy_gpt
import torch_gpt
from parity_tests.mirror import (
    BARE,
    DIFFERENT,
    DIFFERENT_BODIES,
    DIFFERENT_ROOMS,
    NUMPY,
    ONE_SIDED_ROOMS,
    ROOMS,
    SHARED,
    TORCH,
    Skeleton,
    all_pairs,
    definitions,
    mirrored,
    rooms_of,
    tree_of,
    twin_rooms,
)


def signature(node: ast.stmt) -> str:
    """What a caller sees, word by word: a function's parameters, defaults and types, a class's bases, a value's name."""
    if isinstance(node, ast.FunctionDef):
        returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
        return f"def {node.name}({ast.unparse(node.args)}){returns}"
    if isinstance(node, ast.ClassDef):
        return f"class {node.name}({', '.join(map(ast.unparse, node.bases))})"
    return "a value"


def first_words(node: ast.stmt) -> str:
    """The docstring up to its first full stop or semicolon; an array here is a tensor there."""
    if not isinstance(node, (ast.ClassDef, ast.FunctionDef)):
        return ""
    text = " ".join((ast.get_docstring(node) or "").split())
    return re.split(r"[.;](?= |$)", text)[0].replace("tensor", "array")


def test_the_two_folders_list_the_same_files():
    """What one package alone has gives its reason in its first line."""
    for package in (NUMPY, TORCH):
        own = ONE_SIDED_ROOMS[package.name]
        assert sorted(rooms_of(package)) == sorted([*ROOMS, *own])
        for room in own:
            first_line = (ast.get_docstring(tree_of(package / f"{room}.py")) or "").split("\n")[0]
            assert re.search(r"\bWithout a twin: \w+", first_line), (
                f"{package.name}/{room}.py must say why it has no twin"
            )


@pytest.mark.parametrize("room", [room for room in twin_rooms() if room not in [*BARE, *DIFFERENT_ROOMS]])
def test_the_same_names_in_the_same_order(room):
    ours, theirs = mirrored(room)
    assert list(ours) == list(theirs)
    for name, node in ours.items():
        if isinstance(node, ast.ClassDef):
            own, twin = mirrored(room, name)
            assert list(own) == list(twin), name


def test_shapes_are_the_same():
    """The same letters and names, over another array."""
    ours, theirs = (tree_of(package / "shapes.py") for package in (NUMPY, TORCH))
    assert ast.get_docstring(ours) == ast.get_docstring(theirs)
    assert list(definitions(ours.body)) == list(definitions(theirs.body))


PAIRS = [pytest.param(ours, theirs, id=name) for name, ours, theirs in all_pairs() if name not in DIFFERENT]


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_the_same_signature(ours, theirs):
    assert signature(ours) == signature(theirs)


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_the_same_first_words(ours, theirs):
    assert first_words(ours) == first_words(theirs)


# Bodies

BODIES = [
    pytest.param(ours, theirs, id=name)
    for name, ours, theirs in all_pairs()
    if isinstance(ours, ast.FunctionDef)
    and name not in [*DIFFERENT, *DIFFERENT_BODIES]
    and name.split(".")[0] not in DIFFERENT_ROOMS
]


@pytest.mark.parametrize(("ours", "theirs"), BODIES)
def test_the_same_statements(ours, theirs):
    assert Skeleton(ours).lines == Skeleton(theirs).lines


@pytest.mark.parametrize("name", DIFFERENT_BODIES)
def test_every_exception_is_one(name):
    ours, theirs = next((ours, theirs) for found, ours, theirs in all_pairs() if found == name)
    assert Skeleton(ours).lines != Skeleton(theirs).lines, f"{name} reads the same by now; take it off the list"


def test_every_public_name_is_in_both_packages():
    assert numpy_gpt.__all__ == torch_gpt.__all__
    assert all(hasattr(twin, name) for twin in (numpy_gpt, torch_gpt) for name in numpy_gpt.__all__)


# Arrows


def imports(path: Path) -> Iterator[tuple[str, bool]]:
    """(dotted name, whether at the top of the module) of everything that a file imports at run time."""
    tree = tree_of(path)
    for_types = [node for node in tree.body if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)]
    skipped = {id(node) for block in for_types for node in ast.walk(block)}
    folder = path.relative_to(NUMPY.parent).parts[:-1]
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, node in tree.body) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = folder[: len(folder) - node.level + 1] if node.level else ()
            base = ".".join([*above, *filter(None, [node.module])])
            for alias in node.names:  # `from shared_gpt import commands` names a room behind the import
                yield f"{base}.{alias.name}" if base in ("numpy_gpt", "torch_gpt") else base, node in tree.body


def room_in(dotted: str, package: str) -> str | None:
    """The room of this package that a dotted name is in."""
    parts = dotted.split(".")
    return parts[1] if parts[0] == package and len(parts) > 1 else None


@pytest.mark.parametrize("package", [NUMPY, TORCH], ids=lambda package: package.name)
def test_rooms_import_only_what_stands_before_them(package):
    for place, room in enumerate(ROOMS):
        allowed = [*ROOMS[:place], *ONE_SIDED_ROOMS[package.name]]
        for dotted, _ in imports(package / f"{room}.py"):
            wanted = room_in(dotted, package.name)
            assert wanted is None or wanted in allowed, f"{package.name}/{room}.py imports {dotted}"


def test_no_twin_imports_the_other_and_shared_gpt_imports_neither():
    three = {"numpy_gpt", "torch_gpt", "tensorflow_gpt"}
    for package in (NUMPY, TORCH, NUMPY.parent / "tensorflow_gpt", SHARED):
        others = three - {package.name}
        for path in package.rglob("*.py"):
            for dotted, _ in imports(path):
                assert dotted.split(".")[0] not in [*others, "parity_tests"], f"{path} imports {dotted}"


def test_numpy_gpt_and_shared_gpt_import_no_framework():
    """Nowhere at the top of a module; inside a function where a file format or a judge asks for it."""
    for path in [*NUMPY.rglob("*.py"), *SHARED.rglob("*.py")]:
        for dotted, at_top in imports(path):
            assert not (at_top and dotted.split(".")[0] in ("torch", "tensorflow", "transformers")), (
                f"{path} imports {dotted}"
            )


def test_torch_gpt_imports_no_third_framework():
    for path in TORCH.rglob("*.py"):
        assert not {dotted.split(".")[0] for dotted, _ in imports(path)} & {"tensorflow", "transformers"}, path


# Reading


def test_every_line_of_a_backward_pass_names_the_forward_line_that_it_answers():
    """Lines that compute a gradient (`dx = …`, `….backward(…)`, `….accumulate(…)`) say `# forward: …`."""
    silent = []
    for room in twin_rooms():
        lines = (NUMPY / f"{room}.py").read_text(encoding="utf-8").splitlines()
        for node in ast.walk(tree_of(NUMPY / f"{room}.py")):
            if not isinstance(node, ast.FunctionDef) or not re.fullmatch(r"backward|\w+_backward", node.name):
                continue
            for statement in ast.walk(node):
                if isinstance(statement, (ast.Assign, ast.AugAssign, ast.Expr, ast.Return)):
                    text = "\n".join(lines[statement.lineno - 1 : statement.end_lineno])
                    computes = re.search(r"^\s*d\w* [-+*]?=|\.backward\(|\.accumulate\(", text, flags=re.MULTILINE)
                    if computes and '"""' not in text and "forward: " not in text:
                        silent.append(f"{room}.{node.name}: {text.strip()}")
    assert silent == [], "\n".join(silent)
