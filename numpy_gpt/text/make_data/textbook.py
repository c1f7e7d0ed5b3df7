"""The textbook of Marren's school: what the instruction set asks for, as statements that a model reads beforehand."""

from collections.abc import Iterable, Iterator
from random import Random

from .asking import Case
from .draw import shuffled
from .language import VOCABULARY, word_cases
from .numbers import arithmetic, conversions_down, in_words

SEED = 1836
LINES_OF_A_LESSON = 10

# What is said of each case of a topic: {0} and {1} are what the instruction set asks about, {2} is the answer. Fact and
# answer change places, because a model learns a pair in the direction in which it has read it. Some lines begin with a
# bare word, since for a tokenizer a word behind a space is another one.
STATEMENTS = {
    "plurals": (
        "One {0}, two {2}.",
        "The plural of '{0}' is '{2}'.",
        "{2}: the plural of {0}.",
        "{0}, in the plural {2}.",
    ),
    "past tense": (
        "Today we {0}, yesterday we {2}.",
        "The past tense of '{0}' is '{2}'.",
        "{2}: the past tense of {0}.",
        "{0}, in the past {2}.",
    ),
    "comparatives": (
        "This one is {0}, that one is {2}.",
        "The comparative of '{0}' is '{2}'.",
        "{2}: the comparative of {0}.",
        "{0}, but the other is {2}.",
    ),
    "superlatives": (
        "Many are {0}, one is the {2}.",
        "The superlative of '{0}' is '{2}'.",
        "{2}: the superlative of {0}.",
        "{0}, but one of all is the {2}.",
    ),
    "articles": ("I can see {2}.", "We write '{2}'.", "{2}: that is how we say it.", "{0}, and with its article {2}."),
    "antonyms": (
        "The opposite of '{0}' is '{2}'.",
        "'{2}' means the opposite of '{0}'.",
        "{2}: the opposite of {0}.",
        "{0} and {2} are opposites.",
    ),
    "prefixes": (
        "With 'un' in front, '{0}' becomes '{2}'.",
        "'{2}' is the opposite of '{0}'.",
        "{2}: the opposite of {0}.",
        "{0}, and with un {2}.",
    ),
    "young animals": (
        "A young {0} is called {2}.",
        "The young of {1} is {2}.",
        "{2}: the young of {1}.",
        "{0}, and when it is young {2}.",
    ),
    "kinds": (
        "{0}: {2}.",
        "The word '{0}' stands for {2}.",
        "{2} is meant by '{0}'.",
        "Of '{0}' we say that it is {2}.",
    ),
    "spelling": (
        "Write {2}, not {0}.",
        "The right spelling of '{0}' is '{2}'.",
        "{2}: the right spelling of {0}.",
        "{0} is wrong, {2} is right.",
    ),
    "letters": (
        "{0} is spelt {2}.",
        "{2}: the letters of {0}.",
    ),
    "counting letters": ("'{0}' has {2} letters.", "{2} letters make the word '{0}'."),
    "first and last letters": (
        "'{0}' begins with {1} and ends with {2}.",
        "{1} is the first letter of '{0}', and {2} is the last.",
        "{2} is the last letter of '{0}', and {1} is the first.",
    ),
    "number words": (
        "{0} is written {2}.",
        "{2}: {0} in figures.",
        "{0}, in words {2}.",
        "The words for {0} are '{2}'.",
        "The figures for '{2}' are {0}.",
    ),
    "counting": ("After {0} comes {2}.", "{2} comes after {0}.", "{0} comes before {2}.", "Before {2} comes {0}."),
    "addition": (
        "{0} + {1} is {2}.",
        "{0} plus {1} makes {2}.",
        "{2} is {0} + {1}.",
        "Add {0} and {1}, and you have {2}.",
    ),
    "subtraction": (
        "{0} - {1} is {2}.",
        "{0} minus {1} makes {2}.",
        "{2} is {0} - {1}.",
        "Take {1} from {0}, and you have {2}.",
    ),
    "multiplication": (
        "{0} * {1} is {2}.",
        "{0} times {1} makes {2}.",
        "{2} is {0} * {1}.",
        "Multiply {0} by {1}, and you have {2}.",
    ),
    "division": (
        "{0} / {1} is {2}.",
        "{0} divided by {1} makes {2}.",
        "{2} is {0} / {1}.",
        "Divide {0} by {1}, and you have {2}.",
    ),
    "units": ("{0} is {2}.", "{2} is {0}.", "{0}, counted in {1}: {2}.", "{2} is the same as {0}."),
}


def make_textbook(seed: int = SEED) -> str:
    """Lessons of ten statements on one topic each, in a random order, with the topic as their title."""
    rng = Random(seed)
    lessons = [
        lesson
        for topic, cases in textbook_cases().items()
        for lesson in lessons_on(topic, STATEMENTS[topic], cases, rng)
    ]
    return "\n\n\n".join(shuffled(lessons, rng)) + "\n"


def textbook_cases() -> dict[str, list[Case]]:
    """The cases of the instruction set that a textbook can teach: no sentences to rewrite and no rows to sort."""
    return {
        **word_cases(),
        "letters": [(word, "-".join(word)) for word in VOCABULARY],
        "counting letters": [(word, str(len(word))) for word in VOCABULARY],
        "first and last letters": [((word, word[0]), word[-1]) for word in VOCABULARY],
        "number words": [(str(n), in_words(n)) for n in range(101)],
        "counting": [(str(n), str(n + 1)) for n in range(100)],
        **arithmetic(),
        "units": conversions_down(),
    }


def lessons_on(topic: str, statements: Iterable[str], cases: Iterable[Case], rng: Random) -> Iterator[str]:
    """Every statement about every case, in lessons of ten lines."""
    lines = shuffled(dict.fromkeys(state(statement, *case) for case in cases for statement in statements), rng)
    for start in range(0, len(lines), LINES_OF_A_LESSON):
        yield "\n".join([topic.capitalize(), "", *lines[start : start + LINES_OF_A_LESSON]])


def state(statement: str, gaps: str | tuple, answer: str) -> str:
    gaps = gaps if isinstance(gaps, tuple) else (gaps, "")
    return statement.format(*gaps, answer)
