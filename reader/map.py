"""The map on the start page: the stops of one pass through the model, downwards, with where each is written; and the letters of
the shapes."""

import ast
import re
from dataclasses import dataclass

from parity_tests.mirror import NUMPY, ROOMS, tree_of
from reader.rooms import public_definitions


@dataclass(frozen=True)
class Stop:
    """A part of the model. `place` is room.definition of its forward pass; "" for a heading."""

    name: str
    says: str = ""
    shape: str = ""
    place: str = ""
    gradient: str = ""  # what its backward pass returns; "" if it has none
    depth: int = 0

    @property
    def kind(self) -> str:
        return "stop" if self.place else "heading"

    @property
    def forward(self) -> str:
        return self._address(self.place)

    @property
    def backward(self) -> str:
        return self._address(self._backward_place()) if self.gradient else ""

    def _backward_place(self) -> str:
        head, _, last = self.place.rpartition(".")
        return f"{head}.backward" if last == "forward" else f"{self.place}_backward"

    @staticmethod
    def _address(place: str) -> str:
        room, _, name = place.partition(".")
        return f"{room}.html#{name}"


MAP = [
    Stop("ids", "the text as numbers", "B T", "model.GPTModel.forward", "each parameter's gradient"),
    Stop(
        "wte + wpe",
        "a vector for each token, and one for its place",
        "B T C",
        "layers.Embedding.forward",
        "dW, row by row",
    ),
    Stop("drop", "in training, some values to zero", "B T C", "layers.Dropout.forward", "dx"),
    Stop("n_layers blocks"),
    Stop("ln_1", "mean 0, variance 1", "B T C", "functional.layer_norm", "dx, dweight, dbias", 1),
    Stop(
        "attn", "every position asks those before it", "B T C", "attention.MultiHeadAttention.forward", "dq, dk, dv", 1
    ),
    Stop("softmax", "shares that sum to 1", "B H T S", "functional.softmax", "dscores", 2),
    Stop("x + attn", "added to what came in", "B T C", "block.TransformerBlock.forward", "dy + …", 1),
    Stop("ln_2", "once more", "B T C", "layers.LayerNorm.forward", "dx", 1),
    Stop("mlp", "each position on its own, four times as wide inside", "B T F", "block.FeedForward.forward", "dx", 1),
    Stop("gelu", "a bend, so that depth counts", "B T F", "functional.gelu", "dx", 2),
    Stop("x + mlp", "added again", "B T C", "block.TransformerBlock.forward", "dy + …", 1),
    Stop("after the blocks"),
    Stop("ln_f", "the last one", "B T C", "layers.LayerNorm.forward", "dx"),
    Stop("lm_head", "a score for each token that could come next", "B T V", "layers.Linear.forward", "dx, dW"),
    Stop("loss", "how surprised the model was", "one number", "loss.CrossEntropy.forward", "dlogits"),
    Stop("step", "better weights", "", "optim.AdamW.update"),
]


def check_map() -> None:
    """Raise ValueError for a stop that leads nowhere."""
    for stop in MAP:
        for place in [stop.place, stop._backward_place() if stop.gradient else ""]:
            room, _, name = place.partition(".")
            if place and name not in public_definitions(NUMPY, room):
                raise ValueError(
                    f"The map leads to {place}, which numpy_gpt/{room}.py does not define; mend reader/map.py."
                )


def letters() -> list[tuple[str, str]]:
    """The letters of the dimensions with their meaning, from the legend in shapes.py."""
    found = re.findall(r"\b([A-Z])  ([a-z].*?)(?=   |\n)", (NUMPY / "shapes.py").read_text(encoding="utf-8"))
    return sorted(found, key=lambda one: "BTSCHDFVR".index(one[0]))


def signatures() -> list[tuple[str, str, str]]:
    """(shape, function, address) of each shape that a signature states, with the first that does."""
    found: dict[str, tuple[str, str, str]] = {}
    for name in ROOMS:
        for node in ast.walk(tree_of(NUMPY / f"{name}.py")):
            if isinstance(node, ast.FunctionDef):
                for shape in re.findall(r"\[Array, '([^']+)'\]", ast.unparse(node.args)):
                    found.setdefault(shape, (shape, node.name, f"{name}.html"))
    return list(found.values())
