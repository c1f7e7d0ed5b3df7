"""A verdict in words: at most 15 lines of 80 columns."""

import textwrap
from collections.abc import Iterator

from exercises.verdict import Verdict

LINES, COLUMNS = 15, 80
LABEL = 10  # columns
MARKS = {"passed": "✓", "wrong": "✗", "refused": "✗", "not written": "·", "not begun": "·"}
PRINTED = 60  # characters of what a file prints


def say(verdict: Verdict, hint: str = "") -> list[str]:
    """The lines that a student reads after a check."""
    seconds = f" ({verdict.seconds:.1f} s)" if verdict.seconds else ""
    lines = [f"{MARKS[verdict.state]} {verdict.exercise}: {_state(verdict)}{seconds}"]
    if verdict.said and verdict.state != "not written":
        lines += _field("", verdict.said, 6)
    lines += [line for block in _findings(verdict) for line in block]
    lines = lines[: LINES - 5]
    if verdict.printed.strip() and verdict.state in ("passed", "wrong"):
        printed = verdict.printed.strip().splitlines()
        first = f"{len(printed):,} line{'s' if len(printed) > 1 else ''}, the first: {printed[0][:PRINTED]}"
        lines += _field("Printed", first, 1)
    if hint and verdict.state == "wrong":
        lines += _field("Hint", hint, 2)
    if verdict.ran:
        lines += _field("Ran", verdict.ran, 3 if verdict.state == "wrong" else 6)
    return lines[:LINES]


def _state(verdict: Verdict) -> str:
    words = {"passed": "passed.", "wrong": "not right yet.", "refused": "was not run.", "not written": verdict.said}
    return words.get(verdict.state, f"{verdict.state}.")


def _findings(verdict: Verdict) -> Iterator[list[str]]:
    for number, one in enumerate(verdict.found):
        if number:
            yield _field("Also", one.where + (f"; likely {one.likely}" if one.likely else ""), 2)
            continue
        yield _field("Where", one.where, 4)
        yield _field("Likely", one.likely, 3)
        yield _field("Yours", one.yours, 1)
        yield _field("Expected", one.expected, 1)
        yield _field("Report", one.in_model, 2)


def _field(label: str, text: str, most: int) -> list[str]:
    """A label and its text, in at most so many lines; no lines for no text."""
    if not text:
        return []
    width = COLUMNS - LABEL - 2
    parts = [line for part in text.splitlines() for line in textwrap.wrap(part, width) or [""]]
    if len(parts) > most:
        parts = [*parts[: most - 1], textwrap.shorten(" ".join(parts[most - 1 :]), width, placeholder=" …")]
    return [f"  {label if not i else '':<{LABEL}}{part}".rstrip() for i, part in enumerate(parts)]
