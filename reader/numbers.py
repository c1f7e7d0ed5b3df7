"""The numbers of one small pass, forward, backward and one step of AdamW, for each line of a room that computes an array.

Both twins run the same pass (see tiny.py) while tracing.py records their variables. A forward line is compared with its
PyTorch line, a backward line `dx = …` with the gradient that autograd finds for x as it was before the forward line that it
answers.
"""

import ast
import base64
import re

import numpy as np

from parity_tests.mirror import NUMPY
from reader import tiny
from reader.alignment import room as definitions_of
from reader.answers import answers
from reader.small_pass import passes
from reader.tracing import Record, statements

NOT_ALONE = {("LoRALinear.backward", "dx")}  # x also goes through the base, and autograd knows only the sum
MOST_NUMBERS = 4000  # of an array on a page
SIZES = {2: "B", 5: "T", 12: "C", 3: "H", 4: "D", 48: "F", 128: "V", 9: "3H", 36: "3C", 10: "BT"}
ABOUT = " · ".join(" ".join(tiny.words(text)[:-1]) for text in tiny.TEXTS)


def shown(room: str) -> list[Record]:
    """The records that a page shows: of each function one call, by one module, that of its forward pass for a backward."""
    own = [record for record in passes()[0] if record.room == room]
    path: dict[str, str] = {}
    call: dict[str, int] = {}
    for record in own:
        forward = record.function.replace(".backward", ".forward").removesuffix("_backward")
        chosen = path.setdefault(forward, record.path)
        if record.path == chosen:
            call.setdefault(record.function, record.call)
    first: dict[tuple, Record] = {}
    statement_lines = {line for line, _ in statements(NUMPY / f"{room}.py").values()} if own else set()
    for record in own:
        forward = record.function.replace(".backward", ".forward").removesuffix("_backward")
        accumulated = record.name.endswith(".grad") and path[forward] == record.path
        if record.line in statement_lines and (accumulated or call.get(record.function) == record.call):
            first.setdefault((record.function, record.line, record.name), record)
    return list(first.values())


def numbers(room: str) -> dict:
    """What the script reads: the steps of a room in the order of time, and the tokens."""
    if not (NUMPY / f"{room}.py").exists():
        return {"steps": [], "tokens": [], "about": ""}
    beside, answered = _beside(room), {answer.backward: answer.forward for answer in answers(room)}
    steps = [
        _step(record, _difference(record, beside, answered))
        for record in shown(room)
        if record.value.size <= MOST_NUMBERS
    ]
    return {"steps": steps, "tokens": [tiny.words(text)[:-1] for text in tiny.TEXTS], "about": ABOUT}


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
    for pair in (pair for definition in definitions_of(room) for pair in definition.pairs):
        if len(pair.numpy) == len(pair.torch):
            found.update(zip(pair.numpy, pair.torch))
        elif pair.numpy and pair.torch:
            found[pair.numpy[-1]] = pair.torch[-1]
    return found


def _difference(record: Record, beside: dict[int, int], answered: dict[int, int]) -> float | None:
    """The largest difference from PyTorch's value, relative to the largest value; None where there is nothing to compare."""
    _, theirs, gradients = passes()
    other: np.ndarray | None = None
    if record.name.endswith(".grad"):
        other = gradients.get(f"{record.path}.{record.name.removesuffix('.grad')}")
    elif "backward" not in record.function:
        other = next((r.value for r in theirs if _key(r) == _key(record) and r.line == beside.get(record.line)), None)
    elif (record.function, record.name) in NOT_ALONE:
        return None
    elif record.line in answered and record.name.startswith("d") and _is_last(record):
        other = _gradient(record, beside.get(answered[record.line]), answered[record.line])
    if other is None or other.shape != record.value.shape:
        return None
    both = np.isfinite(other) & np.isfinite(record.value)
    scale = float(np.abs(other[both]).max()) if both.any() else 0.0
    return float(np.abs(other[both] * 1.0 - record.value[both]).max()) / scale if scale else None


def _key(record: Record, function: str = "", name: str = "") -> tuple[str, ...]:
    return record.room, function or record.function, record.path, name or record.name


def _is_last(record: Record) -> bool:
    """Whether the statement runs once, and the next that writes the array does not change it in place."""
    lines = (NUMPY / f"{record.room}.py").read_text(encoding="utf-8").splitlines()
    same = [r for r in passes()[0] if (r.call, r.name) == (record.call, record.name)]
    following = next((lines[r.line - 1] for r in same if r.line > record.line), "")
    changes = re.search(rf"\b{record.name}(\[.*\])? [-+*/]= |out={record.name}\b", following)
    return sum(r.line == record.line for r in same) == 1 and not changes


def _gradient(record: Record, line: int | None, forward_line: int) -> np.ndarray | None:
    """Autograd's gradient of the variable, as it was before PyTorch's line `line`, if that line reads it."""
    name = record.name.removeprefix("d")
    source = (
        (NUMPY / f"{record.room}.py").read_text(encoding="utf-8").splitlines()[forward_line - 1].split("#")[0].strip()
    )
    reads = {n.id for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Name)}
    function = record.function.replace(".backward", ".forward").removesuffix("_backward")
    if line is None or name not in reads:
        return None
    before = [r for r in passes()[1] if _key(r) == _key(record, function, name) and r.line < line]
    return before[-1].gradient if before else None


def autograd(room: str) -> dict[str, str]:
    """For backward lines, the node of autograd's graph that does the same, from the forward line's result."""
    if not (NUMPY / f"{room}.py").exists():
        return {}
    beside, found = _beside(room), {}
    for answer in answers(room):
        line = beside.get(answer.forward)
        node = next((r.node for r in passes()[1] if r.room == room and r.line == line and r.node), None)
        while node is not None and node.name() == "UnsafeViewBackward0":  # what a matrix product wraps its result in
            node = node.next_functions[0][0]
        if node is not None:
            found[f"n{answer.backward}"] = f"autograd: {node.name().removesuffix('0')}"
    return found
