"""The labelled messages: ham and spam in the form of the SMS Spam Collection, label TAB text."""

import re
from random import Random

from village.chatter import CHATTER
from village.draw import pick, shuffled
from village.fillings import GAPS
from village.messages import (
    HAM,
    HAM_CLOSINGS,
    HAM_OPENINGS,
    SHORT_FORMS,
    SPAM,
    SPAM_CLOSINGS,
    SPAM_OPENINGS,
)

SEED = 160
N_HAM, N_SPAM = 1440, 480


def make_labels(seed: int = SEED) -> list[tuple[str, str]]:
    """All (label, text) rows in a random order, three of ham to one of spam, no text twice."""
    rng = Random(seed)
    ham = CHATTER + messages(HAM, HAM_OPENINGS, HAM_CLOSINGS, N_HAM - len(CHATTER), rng)
    spam = messages(SPAM, SPAM_OPENINGS, SPAM_CLOSINGS, N_SPAM, rng)
    return shuffled([*(("ham", text) for text in ham), *(("spam", text) for text in spam)], rng)


def messages(templates: list[str], openings: list[str], closings: list[str], count: int, rng: Random) -> list[str]:
    """Messages, no two alike, made from the templates in turn."""
    texts: dict[str, str] = {}
    while len(texts) < count:
        template = templates[len(texts) % len(templates)]
        text = in_haste(fill(f"{pick(openings, rng)}{template}{pick(closings, rng)}", rng), rng)
        texts[text.lower()] = text
    return list(texts.values())


def fill(template: str, rng: Random) -> str:
    """The template with every gap filled; no word is used twice in a message, as long as there are others."""
    supply: dict[str, list[str]] = {}

    def word(gap: re.Match[str]) -> str:
        kind = gap[1]
        if not supply.get(kind):
            supply[kind] = shuffled(GAPS[kind], rng)
        return supply[kind].pop()

    text = re.sub(r"\{(\w+)\}", word, template)
    return text[0].upper() + text[1:]


def in_haste(text: str, rng: Random) -> str:
    """The message as people type it: three in ten with short forms, in small letters, or in capitals."""
    mood = rng.random()
    if mood < 0.12:
        for long, short in SHORT_FORMS:
            text = re.sub(rf"\b{long}\b", short, text)
    elif mood < 0.26:
        text = text.lower().rstrip(" .")
    elif mood < 0.30:
        text = text.upper()
    return text
