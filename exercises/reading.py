"""Looks at a student's file before it runs: is it Python, is the gap filled, does it stay with the exercise?

A file that reaches for the solution, another framework, the disk or the judge itself is refused here, with the line that does
so. What this look might miss gains little: the numbers of a file are compared where none of its code runs.
"""

import ast
import importlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from exercises.cutting import Target, defined_names, is_written

LONGEST = 200_000  # characters

# What a file may import. From our own packages: names that these define, see `_ours`.
_STANDARD = """
math re regex heapq itertools functools collections collections.abc typing numbers dataclasses __future__
abc jaxtyping bisect numpy
"""
STANDARD = set(_STANDARD.split())
OURS = ("numpy_gpt", "shared_gpt")
_FRAMEWORKS = """
torch torch_gpt tensorflow tensorflow_gpt keras jax transformers scipy sklearn autograd tiktoken tokenizers
cupy mlx tinygrad
"""
FRAMEWORKS = set(_FRAMEWORKS.split())
JUDGES = {"exercises", "parity_tests"}

# Names by which a file would reach beyond its exercise, whether called, imported or taken as an attribute.
_BEYOND = """
open exec eval compile globals locals vars getattr breakpoint input exit quit help attrgetter methodcaller
get_type_hints ForwardRef make_dataclass import_module sys os builtins importlib inspect types gc ctypes
ctypeslib subprocess shutil pathlib io pickle marshal codecs runpy linecache threading thread
multiprocessing socket faulthandler f2py testing lib core load loads loadtxt genfromtxt fromregex fromfile
memmap DataSource save savez savez_compressed savetxt tofile dump open_memmap read_text read_bytes origin
f_globals f_locals f_builtins f_back f_code gi_frame gi_code cr_frame ag_frame tb_frame tb_next path_hooks
meta_path setrecursionlimit settrace setprofile registry jaxtyped config_context
"""
BEYOND = set(_BEYOND.split())
DUNDERS = {
    "__init__",
    "__call__",
    "__len__",
    "__getitem__",
    "__iter__",
    "__name__",
    "__post_init__",
    "__doc__",
    "__all__",
}
# our own attributes that are named like something beyond
KNOWN = {"load_state_dict", "save_for_backward"}


@dataclass(frozen=True)
class Refusal:
    """Why a file is not run."""

    state: str  # "not written" or "refused"
    sentence: str


def look(source: str, targets: Sequence[Target], file: str, withheld: Sequence[Target] = ()) -> Refusal | None:
    """What keeps a file from being run; None if nothing does."""
    if len(source) > LONGEST:
        return Refusal("refused", f"your {file} has {len(source):,} characters; an exercise takes a few hundred.")
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        line = f"\n    {error.text.strip()}" if error.text else ""
        return Refusal("refused", f"your {file}, line {error.lineno}: this is no Python: {error.msg}.{line}")
    except (ValueError, RecursionError, MemoryError) as error:
        return Refusal("refused", f"your {file} cannot be read as Python: {error}.")
    for line, sentence in sorted(_beyond(tree, [*targets, *withheld], withheld)):
        return Refusal("refused", f"your {file}, line {line}: {sentence}")
    functions = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    blank = [target.name for target in targets if target.name in functions and not is_written(functions[target.name])]
    if blank:
        rest = "" if len(blank) == len(targets) else f": {', '.join(blank)}"
        return Refusal("not written", f"not written yet{rest}.")
    return None


def _beyond(tree: ast.Module, targets: Sequence[Target], withheld: Sequence[Target]) -> Iterator[tuple[int, str]]:
    """(line, sentence) for everything that reaches beyond the exercise."""
    imported: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                imported.add(alias.asname or alias.name.split(".")[0])
                yield from ((node.lineno, why) for why in _module(alias.name))
        elif isinstance(node, ast.ImportFrom):
            yield from ((node.lineno, why) for why in _from(node, targets))
        elif isinstance(node, ast.Name) and _suspicious(node.id):
            yield node.lineno, _reaches(node.id)
        elif isinstance(node, ast.Attribute) and _suspicious(node.attr) and node.attr != "compile":  # re.compile
            yield node.lineno, _reaches(node.attr)
        elif isinstance(node, ast.Attribute) and node.attr in [target.name for target in withheld]:
            yield node.lineno, f"it uses {node.attr}, which is half of the answer; do without it."
        elif isinstance(node, ast.MatchClass):
            yield from ((node.lineno, _reaches(name)) for name in node.kwd_attrs if _suspicious(name))
    for node in ast.walk(tree):
        for target in _assigned(node):
            root = target
            while isinstance(root, (ast.Attribute, ast.Subscript)):
                root = root.value
            if (
                isinstance(target, ast.Attribute)
                and isinstance(root, ast.Name)
                and root.id in imported | _classes(tree)
            ):
                yield (
                    target.lineno,
                    (f"it changes {ast.unparse(target)}, which is not yours to change; write your function alone."),
                )


def _assigned(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Assign):
        return node.targets
    return [node.target] if isinstance(node, (ast.AugAssign, ast.AnnAssign, ast.For)) else []


def _classes(tree: ast.Module) -> set[str]:
    """The names that come from our packages."""
    nodes = [
        n
        for n in ast.walk(tree)
        if isinstance(n, ast.ImportFrom) and (n.module or "").split(".")[0] in (*OURS, "numpy")
    ]
    return {alias.asname or alias.name for node in nodes for alias in node.names}


def _suspicious(name: str) -> bool:
    if name in DUNDERS or name in KNOWN:
        return False
    return name.startswith("__") or name.strip("_") in BEYOND


def _reaches(name: str) -> str:
    return f"it uses `{name}`, which no exercise needs; NumPy, math and what the file imports at its top are enough."


def _module(name: str) -> Iterator[str]:
    root = name.split(".")[0]
    if root in FRAMEWORKS:
        yield f"it imports {root}; the exercise is to write this by hand, in NumPy."
    elif root in JUDGES:
        yield f"it imports {root}, the judge itself; write your function, and leave the judging to it."
    elif root in OURS:
        if name not in OURS and not name.startswith("numpy_gpt."):
            yield f"it imports {name} whole; import what you need from it by name."
    elif name not in STANDARD:
        yield f"it imports {name}, which no exercise needs; NumPy and math are enough."


def _from(node: ast.ImportFrom, targets: Sequence[Target]) -> Iterator[str]:
    module = node.module or ""
    names = [alias.name for alias in node.names]
    if node.level:
        yield "it imports from its own folder; each exercise stands alone."
    elif "*" in names:
        yield f"it imports everything from {module}; import what you need by name."
    elif module.split(".")[0] in OURS:
        for name in names:
            yield from _ours(module, name, targets)
    else:
        yield from _module(module)
        yield from (_reaches(name) for name in names if _suspicious(name) and name != "annotations")


def _ours(module: str, name: str, targets: Sequence[Target]) -> Iterator[str]:
    """Whether a name from our packages is one that they define, and not the solution."""
    asked = [target for target in targets if target.names == (name,)]
    if asked and asked[0].module == module:
        yield f"it imports {name} from {module}, which is the solution; write it yourself."
        return
    try:
        value: Any = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError):
        return  # Python's own error says it better
    if isinstance(value, ModuleType):
        known = value.__name__.split(".")[0] in ("numpy_gpt", "numpy", "math")
    else:
        home = str(getattr(value, "__module__", "")).split(".")[0]
        known = home in (*OURS, "exercises", "numpy", "jaxtyping", "collections", "typing") or name in defined_names(
            module
        )
    if not known or _suspicious(name):
        yield f"it imports {name} from {module}, which no exercise needs."
