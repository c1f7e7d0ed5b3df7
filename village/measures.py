"""How many questions a model answers rightly: of three kinds that it never trained on, and as people ask.

`python -m village measures` prints them for the chat model that ships, by category, and without what training came near.
"""

from collections.abc import Sequence
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

from shared_gpt.text import Tokenizer
from shared_gpt.text.instructions import CLOSED_CATEGORIES
from shared_gpt.text.prompts import Entry
from shared_gpt.training.instruction_tuning import answers, exact_matches
from village.as_typed import bare
from village.lessons import SEED, asked_cases, held_out, make_lessons
from village.reading import make_reading

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


def print_measures(twin: ModuleType, model: Any, tokenizer: Tokenizer, style: str) -> None:
    """Every measure, by category, and how much is left of it without the questions that training came near."""
    near = came_near()
    for measure, entries in held_out().items():
        given = answers(twin, model, tokenizer, entries, style)
        counts = exact_matches(entries, given)
        print(f"{measure}: {shown(share_of(counts))}")
        kept = [pair for pair in zip(entries, given) if bare(pair[0]) not in near]
        print(f"  without those that training came near: {shown(share_of(exact_matches(*zip(*kept))))}")
        for category, (right, of) in sorted(counts.items()):
            print(f"  {category:24}{right:4} of {of}")
    for measure, people in shares(twin, model, tokenizer, style, MEASURES[3:]).items():
        print(f"{measure}: {shown(people)}")


def shown(share: Share) -> str:
    right, of = share
    return f"{right / of:.1%} ({right} of {of})"


def came_near() -> set[str]:
    """Held-out questions, bare, of which training saw more than their words: those that stand word for word inside another
    question or a sentence, and those about an opposite that was asked the other way round."""
    lessons = make_lessons()
    read = f" {bare({'instruction': make_reading(lessons)})} "
    asked = asked_cases(Random(SEED))["antonyms"]
    reversed_cases = {(answer, word) for word, answer in asked}
    near = set()
    for entries in held_out().values():
        for entry in entries:
            request = bare(entry)
            about = {(word, entry["output"]) for word in request.split()}
            turned = entry["category"] == "antonyms" and about & reversed_cases
            if turned or f" {request} " in read:
                near.add(request)
    return near
