"""The letters of the shapes, and the shapes that signatures state."""

import ast
import re

from parity_tests.mirror import NUMPY, ROOMS, tree_of


def letters() -> list[tuple[str, str]]:
    """The letters of the dimensions with their meaning, from the legend in shapes.py."""
    found = re.findall(r"\b([A-Z])  ([a-z].*?)(?=   |\n)", (NUMPY / "shapes.py").read_text(encoding="utf-8"))
    return sorted(found, key=lambda one: "BTSCHDFVR".index(one[0]))


def signatures() -> list[tuple[str, str, str]]:
    """(shape, function, room) of each shape that a signature states, with the first that does."""
    found: dict[str, tuple[str, str, str]] = {}
    for name in ROOMS:
        for node in ast.walk(tree_of(NUMPY / f"{name}.py")):
            if isinstance(node, ast.FunctionDef):
                for shape in re.findall(r"\[Array, '([^']+)'\]", ast.unparse(node.args)):
                    found.setdefault(shape, (shape, node.name, name))
    return list(found.values())
