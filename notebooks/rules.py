"""What every notebook of the course keeps to, so that a reader knows her way in each."""

import importlib
import importlib.util
import re
from collections.abc import Iterator
from functools import cache
from html.parser import HTMLParser
from typing import Any

from notebooks.files import FOLDER

MOST_CELLS = 60
FIRST_CODE = """import importlib.util, subprocess, sys
from pathlib import Path

if importlib.util.find_spec("numpy_gpt") is None:  # in a hosted notebook service: install the project, once
    address = ".." if Path("../pyproject.toml").exists() else "git+" + input("Address of the project's repository: ")
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", f"numpy-gpt[notebooks] @ {address}"], check=True)"""
HEAD = re.compile(r"# \d\d .+\n\n.*\*\*\d+ minutes\*\*", re.DOTALL)
READER = "../build/site/"  # where run.py read puts its pages
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
EXERCISE = re.compile(r"gpt-exercise start ([\w-]+)")
NUMBER = re.compile(r"(?<![\w.,/-])\d[\d,]*(?:\.\d+)?(?![\w]|[.,/]\d)")


def broken_rules(name: str, notebook: Any) -> list[str]:
    """A sentence for each rule that the notebook, outputs included, does not keep."""
    return list(_broken(name, notebook))


def _broken(name: str, notebook: Any) -> Iterator[str]:
    prose = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    text = "\n\n".join(prose)
    if not HEAD.match(prose[0]) or "**Before it**" not in prose[0]:
        yield "The first cell is not a title `# NN …` with **NN minutes** and **Before it**."
    if code[0].source != FIRST_CODE:
        yield "The first code cell is not the one that installs the project in hosted services (rules.py)."
    if len(notebook.cells) > MOST_CELLS:
        yield f"It has {len(notebook.cells)} cells; at most {MOST_CELLS} are read with pleasure."
    if "**What do you expect?**" not in text:
        yield "Nothing asks **What do you expect?** before a result."
    for title, least, most in (("Recap", 5, 5), ("Exercises", 3, 5)):
        items = len(re.findall(r"^(?:-|\d\.) ", section(text, title), re.MULTILINE))
        if not least <= items <= most:
            yield f"Its section `## {title}` has {items} items, not {least} to {most}."
    if "$" in re.sub(r"```.*?```|`[^`]*`", "", text, flags=re.DOTALL):
        yield "It typesets a formula by $…$, which needs a network in some viewers; write it in plain signs (√D, Σ_s p_ts)."
    yield from _links(text)
    yield from _outputs(code)
    yield from _numbers(notebook.cells)


def section(text: str, title: str) -> str:
    """What stands under a heading, up to the next."""
    match = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return match[1] if match else ""


def _links(text: str) -> Iterator[str]:
    for target in LINK.findall(text):
        path = target.partition("#")[0]
        if "://" in target:
            if "![" in text and f"]({target})" in re.sub(r"(?<!!)\[[^\]]*\]\([^)]*\)", "", text):
                yield f"The picture {target} is not in the notebook but somewhere else."
        elif target.startswith(READER):
            if importlib.util.find_spec("reader") is not None and target.removeprefix(READER) not in reader_places():
                yield f"The link {target} leads to no place in the reader."
        elif path and not (FOLDER / path).exists():
            yield f"The link {target} leads nowhere."
    if importlib.util.find_spec("exercises") is not None:
        known = exercise_names()
        for name in EXERCISE.findall(text):
            if name not in known:
                yield f"There is no exercise {name}."


@cache
def reader_places() -> set[str]:
    """The addresses of the reader's pages, and of the definitions on them. The pages are made on the reader's machine."""
    pages = importlib.import_module("reader.rooms").READING_ORDER
    definitions = {page: importlib.import_module("reader.alignment").room(page) for page in pages}
    places = {f"{page}.html#{one.name}" for page, found in definitions.items() for one in found if one.name}
    return places | {f"{page}.html" for page in [*pages, "index", "glossary", "proof", "exercises"]}


def exercise_names() -> set[str]:
    """The names that `gpt-exercise start` takes."""
    return {exercise.name for exercise in importlib.import_module("exercises.path").EXERCISES}


class Pictures(HTMLParser):
    """The attributes of every <img> in a piece of HTML."""

    def __init__(self, html: str):
        super().__init__()
        self.found: list[dict[str, str | None]] = []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        if tag == "img":
            self.found.append(dict(attrs))


def _outputs(code: list[Any]) -> Iterator[str]:
    for i, cell in enumerate(code):
        for output in cell.outputs:
            if output.output_type == "error":
                yield f"Code cell {i} shows an error: {output.ename}."
            elif output.output_type == "stream" and output.name == "stderr":
                yield f"Code cell {i} writes to standard error: {output.text[:200]!r}"
            elif output.output_type != "stream":
                if {"image/png", "image/svg+xml", "image/jpeg"} & set(output.data):
                    yield f"Code cell {i} shows a picture without a description; use show.figure."
                for picture in Pictures(output.data.get("text/html", "")).found:
                    if len(picture.get("alt") or "") < 20:
                        yield f"Code cell {i} has a picture without alternative text."
                    if not (picture.get("src") or "").startswith("data:"):
                        yield f"Code cell {i} shows a picture from elsewhere: {picture.get('src')}."
        if not cell.outputs and cell.execution_count is None:
            yield f"Code cell {i} was not run."


def _numbers(cells: list[Any]) -> Iterator[str]:
    """Prose that quotes a result: a number with a decimal point, or of four digits and more, stands in code above it."""
    above = ""
    for i, cell in enumerate(cells):
        if cell.cell_type == "code":
            above += cell.source.replace("_", "") + "\n"
            continue
        plain = re.sub(r"`[^`]*`|\]\([^)]*\)|```.*?```", " ", cell.source, flags=re.DOTALL)
        for number in NUMBER.findall(plain):
            digits = number.replace(",", "")
            quoted = "." in number or len(digits) >= 5 or "," in number.strip(",")
            if quoted and not re.search(rf"(?<![\d.]){re.escape(digits.rstrip('.'))}(?!\d)", above):
                yield f"Cell {i} says {number}, and no cell above it asserts that."
