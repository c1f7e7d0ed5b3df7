"""What the shipped models never train on, in three measures: questions in other words, words, and wordings."""

from random import Random

import numpy as np

from shared_gpt.text import split_examples
from shared_gpt.text.instructions import CLOSED_CATEGORIES
from shared_gpt.text.prompts import Entry
from village.asking import Case, ask
from village.draw import shuffled
from village.instructions import make_instructions
from village.language import PHRASINGS, word_cases
from village.wordings import read_more_on_facts, read_wordings

VAL_FRACTION, TEST_FRACTION = 0.05, 0.1  # of `finetune instructions`, so that it holds out the same entries
CASES_OF_A_WORDING = 6


def split_instructions(seed: int = 0) -> tuple[list[Entry], list[Entry]]:
    """The instruction set as `finetune instructions` splits it: what it learns from, and the one in ten that it holds out."""
    rng = np.random.default_rng([seed, 4])
    train, val, test = split_examples(make_instructions(), VAL_FRACTION, TEST_FRACTION, rng)
    return [*train, *val], test


def cases_left_out() -> dict[str, list[Case]]:
    """One word in ten of each category about words, which no question may ask of."""
    rng = Random(0)
    return {category: [case for case in cases if rng.random() < 0.1] for category, cases in word_cases().items()}


def words_left_out() -> list[Entry]:
    """Every wording of the instruction set about one word in ten."""
    return [
        entry for category, cases in cases_left_out().items() for entry in ask(category, PHRASINGS[category], cases)
    ]


def wordings_left_out(cases: dict[str, list[Case]], categories: dict[str, str], seed: int = 7) -> list[Entry]:
    """Each held-out wording about a few cases that training asks of in other wordings, and each held-out question about a
    fact; of the categories with one right answer alone. cases: by topic; categories: topic -> category."""
    rng, entries = Random(seed), []
    for topic, wordings in read_wordings().items():
        for wording in wordings.held_out:
            drawn = shuffled(cases[topic], rng)[:CASES_OF_A_WORDING]
            entries += ask(categories.get(topic, topic), [wording], drawn)
    for fact in read_more_on_facts():
        entries += ask("story facts", fact.held_out, [((), fact.answer)])
    return [entry for entry in entries if entry["category"] in CLOSED_CATEGORIES]
