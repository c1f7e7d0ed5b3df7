"""What a backward line answers, and where a saved value is used.

Each line of a backward pass ends with `# forward: …`, words of the forward line whose gradient it computes: not always the
whole line. The statement of the forward pass that shares the most names with them is meant; where that is not so, or where
no line but only a formula is meant, MEANT says which.
"""

import ast
import re
from collections.abc import Iterator

from parity_tests.mirror import NUMPY, definitions, tree_of

# What the words after `# forward:` mean where names alone do not tell: a piece of the line that is meant.
MEANT = {
    ("gelu_backward", "u = √(2/π) (x + 0.044715 x³); this is u'"): "u = x * x",
    ("layer_norm_backward", "x_hat = x - mean(x)"): "x_hat = x - x.sum",
    ("softmax_backward", "p.sum(), in which every x_s takes part"): "p /= np.maximum",
}


class UnansweredError(Exception):
    """A `# forward:` comment that no line of the forward pass answers; the message says which."""


def answers(room: str) -> dict[int, int]:
    """The forward line that each `# forward:` comment of a room means, by the line on which it stands; both from 1."""
    lines, found = lines_of(room), {}
    for name, backward, forward in _passes(room):
        for number in range(backward.lineno, backward.end_lineno + 1):
            if words := re.search(r"forward: (.*)", lines[number - 1]):
                found[number] = _meant(name, words[1].strip(), list(_statements(forward)), lines)
    return found


def lines_of(room: str) -> list[str]:
    """The lines of NumPy's file; none where it has none."""
    file = NUMPY / f"{room}.py"
    return file.read_text(encoding="utf-8").splitlines() if file.exists() else []


def defined(tree: ast.Module) -> dict[str, ast.stmt]:
    """The functions, classes, values and methods of a file by qualified name, in their order."""
    found: dict[str, ast.stmt] = {}
    for top, node in definitions(tree.body).items():
        methods = definitions(node.body) if isinstance(node, ast.ClassDef) else {}
        found[top] = node
        found |= {f"{top}.{name}": inner for name, inner in methods.items() if isinstance(inner, ast.FunctionDef)}
    return found


def forward_of(name: str) -> str:
    """The function or method whose gradient a backward one computes; of any other, itself."""
    return name.replace(".backward", ".forward").removesuffix("_backward")


def _passes(room: str) -> Iterator[tuple[str, ast.FunctionDef, list[ast.FunctionDef]]]:
    """(name, backward, the functions of its forward pass) of NumPy's file; none where it has none."""
    found = defined(tree_of(NUMPY / f"{room}.py")) if lines_of(room) else {}
    for name, node in found.items():
        if forward_of(name) != name and forward_of(name) in found:
            forward = found[forward_of(name)]
            used = {inner.id for inner in ast.walk(forward) if isinstance(inner, ast.Name) and inner.id.startswith("_")}
            yield name, node, [forward, *(found[helper] for helper in sorted(used & {*found}))]


def _statements(functions: list[ast.FunctionDef]) -> Iterator[ast.stmt]:
    for function in functions:
        for node in ast.walk(function):
            called = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
            if called or isinstance(node, (ast.Assign, ast.AugAssign, ast.Return)):
                yield node


def _meant(name: str, words: str, statements: list[ast.stmt], lines: list[str]) -> int:
    if piece := MEANT.get((name, words)):
        found = [node for node in statements if piece in lines[node.lineno - 1]]
    else:
        wanted = _names(words)
        rank = {id(node): _likeness(words, wanted, node) for node in statements}
        best = max(rank.values(), default=0.0)
        found = [node for node in statements if best > 0.4 and rank[id(node)] == best]
    if len(found) != 1:
        raise UnansweredError(
            f"{name}: `# forward: {words}` names {'no' if not found else 'more than one'} line of the forward pass. "
            "Quote the line's names, or add what is meant to MEANT in reader/answers.py."
        )
    return found[0].lineno


def _likeness(words: str, wanted: set[str], node: ast.stmt) -> float:
    """The share of names that both have; half as much again if the words and the line write the same name in the same way."""
    text = ast.unparse(node).replace("self.", "").replace(".data", "")
    names = _names(text)
    share = len(wanted & names) / max(len(wanted), 1) + 0.1 * len(wanted & names) / max(len(names), 1)
    written = re.match(r"([\w, ]+?) ([-+*/]?=) ", words)
    same = written and re.match(rf"{re.escape(written[1])}(, \w+)* {re.escape(written[2])} ", text)
    returned = words.startswith("return ") == text.startswith("return ")
    return share + (0.5 if same else 0) - (0.5 if written and not same else 0) + (0.05 if returned else 0)


def _names(text: str) -> set[str]:
    """Its names, without what the words say beside the line."""
    text = re.sub(r"; .*|, with respect.*|: both.*|, to every.*", "", text)
    return set(re.findall(r"[A-Za-z_]\w*", text)) - {"np", "axis", "return"}


def saved_values(room: str) -> list[dict]:
    """What the backward passes of a room take off the stack: the lines that save and pop, and where each value is used."""
    found = []
    for _, backward, forward in _passes(room):
        save = [one for one in ast.walk(forward[0]) if _calls(one, "save_for_backward")]
        pop = [one for one in backward.body if isinstance(one, ast.Assign) and _calls(one.value, "pop_saved")]
        if len(save) == len(pop) == 1:
            read = [one for one in ast.walk(backward) if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Load)]
            names = {one.id for one in ast.walk(pop[0].targets[0]) if isinstance(one, ast.Name)}
            uses = {name: sorted({one.lineno for one in read if one.id == name}) for name in sorted(names)}
            found.append({"save": save[0].lineno, "pop": pop[0].lineno, "uses": uses})
    return found


def _calls(node: ast.AST, method: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method
