"""The questions that the shipped models train on: the instruction set without what is held out, further wordings of its
questions, further words, numbers and sentences, each as people type it."""

from collections.abc import Iterator
from random import Random

from shared_gpt.text.prompts import Entry
from village import answers, language, numbers, rewriting
from village.as_typed import as_typed, bare
from village.asking import Case, ask
from village.draw import pick, shuffled
from village.further_cases import further_cases
from village.held_out import cases_left_out, split_instructions, wordings_left_out, words_left_out
from village.small_talk import SMALL_TALK
from village.wordings import read_more_on_facts, read_wordings

SEED = 1905
CATEGORIES = {**numbers.CATEGORIES}
PHRASINGS = {**language.PHRASINGS, **numbers.PHRASINGS}
N_DRAWN = 150  # cases of a topic that are drawn at random
VARIANTS = {"story facts": 8, "small talk": 8}  # how often a question is typed anew, where not once
WORDINGS_OF_A_CASE = 8  # drawn from all; sums are few and hard, and are asked in twice as many
WORDINGS_OF_A_FURTHER_CASE = 3


def held_out() -> dict[str, list[Entry]]:
    """The three measures by name."""
    return {
        "questions": split_instructions()[1],
        "words": words_left_out(),
        "wordings": wordings_left_out(asked_cases(Random(SEED)), CATEGORIES),
    }


def make_lessons(seed: int = SEED) -> list[Entry]:
    """All training questions in a random order, none of which is held out, whatever its letters and marks."""
    rng = Random(seed)
    forbidden = {bare(entry) for entries in held_out().values() for entry in entries}
    kept: dict[tuple[str, str], Entry] = {}
    for entry in [*split_instructions()[0], *asked(rng)]:
        if bare(entry) not in forbidden:
            variants = [entry, *(as_typed(entry, rng) for _ in range(VARIANTS.get(entry["category"], 1)))]
            kept |= {(variant["instruction"], variant["input"]): variant for variant in variants}
    return shuffled((entry for entry in kept.values() if bare(entry) not in forbidden), rng)


def asked_cases(rng: Random) -> dict[str, list[Case]]:
    """The cases that training asks of, by topic."""
    left_out = cases_left_out()
    words = {topic: [c for c in cases if c not in left_out[topic]] for topic, cases in language.word_cases().items()}
    vocabulary = language.VOCABULARY
    return {
        **words,
        "odd one out": language.odd_ones(rng, N_DRAWN),
        "spelling out": [(word, "-".join(word)) for word in vocabulary],
        "counting letters": [(word, str(len(word))) for word in vocabulary],
        "first letters": [(word, word[0]) for word in vocabulary],
        "last letters": [(word, word[-1]) for word in vocabulary],
        "sorting words": language.sorted_words(vocabulary, rng, N_DRAWN),
        **language.sentence_cases(more_actions(rng)),
        **numbers.number_cases(rng),
        "story sums": numbers.story_sums(rng, N_DRAWN // 4),
        "number after": [(str(n), str(n + 1)) for n in range(100)],
        "number before": [(str(n), str(n - 1)) for n in range(1, 101)],
        "larger number": numbers.larger(rng, N_DRAWN),
        "sorting numbers": numbers.sorted_numbers(rng, N_DRAWN),
        "synonyms": answers.SYNONYMS,
        "rhymes": answers.RHYMES,
    }


def more_actions(rng: Random) -> list[tuple[str, ...]]:
    """The village's actions, and as many again in which somebody else does them."""
    subjects = [action[0] for action in rewriting.ACTIONS]
    others = [(pick(subjects, rng), *action[1:]) for action in rewriting.ACTIONS]
    return [*rewriting.ACTIONS, *others]


def asked(rng: Random) -> Iterator[Entry]:
    """Questions beyond the instruction set, in the wordings of both."""
    wordings, further = read_wordings(), further_cases(rng)
    for topic, cases in asked_cases(rng).items():
        phrasings = [*PHRASINGS.get(topic, ()), *(wordings[topic].trained if topic in wordings else ())]
        for case in cases:
            chosen = shuffled(phrasings, rng)[: WORDINGS_OF_A_CASE * (2 if topic in numbers.arithmetic() else 1)]
            yield from ask(CATEGORIES.get(topic, topic), chosen, [case])
        for case in further.get(topic, ()):
            chosen = shuffled(phrasings, rng)[:WORDINGS_OF_A_FURTHER_CASE]
            yield from ask(CATEGORIES.get(topic, topic), chosen, [case])
    for fact in read_more_on_facts():
        yield from ask("story facts", fact.questions, [((), fact.answer)])
    for answer, sayings in SMALL_TALK.items():
        yield from ask("small talk", sayings, [((), answer)])
