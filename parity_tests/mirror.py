"""The two packages side by side, as syntax trees: which definitions belong together, and which statements in their bodies.

`test_mirror.py` holds that they do; `reader/` sets them beside each other.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch

import numpy_gpt
import shared_gpt
import torch_gpt

NUMPY, TORCH, SHARED = (Path(package.__file__).parent for package in (numpy_gpt, torch_gpt, shared_gpt))

# The twin rooms, leaves first: each may import those before it.
ROOMS = [
    *("shapes", "module", "functional", "layers", "kv_cache", "attention", "block", "model", "loss"),
    *("lora", "classifier", "optim", "sampling", "generate", "prompt_lookup", "perplexity"),
    *("weights", "train", "distributed"),
]
# Rooms that one package alone needs, with the reason in their first line.
ONE_SIDED_ROOMS = {"numpy_gpt": ["chunks"], "torch_gpt": ["data"]}
BARE = ["shapes"]

FOR_BACKWARD = re.compile(r"backward|\w+_backward|save_for_backward|pop_saved|learns|record")
ONE_SIDED_NAMES = {
    "module.NoGradBlocks": "what no_grad counts; PyTorch keeps its own",
    "module.no_grad_blocks": "what no_grad counts; PyTorch keeps its own",
    "module.SavedValues": "what backward needs; autograd keeps it in its graph",
    "module.accumulating": "guards gradients between threads; autograd has a lock of its own",
    "model.GPTModel.__call__": "which modules save for backward; autograd finds out by itself",
    "train.on_device": "arrays lie in memory, tensors on a device",
}
DIFFERENT = {
    "module.Module": "where gradients come from is the one thing in which the twins differ",
    "distributed.join": "mpirun starts the processes of one, torchrun those of the other",
}
DIFFERENT_ROOMS = {"distributed": "each speaks its own library, MPI or torch.distributed"}
DIFFERENT_BODIES = {
    "train.train_step": "the backward pass: criterion.backward and model.backward here, loss.backward there",
}


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def rooms_of(package: Path) -> list[str]:
    """The files of a package and its folders, by name."""
    found = [path.stem for path in package.glob("*.py")] + [path.parent.name for path in package.glob("*/__init__.py")]
    return sorted(name for name in found if not name.startswith("__"))


def twin_rooms() -> list[str]:
    return [room for room in ROOMS if (NUMPY / f"{room}.py").exists() and (TORCH / f"{room}.py").exists()]


def definitions(body: list[ast.stmt]) -> dict[str, ast.stmt]:
    """Classes, functions and assigned names of one level, in their order."""
    found: dict[str, ast.stmt] = {}
    for node in body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            found[node.name] = node
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found.update({target.id: node for target in targets if isinstance(target, ast.Name)})
    return found


def taken_from_torch(node: ast.stmt) -> bool:
    """Whether the definition is `name = torch.…`, PyTorch's own thing under the twin's name."""
    return isinstance(node, ast.Assign) and ast.unparse(node.value).startswith("torch.")


def mirrored(room: str, class_name: str = "") -> tuple[dict[str, ast.stmt], dict[str, ast.stmt]]:
    """The definitions of a room, or of one of its classes, in both packages, without those that may be one-sided."""
    ours, theirs = (definitions(tree_of(package / f"{room}.py").body) for package in (NUMPY, TORCH))
    borrowed = {name for name, node in theirs.items() if taken_from_torch(node)} & set(ours)
    if class_name:
        ours, theirs = (definitions(side[class_name].body) for side in (ours, theirs))
        if (room, class_name) == ("module", "Module"):
            borrowed = {name for name in ours if hasattr(torch.nn.Module, name) and name not in theirs}
    elif room in BARE:
        borrowed = set()
    prefix = f"{room}.{class_name}." if class_name else f"{room}."
    ours = {name: node for name, node in ours.items() if not FOR_BACKWARD.fullmatch(name)}
    for side in (ours, theirs):
        for name in list(side):
            if name in borrowed or prefix + name in ONE_SIDED_NAMES:
                del side[name]
    return ours, theirs


def all_pairs() -> Iterator[tuple[str, ast.stmt, ast.stmt]]:
    """Every class, function, method and value that both sides have, with its name."""
    for room in twin_rooms():
        if room in BARE:
            continue
        ours, theirs = mirrored(room)
        for name in [name for name in ours if name in theirs]:
            yield f"{room}.{name}", ours[name], theirs[name]
            if isinstance(ours[name], ast.ClassDef) and isinstance(theirs[name], ast.ClassDef):
                own, twin = mirrored(room, name)
                for method in [method for method in own if method in twin]:
                    yield f"{room}.{name}.{method}", own[method], twin[method]


@dataclass
class Statement:
    """What one or several statements do, in a form that both twins share, and the statements themselves."""

    line: tuple
    nodes: list[ast.stmt]


class Skeleton:
    """What a function does, without how its library spells it: statements in their order, each with the names it
    writes and those it reads.

    Names are local variables, parameters, and what belongs to self. Statements in a row that write the same name count as one:
    three in-place ufuncs there are one expression here. What only serves backward, or only brings a tensor to
    its device, is left out.
    """

    def __init__(self, function: ast.FunctionDef):
        self.local = {argument.arg for argument in ast.walk(function.args) if isinstance(argument, ast.arg)}
        self.local |= {n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        self.local -= {"self", "device"}
        self.lines = self.block(function.body)

    def block(self, body: list[ast.stmt]) -> list[tuple]:
        return [statement.line for statement in self.statements(body)]

    def statements(self, body: list[ast.stmt]) -> list[Statement]:
        """What stands in a body, in its order, without what is left out."""
        found: list[Statement] = []
        for node in body:
            if self.is_left_out(node):
                continue
            line = self.line(node)
            if found and line[0] == "write" == found[-1].line[0] and line[1] == found[-1].line[1]:
                last = found.pop()
                reads = sorted({*last.line[2], *line[2]} - {*line[1]})
                found.append(Statement(("write", line[1], reads), [*last.nodes, node]))
            else:
                found.append(Statement(line, [node]))
        return found

    def line(self, node: ast.stmt) -> tuple:
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            written = [name for target in targets for name in self.names(target)]
            return "write", written, sorted(set(self.names(node.value)) - {*written})
        if isinstance(node, ast.Expr) and (written := self.written_in_place(node.value)):
            return "write", written, sorted(set(self.names(node.value)) - {*written})
        parts = []
        for _, value in ast.iter_fields(node):
            if isinstance(value, list) and value and isinstance(value[0], ast.stmt):
                parts.append(self.block(value))
            elif isinstance(value, ast.AST):
                parts.append(sorted(set(self.names(value))))
            elif isinstance(value, list):
                parts.append(sorted({name for part in value if isinstance(part, ast.AST) for name in self.names(part)}))
        return type(node).__name__, *parts

    def names(self, node: ast.AST) -> list[str]:
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "self":
            return [f"self.{node.attr}"]
        if isinstance(node, ast.Attribute) and node.attr == "device":
            return []
        if isinstance(node, ast.Name):
            return [node.id.replace("tensor", "array")] if node.id in self.local else []
        return [name for child in ast.iter_child_nodes(node) for name in self.names(child)]

    def written_in_place(self, call: ast.expr) -> list[str]:
        """The array of `np.exp(x, out=x)` and of `np.copyto(x, …)`."""
        if not isinstance(call, ast.Call):
            return []
        out = [keyword.value for keyword in call.keywords if keyword.arg == "out"]
        return self.names(out[0] if out else call.args[0]) if out or ast.unparse(call.func) == "np.copyto" else []

    def is_left_out(self, node: ast.stmt) -> bool:
        if isinstance(node, ast.Expr):
            text = ast.unparse(node.value)
            return isinstance(node.value, ast.Constant) or text.startswith("self.save_for_backward(")
        if isinstance(node, ast.Assign):
            moves = re.search(r"\b(as_tensor|on_device)\(|\.to\(", ast.unparse(node.value))
            written = {name for target in node.targets for name in self.names(target)}
            return ast.unparse(node.targets[0]) == "device" or bool(
                moves and set(self.names(node.value)) - {"model"} <= written
            )
        return False
