"""Whether a notebook that was run anew says the same.

Words and whole numbers must be the same. A number with a decimal point may differ by 2 %, or by 2 in its last place: other BLAS
libraries add up in another order. A number in scientific notation is a rounding error, as these notebooks write them; what it
may be stands in the assertions of its cell, which have run by then. Pictures are not compared, their descriptions are.
A cell with the tag `optional` shows something that not every machine has: its assertions hold, its output may be another.
"""

import re
from typing import Any

NUMBER = re.compile(r"(?<![\w.])[-+−]?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![\w])")
PICTURE = re.compile(r"data:image/[a-z]+;base64,[A-Za-z0-9+/=]+")
RELATIVE = 0.02


def differences(old: Any, new: Any) -> list[str]:
    """A line for each cell whose outputs differ."""
    found = []
    for i, (before, after) in enumerate(zip(old.cells, new.cells)):
        if before.cell_type != "code" or "optional" in before.metadata.get("tags", []):
            continue
        a, b = texts(before), texts(after)
        if len(a) != len(b):
            found.append(f"cell {i} had {len(a)} outputs and has {len(b)} when run anew.")
        found += [f"cell {i} {change}" for x, y in zip(a, b) if (change := difference(x, y))][:1]
    return found


def texts(cell: Any) -> list[str]:
    """What a cell's outputs say: printed text, HTML without its pictures, the plain form of all else."""
    said = []
    for output in cell.outputs:
        if output.output_type == "stream":
            said.append(output.text)
        elif output.output_type == "error":
            said.append(f"{output.ename}: {output.evalue}")
        else:
            said.append(PICTURE.sub("picture", output.data.get("text/html") or output.data.get("text/plain", "")))
    return said


def difference(old: str, new: str) -> str:
    """ "" if both say the same, else the first place where they part."""
    for a, b in zip(pieces(old), pieces(new)):
        if not same(a, b):
            return f"said {a[-60:]!r} and says {b[-60:]!r} when run anew."
    if len(pieces(old)) != len(pieces(new)):
        return f"said {len(old)} characters and says {len(new)} when run anew: {new[-60:]!r} at the end."
    return ""


def pieces(text: str) -> list[str]:
    """Numbers and what stands between them, by turns."""
    found, end = [], 0
    for match in NUMBER.finditer(text):
        found += [text[end : match.start()], match[0]]
        end = match.end()
    return [*found, text[end:]]


def same(a: str, b: str) -> bool:
    if a == b:
        return True
    if not (NUMBER.fullmatch(a) and NUMBER.fullmatch(b)):
        return " ".join(a.split()) == " ".join(b.split())  # a longer number may have moved a column
    if "e" in a or "e" in b:
        return "e" in a and "e" in b
    if "." not in a or "." not in b:
        return False
    x, y = (float(number.replace("−", "-")) for number in (a, b))
    last_place = 10.0 ** -len(a.partition(".")[2])
    return abs(x - y) <= max(RELATIVE * max(abs(x), abs(y)), 2.001 * last_place)
