"""How many questions a model answers rightly: of three kinds that it never trained on, and as people ask."""

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from shared_gpt.text import Tokenizer
from shared_gpt.text.instructions import CLOSED_CATEGORIES
from shared_gpt.text.prompts import Entry
from shared_gpt.training.instruction_tuning import answers, exact_matches
from village.lessons import held_out

AS_PEOPLE_ASK = Path(__file__).parent / "as_people_ask.tsv"
MEASURES = ("questions", "words", "wordings", "as people ask")
MARKS = " .,;:!?'\"\n"

Share = tuple[int, int]  # right, of


def read_as_people_ask() -> list[tuple[str, list[str]]]:
    """(what somebody typed, the answers that count), written by hand; no training question has these words."""
    rows = [line.split("\t") for line in AS_PEOPLE_ASK.read_text(encoding="utf-8").splitlines()]
    return [(question, good.split("|")) for question, good in rows]


def shares(
    twin: ModuleType, model: Any, tokenizer: Tokenizer, style: str, measures: Sequence[str] = MEASURES
) -> dict[str, Share]:
    """The measures by name: exact answers to held-out questions of the categories with one right answer, about words that no
    training question asked of, in wordings that no training question had; and right answers to people."""
    counts, asked = {}, held_out()
    for measure in measures:
        if measure in asked:
            given = answers(twin, model, tokenizer, asked[measure], style)
            counts[measure] = share_of(exact_matches(asked[measure], given))
        else:
            typed = read_as_people_ask()
            given = answers(twin, model, tokenizer, [as_entry(question) for question, _ in typed], style)
            right = sum(is_right(answer, good) for answer, (_, good) in zip(given, typed))
            counts[measure] = (right, len(typed))
    return counts


def share_of(counts: dict[str, Share]) -> Share:
    closed = [counts[category] for category in counts if category in CLOSED_CATEGORIES]
    return sum(right for right, _ in closed), sum(of for _, of in closed)


def as_entry(question: str) -> Entry:
    return {"instruction": question, "input": "", "output": ""}


def is_right(answer: str, good: Sequence[str]) -> bool:
    """Whether the answer is one of the good ones, but for capitals and the marks around it."""
    return answer.strip(MARKS).lower() in [each.strip(MARKS).lower() for each in good]
