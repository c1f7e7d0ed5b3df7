"""Which tests and which exercises know a definition; and the tests as pages."""

import ast
import re
from dataclasses import dataclass
from functools import cache

from exercises.exercise import Exercise
from exercises.path import EXERCISES
from parity_tests.mirror import tree_of
from reader.alignment import room
from reader.highlight import coloured_lines
from reader.library import ROOT, Document
from reader.rooms import READING_ORDER

TESTS = ROOT / "parity_tests"
FILES = [
    *("layers", "attention", "loss", "optim", "model_parity", "bookkeeping", "properties", "kv_cache", "lora"),
    *(
        "third_opinions",
        "sampling",
        "generate",
        "perplexity",
        "train",
        "classifier",
        "threads",
        "distributed",
        "mirror",
    ),
]
OTHERS = re.compile(r"torch\.nn\.|by_tape|by_differences|keras|transformers|peft|central_differences|third")
MOST = 4  # tests that a definition links to


@dataclass(frozen=True)
class Witness:
    """A test function, and where its source is shown."""

    name: str
    address: str
    text: str

    @property
    def words(self) -> str:
        return self.name.partition("::")[2].removeprefix("test_").replace("_", " ")

    @property
    def third(self) -> bool:
        """Whether it asks another judge than the twin."""
        return bool(OTHERS.search(self.text))


@cache
def witnesses() -> dict[str, Witness]:
    """The test functions in FILES by `test_layers.py::test_x`."""
    found = {}
    for path in (TESTS / f"test_{file}.py" for file in FILES):
        source = path.read_text(encoding="utf-8")
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                name, text = f"{path.name}::{node.name}", ast.get_source_segment(source, node) or ""
                found[name] = Witness(name, f"tests/{path.stem}.html#L{node.lineno}", text)
    return found


@cache
def witnesses_of(definition: str) -> list[Witness]:
    """The tests that name a definition, those first that ask another judge."""
    names = definition.split(".")
    word = names[0] if names[-1] in ("forward", "backward") else names[-1]
    if word.startswith("__"):
        return []
    known = [one for one in witnesses().values() if re.search(rf"\b{re.escape(word)}\b", one.text)]
    return sorted(known, key=lambda one: not one.third)[:MOST]


def places(exercise: Exercise) -> list[tuple[str, str]]:
    """(room, definition) of each definition of the twins that an exercise has written, as far as the rooms show it."""
    targets = [target.split(".", 2) for target in exercise.targets if target.startswith("numpy_gpt.")]
    shown = {name: {one.name for one in room(name)} for _, name, *_ in targets if name in READING_ORDER}
    return [(name, rest[0]) for _, name, *rest in targets if rest and rest[0] in shown.get(name, ())]


def exercises_of(room: str, definition: str) -> list[str]:
    """The exercises that have a definition written, or found wrong in it."""
    return [one.name for one in EXERCISES if (room, definition) in places(one)]


def sources() -> list[Document]:
    """The tests that the rooms link to, line by line."""
    return [_source(f"test_{file}") for file in FILES]


def _source(file: str) -> Document:
    lines = coloured_lines(TESTS / f"{file}.py")
    marked = "\n".join(f'<span id="L{number}">{line}</span>' for number, line in enumerate(lines, 1))
    title = f"parity_tests/{file}.py"
    return Document(f"tests/{file}.html", title, f"<h1>{title}</h1><pre><code>{marked}</code></pre>")
