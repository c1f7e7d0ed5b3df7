"""Words and rows that the questions of the shipped models ask of beyond the instruction set: with more of them it pays to look a
word up in what was read, and learning the list by heart does not."""

from collections.abc import Iterator
from pathlib import Path
from random import Random

from village import language, numbers
from village.asking import Case
from village.english import VOWELS, comparative, past, plural, superlative
from village.words import KINDS

FURTHER_WORDS = Path(__file__).parent / "further_words.txt"
ONE_WAY = ">"  # after a pair of opposites of which only the first is asked
N_FURTHER = 250  # rows of a topic that are drawn at random


def further_cases(rng: Random) -> dict[str, list[Case]]:
    """Cases by topic; none of them is a case of the instruction set, so none is one that was left out."""
    return {
        **further_word_cases(),
        "odd one out": language.odd_ones(rng, N_FURTHER),
        "sorting words": language.sorted_words(language.VOCABULARY, rng, N_FURTHER),
        "larger number": numbers.larger(rng, N_FURTHER),
        "sorting numbers": numbers.sorted_numbers(rng, N_FURTHER),
    }


def further_word_cases() -> dict[str, list[Case]]:
    """Those about single words."""
    listed = read_further_words()
    adjectives = [word for word, *_ in listed["adjectives"]]
    forms = {word: forms for word, *forms in listed["adjectives"] if forms}
    return {
        "plurals": [(noun, *(forms or [plural(noun)])) for noun, *forms in listed["plurals"]],
        "past tense": [(verb, *(forms or [past(verb)])) for verb, *forms in listed["past tense"]],
        "comparatives": [(word, forms[word][0] if word in forms else comparative(word)) for word in adjectives],
        "superlatives": [(word, forms[word][1] if word in forms else superlative(word)) for word in adjectives],
        "articles": [(word, f"{article} {word}") for article in ("an", "a") for (word,) in listed[article]],
        "antonyms": list(opposites(listed["antonyms"])),
        "prefixes": [(word, f"un{word}") for (word,) in listed["prefixes"]],
        "young animals": [((animal, by_sound(animal)), f"a {young}") for animal, young in listed["young animals"]],
        "kinds": [(word, language.with_kind(kind)) for kind in KINDS for (word,) in listed[kind]],
        "spelling": [(wrong, right) for wrong, right in listed["spelling"]],
    }


def read_further_words() -> dict[str, list[tuple[str, ...]]]:
    """further_words.txt by heading: each word with its forms, where there are any."""
    listed: dict[str, list[tuple[str, ...]]] = {}
    for line in FURTHER_WORDS.read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            listed[line[2:]] = current = []
        else:
            current.extend(tuple(word.split("/")) for word in line.split())
    return listed


def opposites(pairs: list[tuple[str, ...]]) -> Iterator[Case]:
    for one, other in pairs:
        yield one, other.rstrip(ONE_WAY)
        if not other.endswith(ONE_WAY):
            yield other, one


def by_sound(noun: str) -> str:
    return f"an {noun}" if noun[0] in VOWELS else f"a {noun}"
