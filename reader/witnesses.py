"""Which tests know a definition, and their sources as pages."""

import ast
import re
from functools import cache
from pathlib import Path

from markupsafe import Markup

from parity_tests.mirror import tree_of
from reader.highlight import coloured_lines
from reader.library import ROOT, Document
from reader.rooms import RoomPage
from reader.tasks import exercises_of

TESTS = ROOT / "parity_tests"
FILES = (
    *(
        "test_layers",
        "test_attention",
        "test_loss",
        "test_optim",
        "test_model_parity",
        "test_bookkeeping",
        "test_properties",
    ),
    *(
        "test_kv_cache",
        "test_lora",
        "test_third_opinions",
        "test_sampling",
        "test_generate",
        "test_perplexity",
        "test_train",
    ),
    *("test_classifier", "test_threads", "test_distributed", "test_mirror"),
)
OTHERS = re.compile(
    r"torch\.nn\.|by_tape|by_differences|keras|transformers|peft|central_differences|third"
)  # other judges
MOST = 4  # tests that a definition links to


@cache
def tests() -> list[tuple[str, str, int, str]]:
    """(file, test, line, its text) of the test functions in FILES."""
    found = []
    for file in FILES:
        path = TESTS / f"{file}.py"
        source = path.read_text(encoding="utf-8")
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                found.append((file, node.name, node.lineno, ast.get_source_segment(source, node) or ""))
    return found


def address_of_test(test: str) -> str:
    """Where `test_layers.py::test_x` is shown; "" if it is not."""
    file, _, name = test.partition(".py::")
    return next((f"tests/{found}.html#L{line}" for found, one, line, _ in tests() if (found, one) == (file, name)), "")


def chips(room: str, page: RoomPage, guards: list[dict]) -> dict[str, list[Markup]]:
    """What a definition's head links to: its mistakes, its tests (those first that ask another judge), its exercises."""
    found = {}
    for part in page.parts:
        names = part.name.split(".")
        if not part.heads or names[-1].startswith("__"):
            continue
        word = names[0] if names[-1] in ("forward", "backward") else names[-1]
        known = [one for one in tests() if re.search(rf"\b{re.escape(word)}\b", one[3])]
        known.sort(key=lambda one: not OTHERS.search(one[3]))
        links = [_chip(*one) for one in known[:MOST]]
        lines = {line.number for row in part.rows for line in row.numpy}
        inside = [i for i, guard in enumerate(guards) if guard["number"] in lines]
        if inside:
            words = f"{len(inside)} mistake{'s' if len(inside) > 1 else ''}"
            button = '<button type="button" data-open="mistakes" data-mistakes="{}">{}</button>'
            links.insert(0, Markup(button).format(",".join(map(str, inside)), words))
        address = '<a href="exercises.html#{0}">exercise: {0}</a>'
        links += [Markup(address).format(one) for one in exercises_of(room, part.name)[:2]]
        found[part.name] = links
    return found


def _chip(file: str, name: str, line: int, text: str) -> Markup:
    judge = Markup('<i title="asks another judge than the twin">third opinion</i> ') if OTHERS.search(text) else ""
    words = name.removeprefix("test_").replace("_", " ")
    return Markup('<a href="tests/{}.html#L{}">{}{}</a>').format(file, line, judge, words)


def sources() -> list[Document]:
    """The tests that the rooms link to, line by line."""
    return [_source(TESTS / f"{file}.py") for file in FILES]


def _source(path: Path) -> Document:
    lines = [f'<span id="L{number}">{line}</span>' for number, line in enumerate(coloured_lines(path), 1)]
    title = f"{path.parent.name}/{path.name}"
    return Document(f"tests/{path.stem}.html", title, f"<h1>{title}</h1><pre><code>{chr(10).join(lines)}</code></pre>")
