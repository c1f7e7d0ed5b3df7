"""The numbers of one small pass, forward, backward and one step of AdamW, for each line of a room that computes an array.

Both twins run the same pass (see tiny.py) while tracing.py records their variables. A forward line is compared with its
PyTorch line, a backward line `dx = …` with the gradient that autograd finds for x as it was before the forward line that it
answers.
"""

import ast
import base64
import re

import numpy as np

from reader import tiny
from reader.alignment import room as definitions_of
from reader.answers import answers, forward_of, lines_of
from reader.small_pass import passes
from reader.tracing import Record

NOT_ALONE = {("LoRALinear.backward", "dx")}  # x also goes through the base, and autograd knows only the sum
MOST_NUMBERS = 4000  # of an array on a page
SIZES = {2: "B", 5: "T", 12: "C", 3: "H", 4: "D", 48: "F", 128: "V", 9: "3H", 36: "3C", 10: "BT"}
TOKENS = [tiny.words(text)[:-1] for text in tiny.TEXTS]


def numbers(room: str) -> dict:
    """What the script reads: the steps of a room in the order of time, the tokens, and the vocabulary's words."""
    beside, answered = _beside(room), answers(room)
    steps = [_step(one, _difference(one, beside, answered)) for one in shown(room) if one.value.size <= MOST_NUMBERS]
    return {"steps": steps, "tokens": TOKENS, "words": tiny.vocabulary(), "about": " · ".join(map(" ".join, TOKENS))}


def shown(room: str) -> list[Record]:
    """The records that a page shows: of each function one call, by one module, that of its forward pass for a backward."""
    path: dict[str, str] = {}
    call: dict[str, int] = {}
    first: dict[tuple, Record] = {}
    for record in (record for record in passes()[0] if record.room == room):
        chosen = path.setdefault(forward_of(record.function), record.path) == record.path
        if chosen and call.setdefault(record.function, record.call) == record.call and record.line:
            first.setdefault((record.function, record.line, record.name), record)
    return list(first.values())


def _step(record: Record, difference: float | None) -> dict:
    array = np.asarray(record.value, float)
    finite = array[np.isfinite(array)]
    most = float(np.abs(finite).max()) if finite.size else 0.0
    scaled = np.where(np.isfinite(array), np.round(np.nan_to_num(array, neginf=0) / (most or 1) * 32767), -32768)
    least, greatest, deviation = (float(f"{f(finite) if finite.size else 0.0:.4g}") for f in (np.min, np.max, np.std))
    return {
        "line": f"n{record.line}",
        "of": record.function,
        "name": "returns" if record.name == "return" else record.name,
        "path": record.path,
        "backward": "backward" in record.function,
        "shape": list(array.shape),
        "letters": _letters(array.shape),
        "least": least,
        "greatest": greatest,
        "deviation": deviation,
        "difference": None if difference is None else float(f"{difference:.1e}"),
        "most": float(f"{most:.6g}"),
        "bits": base64.b64encode(scaled.astype("<i2").tobytes()).decode(),
    }


def _letters(shape: tuple[int, ...]) -> str:
    found = [SIZES.get(n, str(n)) for n in shape]
    if found[-2:] == ["T", "T"]:
        found[-1] = "S"
    return " ".join(found)


def _beside(room: str) -> dict[int, int]:
    """PyTorch's line for each line of NumPy's; of a group the last for the last."""
    found = {}
    for pair in (pair for definition in definitions_of(room) for pair in definition.pairs if pair.numpy and pair.torch):
        same = len(pair.numpy) == len(pair.torch)
        found.update(zip(pair.numpy, pair.torch) if same else [(pair.numpy[-1], pair.torch[-1])])
    return found


def _difference(record: Record, beside: dict[int, int], answered: dict[int, int]) -> float | None:
    """The largest difference from PyTorch's value, relative to the largest value; None where there is nothing to compare."""
    other: np.ndarray | None = None
    if record.name.endswith(".grad"):
        other = passes()[2].get(f"{record.path}.{record.name.removesuffix('.grad')}")
    elif "backward" not in record.function:
        twins = _theirs(record, record.function, record.name)
        other = next((twin.value for twin in twins if twin.line == beside.get(record.line)), None)
    elif record.line in answered and (record.function, record.name) not in NOT_ALONE and _is_last(record):
        other = _gradient(record, beside.get(answered[record.line], 0), answered[record.line])
    if other is None or other.shape != record.value.shape:
        return None
    both = np.isfinite(other) & np.isfinite(record.value)
    scale = float(np.abs(other[both]).max(initial=0))
    return float(np.abs(other[both] * 1.0 - record.value[both]).max()) / scale if scale else None


def _theirs(record: Record, function: str, name: str) -> list[Record]:
    """PyTorch's records of a name in a function, by the same module."""
    wanted = record.room, function, record.path, name
    return [one for one in passes()[1] if (one.room, one.function, one.path, one.name) == wanted]


def _is_last(record: Record) -> bool:
    """Whether the statement runs once, and the next that writes the array does not change it in place."""
    same = [one for one in passes()[0] if (one.call, one.name) == (record.call, record.name)]
    following = next((lines_of(record.room)[one.line - 1] for one in same if one.line > record.line), "")
    changes = re.search(rf"\b{record.name}(\[.*\])? [-+*/]= |out={record.name}\b", following)
    return sum(one.line == record.line for one in same) == 1 and not changes


def _gradient(record: Record, line: int, forward_line: int) -> np.ndarray | None:
    """For `dx = …` autograd's gradient of x, as it was before PyTorch's line `line`, if the forward line reads it."""
    name = record.name.removeprefix("d")
    source = lines_of(record.room)[forward_line - 1].split("#")[0].strip()
    reads = {node.id for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Name)}
    before = [one for one in _theirs(record, forward_of(record.function), name) if one.line < line]
    return before[-1].gradient if before and name in reads and name != record.name else None


def autograd(room: str) -> dict[int, str]:
    """For backward lines, the node of autograd's graph that does the same, from the forward line's result."""
    beside, found = _beside(room), {}
    for backward, forward in answers(room).items():
        line = beside.get(forward)
        node = next((one.node for one in passes()[1] if (one.room, one.line) == (room, line) and one.node), None)
        while node is not None and node.name() == "UnsafeViewBackward0":  # what a matrix product wraps its result in
            node = node.next_functions[0][0]
        if node is not None:
            found[backward] = f"autograd: {node.name().removesuffix('0')}"
    return found
