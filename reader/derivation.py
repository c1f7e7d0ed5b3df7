"""Derivations: texts in `derivations/`, whose formulas are typeset for the page and evaluated by the test.

A text begins with its title and two lines, `code:` (the definitions that it belongs to, the one that it arrives at first) and
`source:`. A part without a heading sets out, each `## heading` is a step. Indented lines are formulas (see mathml.py);
`$x[n]$` is one inside a sentence.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from reader.library import MARKDOWN
from reader.mathml import math

CHECKED = "The tests evaluate both sides of every formula here on random arrays."
FOLDER = Path(__file__).parent / "derivations"
FORMULA = re.compile(r"^    (\S.*)$", re.MULTILINE)


@dataclass(frozen=True)
class Derivation:
    title: str
    code: list[str]  # room.definition, the one whose code it arrives at first
    source: str
    steps: list[str]  # each a heading and a text; the first sets out and has no heading

    def places(self, room: str) -> list[str]:
        """The definitions of a room that it belongs to."""
        return [place.partition(".")[2] for place in self.code if place.startswith(f"{room}.")]

    def html(self) -> str:
        """The part of a page, without its title."""
        steps = "".join(f"<li>{_typeset(f'#### {step}')}</li>" for step in self.steps[1:])
        return f'{_typeset(self.steps[0])}<ol>{steps}</ol><p class="source">Source: {self.source}. {CHECKED}</p>'


def derivations() -> list[Derivation]:
    return [read(path) for path in sorted(FOLDER.glob("*.md"))]


def read(path: Path) -> Derivation:
    text = path.read_text(encoding="utf-8")
    found = re.match(r"# (.+)\n\ncode: (.+)\nsource: (.+)\n", text)
    if not found:
        raise ValueError(f"{path.name} must begin with a title, `code:` and `source:`.")
    return Derivation(found[1], found[2].split(), found[3], text[found.end() :].split("\n## "))


def formulas(step: str) -> list[str]:
    """The lines of a step that are typeset as formulas, in their order."""
    return FORMULA.findall(step)


def claims(step: str) -> list[str]:
    """The formulas of a step that say that two things are equal."""
    return [line for line in formulas(step) if "==" in line]


def _typeset(text: str) -> str:
    text = FORMULA.sub(lambda line: f'<div class="formula">{math(line[1], display=True)}</div>', text)
    whole = '<span class="whole">{}{}</span>'  # no line begins with a full stop
    return MARKDOWN.render(re.sub(r"\$([^$]+)\$(\S*)", lambda part: whole.format(math(part[1]), part[2]), text))
