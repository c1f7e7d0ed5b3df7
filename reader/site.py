"""Builds the site: one folder of static files that opens from the disk."""

import ast
import html
import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from parity_tests.mirror import NUMPY, TORCH, tree_of
from parity_tests.mistakes.planted import MISTAKES
from reader.derivation import derivations
from reader.keras import counterparts
from reader.library import address_of, markdown, notebook
from reader.map import MAP, check_map
from reader.rooms import READING_ORDER, docstring, first_words, public_definitions, room_page

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

    def page(self, address: str, template: str, title: str, description: str, **values: Any) -> None:
        shared = {
            "rooms": READING_ORDER,
            "keys": KEYS,
            "others": self.others,
            "here": "",
            "root": "../" * address.count("/"),
        }
        text = self.templates.get_template(template).render(shared | values, title=title, description=description)
        self.files[address] = text


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
    site.others = [
        ("glossary.html", "Glossary"),
        ("proof.html", "The proof"),
        *((address, name) for address, name, _, _ in library),
    ]
    for number, name in enumerate(READING_ORDER):
        room(site, number, name)
    words = {name: Markup(first_words(name)) for name in READING_ORDER}
    about = {
        "glossary.html": "the letters of the shapes, and how a signature is read",
        "proof.html": "what is compared, and whether the checks can fail",
    }
    rest = [(address, name, about.get(address, "")) for address, name in site.others]
    site.page(
        "index.html",
        "start.html",
        "How a GPT learns",
        "A GPT-2 in NumPy beside its PyTorch twin.",
        map=MAP,
        words=words,
        letters=letters(),
        rest=rest,
    )
    site.page(
        "glossary.html",
        "glossary.html",
        "Glossary",
        "The letters of the dimensions",
        letters=letters(),
        signatures=signatures(),
    )
    site.page(
        "proof.html",
        "page.html",
        "The proof",
        "What is compared, and how the checks are checked",
        body=Markup(proof(site)),
    )
    for address, name, body, images in library:
        site.page(address, "page.html", name, name, body=Markup(body))
        site.files |= images
    site.files["search.js"] = search_index(library)
    return site.files


def documents() -> list[tuple[str, str, str, dict[str, bytes]]]:
    """(address, title, HTML, images) of what stands in docs/ and notebooks/."""
    found = []
    for path in sorted([*(ROOT / "docs").glob("*.md"), *(ROOT / "notebooks").glob("*.ipynb")]):
        text = path.read_text(encoding="utf-8")
        body, images = (
            notebook(path) if path.suffix == ".ipynb" else markdown(text, path.parent.relative_to(ROOT).as_posix())
        )
        name = re.search(r"<h1[^>]*>(.*?)</h1>", body)
        found.append((address_of(path), re.sub("<[^>]+>", "", name[1]) if name else path.stem, body, images))
    return found


def search_index(library: list) -> str:
    """Names, addresses and words of everything that can be looked for, as a script, since a page on the disk may not read files."""
    entries = []
    for name in READING_ORDER:
        package = NUMPY if (NUMPY / f"{name}.py").exists() else TORCH
        entries.append((name, f"{name}.html", re.sub("<[^>]+>", "", first_words(name))))
        entries += [
            (f"{name}.{qualified}", f"{name}.html#{qualified}", docstring(package, name, qualified)[:400])
            for qualified in public_definitions(package, name)
        ]
    for address, name, body, _ in library:
        text = re.sub(r"\s+", " ", html.unescape(re.sub("<[^>]+>", " ", body)))
        entries.append((name, address, text[:300]))
        headings = re.findall(r'<h[23] id="([^"]+)">(.*?)</h', body)
        entries += [(re.sub("<[^>]+>", "", heading), f"{address}#{anchor}", name) for anchor, heading in headings]
    return f"window.searchIndex = {json.dumps(entries, ensure_ascii=False)};"


def letters() -> list[tuple[str, str]]:
    """The letters of the dimensions with their meaning, from the legend in shapes.py."""
    found = re.findall(r"\b([A-Z])  ([a-z].*?)(?=   |\n)", (NUMPY / "shapes.py").read_text(encoding="utf-8"))
    return sorted(found, key=lambda one: "BTSCHDFVR".index(one[0]))


def signatures() -> list[tuple[str, str, str]]:
    """(shape, name, address) of each definition that states shapes, by the first shape that it states."""
    found: dict[str, tuple[str, str, str]] = {}
    for name in READING_ORDER:
        if (NUMPY / f"{name}.py").exists():
            for node in ast.walk(tree_of(NUMPY / f"{name}.py")):
                if isinstance(node, ast.FunctionDef):
                    for shape in re.findall(r"\[Array, ['\"]([^'\"]+)['\"]\]", ast.unparse(node.args)):
                        found.setdefault(shape.strip(), (shape.strip(), node.name, f"{name}.html"))
    return list(found.values())


def proof(site: Site) -> str:
    """The page on the proof, its figures counted from the suite itself."""
    tests = [path.read_text(encoding="utf-8") for path in sorted((ROOT / "parity_tests").glob("test_*.py"))]
    figures = {
        "tests": sum(len(re.findall(r"^def test_", text, flags=re.MULTILINE)) for text in tests),
        "files": len(tests),
        "claims": sum(len(step.claims) for one in derivations() for step in one.steps),
    }
    text = site.templates.get_template("proof.md").render(figures, mistakes=MISTAKES)
    return markdown(text, "")[0]


def room(site: Site, number: int, name: str) -> None:
    page = room_page(name, {})
    for part in page.parts:
        for row in part.rows:
            for line in [*row.numpy, *row.torch]:
                line.code = Markup(line.code)
        part.title_html = Markup(part.title)
    seen: set[str] = set()
    first = [i for i, part in enumerate(page.parts) if not (part.name in seen or seen.add(part.name))]
    page.first_words = Markup(page.first_words)
    own = [one for one in derivations() if any(place.startswith(f"{name}.") for place in one.code)]
    derived = {place.partition(".")[2] for one in own for place in one.code if place.startswith(f"{name}.")}
    data = {"saved": page.saved, "steps": [], "tokens": [], "about": "", "mistakes": [], "stops": []}
    around = [None, *READING_ORDER, None]
    site.page(
        f"{name}.html",
        "room.html",
        name,
        f"{name} in NumPy and PyTorch, side by side",
        page=page,
        number=number + 1,
        here=name,
        before=around[number],
        after=around[number + 2],
        first=first,
        derived=derived,
        chips={},
        derivations=[(one, _places(one.code, name), Markup(one.html())) for one in own],
        keras=[(place, where, Markup("\n".join(lines))) for place, where, lines in counterparts(name)],
        autograd={},
        data=Markup(json.dumps(data).replace("<", "\\u003c")),
    )


def _places(code: list[str], room: str) -> list[str]:
    """The definitions in this room, the first of which is the one that leads there."""
    return [place.partition(".")[2] for place in code if place.startswith(f"{room}.")]
