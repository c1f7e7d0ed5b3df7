"""evaluation: a model without dropout for a while, and afterwards in the mode that it had."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


class FoundModes:
    """The mode in which an evaluation found each module of a model."""

    def __init__(self, model: Any):
        self.modes = [(module, module.training) for module in model.modules()]

    def restore(self) -> None:
        for module, training in self.modes:
            module.training = training


_under_way: dict[Any, list[FoundModes]] = {}  # by model, the earliest first
_changing = threading.RLock()  # reentrant: the garbage collector may close a forgotten stream within


@contextmanager
def evaluation(model: Any) -> Iterator[None]:
    """The model, of either twin, without dropout inside the block, and afterwards in the mode that it had.

    Blocks may overlap: two streams that take turns, or several threads. One that ends before a later one leaves the mode as
    it is, and leaves it to the later one to restore what it had found itself. The mode belongs to the model, not to a
    thread, as in PyTorch.
    """
    with _changing:
        found = FoundModes(model)
        _under_way.setdefault(model, []).append(found)
        model.eval()
    try:
        yield
    finally:
        with _changing:
            blocks = _under_way[model]
            place = blocks.index(found)
            if found is blocks[-1]:
                found.restore()
            else:
                blocks[place + 1].modes = found.modes
            del blocks[place]
            if not blocks:
                del _under_way[model]
