"""Builds the site: one folder of static files that opens from the disk."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from parity_tests.mirror import NUMPY
from reader.map import MAP, check_map
from reader.rooms import READING_ORDER, first_words, room_page

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
    for number, name in enumerate(READING_ORDER):
        room(site, number, name)
    words = {name: Markup(first_words(name)) for name in READING_ORDER}
    site.page(
        "index.html",
        "start.html",
        "How a GPT learns",
        "A GPT-2 in NumPy beside its PyTorch twin.",
        map=MAP,
        words=words,
        letters=letters(),
        rest=[],
    )
    return site.files


def letters() -> list[tuple[str, str]]:
    """The letters of the dimensions with their meaning, from the legend in shapes.py."""
    import re

    legend = (NUMPY / "shapes.py").read_text(encoding="utf-8")
    found = re.findall(r"\b([A-Z])  ([a-z].*?)(?=   |\n)", legend)
    return sorted(found, key=lambda one: "BTSCHDFVR".index(one[0]))


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
    data = {"saved": page.saved}
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
        derived=set(),
        chips={},
        store="",
        autograd={},
        data=Markup(json.dumps(data).replace("<", "\\u003c")),
    )
