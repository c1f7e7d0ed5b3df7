"""Derivations: texts in `derivations/`, whose formulas are typeset for the page and evaluated by the test.

A text begins with its title and two lines, `code:` (the definitions that it belongs to, the one that it arrives at first) and
`source:`. A part without a heading sets out, each `## heading` is a step. Indented lines are formulas (see mathml.py);
`$x[n]$` is one inside a sentence.
"""

import html
import re
from dataclasses import dataclass
from pathlib import Path

from reader.highlight import code_words
from reader.mathml import math

CHECKED = "The tests evaluate both sides of every formula here on random arrays."
FOLDER = Path(__file__).parent / "derivations"


@dataclass(frozen=True)
class Step:
    """`blocks`: ("text", a paragraph) or ("formula", one line)."""

    heading: str
    blocks: list[tuple[str, str]]

    @property
    def claims(self) -> list[str]:
        return [text for kind, text in self.blocks if kind == "formula" and "==" in text]


@dataclass(frozen=True)
class Derivation:
    title: str
    code: list[str]  # room.definition, the one whose code it arrives at first
    source: str
    steps: list[Step]  # the first sets out and has no heading

    def places(self, room: str) -> list[str]:
        """The definitions of a room that it belongs to."""
        return [place.partition(".")[2] for place in self.code if place.startswith(f"{room}.")]

    def html(self) -> str:
        """The part of a page, without its title."""
        parts = []
        for number, step in enumerate(self.steps):
            inner = "".join(self._block(kind, text) for kind, text in step.blocks)
            if number:
                parts.append(f"<li><h4>{_prose(step.heading)}</h4>{inner}</li>")
            else:
                parts.append(f"<div>{inner}</div><ol>")
        source = f'<p class="source">Source: {html.escape(self.source)}. {CHECKED}</p>'
        return f"{''.join(parts)}</ol>{source}"

    @staticmethod
    def _block(kind: str, text: str) -> str:
        if kind == "formula":
            return f'<div class="formula">{math(text, display=True)}</div>'
        return f"<p>{_prose(text)}</p>"


def derivations() -> list[Derivation]:
    return [read(path) for path in sorted(FOLDER.glob("*.md"))]


def read(path: Path) -> Derivation:
    text = path.read_text(encoding="utf-8")
    head, *steps = re.split(r"^## ", text, flags=re.MULTILINE)
    found = re.match(r"# (.+)\n\ncode: (.+)\nsource: (.+)\n", head)
    if not found:
        raise ValueError(f"{path.name} must begin with a title, `code:` and `source:`.")
    beginning = Step("", list(_blocks(head[found.end() :])))
    rest = [Step(step.partition("\n")[0], list(_blocks(step.partition("\n")[2]))) for step in steps]
    return Derivation(found[1], found[2].split(), found[3], [beginning, *rest])


def _blocks(text: str):
    for block in re.split(r"\n\s*\n", text.strip("\n")):
        if block.startswith("    "):
            yield from (("formula", line.strip()) for line in block.splitlines())
        elif block.strip():
            yield "text", " ".join(block.split())


def _prose(text: str) -> str:
    parts = re.split(r"\$([^$]+)\$", text)
    return "".join(math(part) if i % 2 else code_words(part) for i, part in enumerate(parts))
