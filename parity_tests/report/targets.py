"""What can be replaced, with the signature of each: `python -m parity_tests.report.targets` writes it into docs/parity.md."""

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from parity_tests.report.replace import own_names, rooms, text_files

PAGE = Path(__file__).resolve().parents[2] / "docs" / "parity.md"
BEGIN, END = "<!-- targets: python -m parity_tests.report.targets -->", "<!-- end of targets -->"
NOT_REPLACED = ("shapes",)  # it names types alone


def signatures() -> str:
    """A list for each room, and one for text: each name as it is written after --replace, and what it takes."""
    lines = []
    for room in rooms():
        if room not in NOT_REPLACED:
            owner = importlib.import_module(f"numpy_gpt.{room}")
            lines += [f"**{room}**", "", *_names(owner, room), ""]
    lines += ["**text**: every file of `shared_gpt/text/`", ""]
    lines += [line for file in text_files() for line in _names(file, "text")]
    return "\n".join(lines)


def _names(owner: Any, room: str) -> Iterator[str]:
    for name in own_names(owner):
        value = getattr(owner, name)
        if name.startswith("_") or f"{room}.{name}" in ("module.Module", "module.Parameter"):
            continue
        yield f"- `{room}.{name}{_signature(value)}`"
        if isinstance(value, type):
            methods = [m for m in own_names(value) if inspect.isfunction(vars(value)[m]) and m[0] != "_"]
            yield from (f"  - `{room}.{name}.{m}{_signature(vars(value)[m])}`" for m in methods)


def _signature(value: Any) -> str:
    """The names of the parameters with their defaults, without types and self."""
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return "(…)"
    bare = [p.replace(annotation=p.empty, default=_shown(p.default)) for p in parameters if p.name != "self"]
    text = str(inspect.Signature(bare))
    text = re.sub(r"=<.+? at 0x\w+>", "=…", re.sub(r"<class '([\w.]+)'>", r"\1", text))
    return text.replace("<factory>", "…")


class _Table:
    """What stands for a table, which would fill the page and name the paths of one machine."""

    def __repr__(self) -> str:
        return "…"


def _shown(default: Any) -> Any:
    return _Table() if isinstance(default, dict) else default


def page_with_targets(page: str) -> str:
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n\n{signatures()}\n\n{END}{rest.split(END)[1]}"


if __name__ == "__main__":
    PAGE.write_text(page_with_targets(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
    print(PAGE)
