"""The instruction set: questions in Alpaca's layout, most of them with exactly one right answer."""

from collections.abc import Iterator
from importlib.resources import files
from random import Random

from shared_gpt.text.prompts import Entry
from village import answers
from village.asking import ask
from village.draw import shuffled
from village.language import language_entries
from village.numbers import number_entries

SEED = 2019


def make_instructions(seed: int = SEED) -> list[Entry]:
    """All entries in a random order, each with the keys instruction, input, output and category."""
    rng = Random(seed)
    return shuffled([*number_entries(rng), *language_entries(rng), *fact_entries(), *open_entries()], rng)


def fact_entries() -> Iterator[Entry]:
    """Every question about the stories; those about one fact share its answer."""
    for _, answer, questions in read_facts():
        for question in questions:
            yield {"instruction": question, "input": "", "output": answer, "category": "story facts"}


def read_facts() -> list[tuple[str, str, list[str]]]:
    """The facts of facts.txt as (title of the story, answer, questions)."""
    facts: list[tuple[str, str, list[str]]] = []
    title = ""
    for line in (files("shared_gpt.text") / "data" / "facts.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            title = line[2:]
        elif line.startswith("  "):
            facts[-1][2].append(line.strip())
        elif line:
            facts.append((title, line, []))
    return facts


def open_entries() -> Iterator[Entry]:
    """Questions with more than one good answer."""
    yield from ask("synonyms", ("Give a synonym of '{}'.", "Write a word that means the same. | {}"), answers.SYNONYMS)
    yield from ask("rhymes", ("Name a word that rhymes with '{}'.", "Find a rhyme. | {}"), answers.RHYMES)
    yield from ask("lists", ("Name {}.", "Write down {}."), answers.LISTS.items())
    yield from ask("explanations", ("{}", "Answer in one sentence. | {}"), answers.EXPLANATIONS.items())
    yield from ask(
        "first sentences",
        ("Write the first sentence of a story about {}.", "Begin a story about this. | {}"),
        answers.FIRST_SENTENCES.items(),
    )
    yield from ask("letters", ("Write a line that {}.", "Write one sentence that {}."), answers.LETTER_LINES.items())
