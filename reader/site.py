"""Builds the site: one folder of static files that opens from the disk."""

import html
import json
import re
import shutil
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from exercises.exercise import PARTS
from exercises.path import EXERCISES
from parity_tests.mistakes.planted import MISTAKES
from parity_tests.mistakes.spread import stops
from reader.alignment import room as aligned
from reader.answers import saved_values
from reader.derivation import claims, derivations
from reader.glossary import letters, signatures
from reader.guards import guards
from reader.keras import counterparts
from reader.library import MARKDOWN, ROOT, Document, documents, finished
from reader.numbers import autograd, numbers
from reader.rooms import READING_ORDER, docstrings, first_words, panes
from reader.witnesses import exercises_of, places, sources, witnesses_of

HERE = Path(__file__).parent
OWN = {"glossary.html": "Glossary", "proof.html": "The proof", "exercises.html": "Exercises"}


def build(folder: Path) -> int:
    """Write the site into a folder that is empty, absent or an older site; returns how many files it has."""
    if folder.exists() and any(folder.iterdir()) and not (folder / "reader.css").exists():
        raise ValueError(f"{folder} holds other files; give a folder that is empty, or that an earlier build made.")
    files = pages()
    shutil.rmtree(folder, ignore_errors=True)
    for address, content in files.items():  # the style sheet, by which an older site is known, is among the first
        path = folder / address
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return len(files)


def pages() -> dict[str, str | bytes]:
    """Every file of the site by its address."""
    library = documents()
    templates = Environment(
        loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    templates.globals |= {"rooms": READING_ORDER, "others": OWN | {page.address: page.title for page in library}}
    files: dict[str, str | bytes] = {file.name: file.read_bytes() for file in sorted((HERE / "static").iterdir())}

    def add(address: str, template: str, title: str, **values: Any) -> None:
        root = "../" * address.count("/")
        files[address] = templates.get_template(template).render(title=title, root=root, **values)

    seen = list(stops())
    for name in READING_ORDER:
        told = [page for page in library if f'href="../{name}.html' in page.body]
        add(f"{name}.html", "room.html", name, told=told, **room(name, seen))
    add("index.html", "start.html", "How a GPT learns", words=first_words, letters=letters())
    add("glossary.html", "glossary.html", OWN["glossary.html"], letters=letters(), signatures=signatures())
    add("exercises.html", "exercises.html", OWN["exercises.html"], parts=PARTS, exercises=EXERCISES, places=places)
    proof = MARKDOWN.render(templates.get_template("proof.md").render(counts(), mistakes=MISTAKES))
    for page in [*library, *sources(), finished(Document("proof.html", OWN["proof.html"], proof))]:
        add(page.address, "page.html", page.title, body=Markup(page.body))
        files |= page.images
    return files | {"search.js": search_index(library)}


def room(name: str, seen: list[str]) -> dict[str, Any]:
    """What the page of a room shows, with everything that opens at its side. seen: where a mistake's error may go."""
    own = guards(name)
    derived = [(one, one.places(name), Markup(one.html())) for one in derivations() if one.places(name)]
    data = {"saved": saved_values(name), "mistakes": own, "stops": seen} | numbers(name)
    numpy, torch = panes(name)
    return {
        "name": name,
        "definitions": aligned(name),
        "numpy": numpy,
        "torch": torch,
        "first_words": first_words(name),
        "mistakes": own,
        "derivations": derived,
        "witnesses_of": witnesses_of,
        "exercises_of": exercises_of,
        "keras": counterparts(name),
        "autograd": autograd(name),
        "data": Markup(json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")),
    }


def search_index(library: list[Document]) -> str:
    """[name, address, words] of everything that can be looked for: a script, since a page on the disk may read no file."""
    entries = []
    for name in READING_ORDER:
        entries.append((name, f"{name}.html", _words(first_words(name))))
        heads = {definition.name for definition in aligned(name)}
        for key, text in docstrings(name).items():
            entries.append((f"{name}.{key}", f"{name}.html#{key}" if key in heads else f"{name}.html", text[:400]))
    entries += [(f"exercise {one.name}", f"exercises.html#{one.name}", one.task) for one in EXERCISES]
    for page in library:
        entries.append((page.title, page.address, _words(page.body)[:300]))
        for anchor, heading in re.findall(r'<h[23] id="([^"]+)">(.*?)</h', page.body):
            entries.append((_words(heading), f"{page.address}#{anchor}", page.title))
    return f"window.searchIndex = {json.dumps(entries, ensure_ascii=False)};"


def _words(body: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub("<[^>]+>", " ", body))).strip()


def counts() -> dict[str, int]:
    """The figures of the page on the proof, counted from the suite itself."""
    texts = [path.read_text(encoding="utf-8") for path in (ROOT / "parity_tests").glob("test_*.py")]
    return {
        "files": len(texts),
        "tests": sum(len(re.findall(r"^def test_", text, flags=re.MULTILINE)) for text in texts),
        "claims": sum(len(claims(step)) for one in derivations() for step in one.steps),
    }
