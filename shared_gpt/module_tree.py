"""What `print(model)` shows, of either twin: the tree of modules, their settings, the shapes and the number of parameters."""

from collections.abc import Iterator
from typing import Any


def module_tree(module: Any) -> str:
    """The module as text, in the layout of PyTorch's own; equal neighbours in a row are shown once, with their number."""
    return "\n".join(_lines(module, seen=set()))


def _lines(module: Any, seen: set[int], repeated: str = "") -> Iterator[str]:
    """repeated: what comes before the name where one module stands for several."""
    details = [*_settings(module), *_own_parameters(module, seen)]
    count = sum(_size(parameter) for _, parameter in module.named_parameters())
    note = f"  # {count:,} parameters{' each' if repeated else ''}" if count else ""
    name = f"{repeated}{type(module).__name__}"
    children = list(_rows_of_equals(module))
    if not children:
        yield f"{name}({', '.join(details)}){note}"
        return
    yield f"{name}({note}"
    if details:
        yield f"  {', '.join(details)}"
    for label, child, number in children:
        lines = list(_lines(child, seen, f"{number} x " if number > 1 else ""))
        yield f"  ({label}): {lines[0]}"
        yield from (f"  {line}" for line in lines[1:])
    yield ")"


def _settings(module: Any) -> list[str]:
    """The numbers that a module was made with: "drop_rate=0.1"."""
    return [
        f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
        for name, value in vars(module).items()
        if not name.startswith("_") and isinstance(value, int | float) and not isinstance(value, bool)
    ]


def _own_parameters(module: Any, seen: set[int]) -> Iterator[str]:
    """The parameters that belong to the module itself: "weight 2304 x 768"; (tied) where one was shown before."""
    for name, parameter in module.named_parameters():
        if "." not in name:
            shape = " x ".join(map(str, parameter.shape))
            remark = " (tied)" if id(parameter) in seen else "" if parameter.requires_grad else " (frozen)"
            seen.add(id(parameter))
            yield f"{name} {shape}{remark}"


def _rows_of_equals(module: Any) -> Iterator[tuple[str, Any, int]]:
    """(label, module, how many alike) of the children: ("0-11", the first of twelve equal blocks, 12)."""
    children = list(module.named_children())
    start = 0
    while start < len(children):
        name, first = children[start]
        end = start + 1
        while end < len(children) and name.isdigit() and module_tree(children[end][1]) == module_tree(first):
            end += 1
        yield name if end == start + 1 else f"{name}-{children[end - 1][0]}", first, end - start
        start = end


def _size(parameter: Any) -> int:
    size = 1
    for length in parameter.shape:
        size *= length
    return size
