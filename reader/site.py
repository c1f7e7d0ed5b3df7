"""Builds the site: one folder of static files that opens from the disk."""

import html
import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from parity_tests.mirror import NUMPY, TORCH
from parity_tests.mistakes.planted import MISTAKES
from reader.alignment import room as aligned
from reader.derivation import derivations
from reader.guards import guards
from reader.keras import counterparts
from reader.library import documents, markdown
from reader.map import MAP, check_map, letters, signatures
from reader.numbers import autograd, numbers
from reader.rooms import READING_ORDER, docstring, first_words, public_definitions, room_page
from reader.spread import stops
from reader.tasks import links, parts
from reader.witnesses import chips, sources

HERE = Path(__file__).parent
ROOT = HERE.parent
KEYS = [
    ("j k", "next line, line before"),
    ("n p", "next definition, definition before"),
    ("b", "from forward to backward and back"),
    ("d", "derivation"),
    ("v", "numbers"),
    ("← →", "one step of the pass"),
    ("m", "mistakes on this line, or the next ones"),
    ("t", "TensorFlow"),
    ("o", "projector: hide the backward pass"),
    ("Space", "projector: reveal one line more"),
    ("x", "projector: plant a mistake, and again: the next"),
    ("c", "copy the address of this line"),
    ("/", "search"),
    ("?", "these keys"),
    ("Esc", "close what is open"),
]


class Site:
    """The pages, and what all of them share."""

    def __init__(self):
        self.templates = Environment(
            loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
        )
        self.files: dict[str, str | bytes] = {}
        self.others: list[tuple[str, str]] = []

    def page(self, address: str, template: str, title: str, **values: Any) -> None:
        """Add a page; values: what its template asks for."""
        shared = {
            "rooms": READING_ORDER,
            "keys": KEYS,
            "others": self.others,
            "here": "",
            "root": "../" * address.count("/"),
        }
        self.files[address] = self.templates.get_template(template).render(shared | values, title=title)


def build(folder: Path) -> int:
    """Write the site into a folder that is empty, absent or an older site; returns how many files it has."""
    if folder.exists() and any(folder.iterdir()) and not (folder / "reader.css").exists():
        raise ValueError(f"{folder} holds other files; give a folder that is empty, or that an earlier build made.")
    files = pages()
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        for address, content in files.items():
            path = Path(temporary, "site", address)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        if folder.exists():
            shutil.rmtree(folder)
        Path(temporary, "site").rename(folder)
    return len(files)


def pages() -> dict[str, str | bytes]:
    """Every file of the site by its address."""
    check_map()
    site = Site()
    for file in sorted((HERE / "static").iterdir()):
        site.files[file.name] = file.read_bytes()
    library = documents()
    site.others = [("glossary.html", "Glossary"), ("proof.html", "The proof"), ("exercises.html", "Exercises")]
    site.others += [(page.address, page.title) for page in library]
    for number, name in enumerate(READING_ORDER):
        room(site, number, name)
    words = {name: Markup(first_words(name)) for name in READING_ORDER}
    site.page("index.html", "start.html", "How a GPT learns", map=MAP, words=words, letters=letters())
    site.page("glossary.html", "glossary.html", "Glossary", letters=letters(), signatures=signatures())
    site.page("exercises.html", "exercises.html", "Exercises", parts=parts(), links=links())
    site.page("proof.html", "page.html", "The proof", body=Markup(proof(site)))
    for page in [*library, *sources()]:
        site.page(page.address, "page.html", page.title, body=Markup(page.body))
        site.files |= page.images
    site.files["search.js"] = search_index(library)
    return site.files


def room(site: Site, number: int, name: str) -> None:
    """The page of a room, with everything that opens at its side."""
    own = guards(name)
    marks: dict[int, list[int]] = {}
    for i, guard in enumerate(own):
        marks.setdefault(guard["number"], []).append(i)
    page = room_page(name, marks)
    derived = [(one, one.places(name), Markup(one.html())) for one in derivations() if one.places(name)]
    data = {"saved": page.saved, "mistakes": own, "stops": list(stops())} | numbers(name)
    around = [None, *READING_ORDER, None]
    site.page(
        f"{name}.html",
        "room.html",
        name,
        page=page,
        number=number + 1,
        here=name,
        before=around[number],
        after=around[number + 2],
        derived={place for _, places, _ in derived for place in places},
        derivations=derived,
        chips=chips(name, page, own),
        keras=[(place, where, Markup("\n".join(lines))) for place, where, lines in counterparts(name)],
        autograd=autograd(name),
        data=Markup(json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")),
    )


def search_index(library: list) -> str:
    """[name, address, words] of everything that can be looked for: a script, since a page on the disk may read no file."""
    entries = []
    for name in READING_ORDER:
        package = NUMPY if (NUMPY / f"{name}.py").exists() else TORCH
        entries.append((name, f"{name}.html", _words(first_words(name))))
        heads = {definition.name for definition in aligned(name)}
        for qualified in public_definitions(package, name):
            address = f"{name}.html" + (f"#{qualified}" if qualified in heads else "")
            entries.append((f"{name}.{qualified}", address, docstring(package, name, qualified)[:400]))
    for _, _, exercises in parts():
        entries += [(f"exercise {one.name}", f"exercises.html#{one.name}", one.task) for one in exercises]
    for page in library:
        entries.append((page.title, page.address, _words(page.body)[:300]))
        for anchor, heading in re.findall(r'<h[23] id="([^"]+)">(.*?)</h', page.body):
            entries.append((_words(heading), f"{page.address}#{anchor}", page.title))
    return f"window.searchIndex = {json.dumps(entries, ensure_ascii=False)};"


def _words(body: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub("<[^>]+>", " ", body))).strip()


def proof(site: Site) -> str:
    """The page on the proof, its figures counted from the suite itself."""
    texts = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "parity_tests").glob("test_*.py"))]
    tests = sum(len(re.findall(r"^def test_", text, flags=re.MULTILINE)) for text in texts)
    claims = sum(len(step.claims) for one in derivations() for step in one.steps)
    page = site.templates.get_template("proof.md")
    return markdown(page.render(tests=tests, files=len(texts), claims=claims, mistakes=MISTAKES), "")[0]
