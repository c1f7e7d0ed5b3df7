"""The textbook of Marren's school: what the instruction set asks for, as statements for a model to read first."""

from collections.abc import Iterable, Iterator
from random import Random

from village.asking import Case, filled
from village.draw import shuffled
from village.language import VOCABULARY, word_cases
from village.numbers import arithmetic, conversions_down, in_words

SEED = 1836
LINES_OF_A_LESSON = 10

# The statements about each case of a topic; {0} and {1} are what the instruction set asks about. Question and answer
# also stand the other way round, because a model learns a pair in the direction in which it has read it. Some lines
# begin with the bare word, because to a tokenizer a word with a space before it is a different one.
STATEMENTS = {
    "plurals": (
        "One {0}, two {answer}.",
        "The plural of '{0}' is '{answer}'.",
        "{answer}: the plural of {0}.",
        "{0}, in the plural {answer}.",
    ),
    "past tense": (
        "Today we {0}, yesterday we {answer}.",
        "The past tense of '{0}' is '{answer}'.",
        "{answer}: the past tense of {0}.",
        "{0}, in the past {answer}.",
    ),
    "comparatives": (
        "This one is {0}, that one is {answer}.",
        "The comparative of '{0}' is '{answer}'.",
        "{answer}: the comparative of {0}.",
        "{0}, but the other is {answer}.",
    ),
    "superlatives": (
        "Many are {0}, one is the {answer}.",
        "The superlative of '{0}' is '{answer}'.",
        "{answer}: the superlative of {0}.",
        "{0}, but one of all is the {answer}.",
    ),
    "articles": (
        "I can see {answer}.",
        "We write '{answer}'.",
        "{answer}: that is how we say it.",
        "{0}, and with its article {answer}.",
    ),
    "antonyms": (
        "The opposite of '{0}' is '{answer}'.",
        "'{answer}' means the opposite of '{0}'.",
        "{answer}: the opposite of {0}.",
        "{0} and {answer} are opposites.",
    ),
    "prefixes": (
        "With 'un' in front, '{0}' becomes '{answer}'.",
        "'{answer}' is the opposite of '{0}'.",
        "{answer}: the opposite of {0}.",
        "{0}, and with un {answer}.",
    ),
    "young animals": (
        "A young {0} is called {answer}.",
        "The young of {1} is {answer}.",
        "{answer}: the young of {1}.",
        "{0}, and when it is young {answer}.",
    ),
    "kinds": (
        "{0}: {answer}.",
        "The word '{0}' stands for {answer}.",
        "{answer} is meant by '{0}'.",
        "Of '{0}' we say that it is {answer}.",
    ),
    "spelling": (
        "Write {answer}, not {0}.",
        "The right spelling of '{0}' is '{answer}'.",
        "{answer}: the right spelling of {0}.",
        "{0} is wrong, {answer} is right.",
    ),
    "letters": (
        "{0} is spelt {answer}.",
        "{answer}: the letters of {0}.",
    ),
    "counting letters": ("'{0}' has {answer} letters.", "{answer} letters make the word '{0}'."),
    "first and last letters": (
        "'{0}' begins with {1} and ends with {answer}.",
        "{1} is the first letter of '{0}', and {answer} is the last.",
        "{answer} is the last letter of '{0}', and {1} is the first.",
    ),
    "number words": (
        "{0} is written {answer}.",
        "{answer}: {0} in figures.",
        "{0}, in words {answer}.",
        "The words for {0} are '{answer}'.",
        "The figures for '{answer}' are {0}.",
    ),
    "counting": (
        "After {0} comes {answer}.",
        "{answer} comes after {0}.",
        "{0} comes before {answer}.",
        "Before {answer} comes {0}.",
    ),
    "addition": (
        "{0} + {1} is {answer}.",
        "{0} plus {1} makes {answer}.",
        "{answer} is {0} + {1}.",
        "Add {0} and {1}, and you have {answer}.",
    ),
    "subtraction": (
        "{0} - {1} is {answer}.",
        "{0} minus {1} makes {answer}.",
        "{answer} is {0} - {1}.",
        "Take {1} from {0}, and you have {answer}.",
    ),
    "multiplication": (
        "{0} * {1} is {answer}.",
        "{0} times {1} makes {answer}.",
        "{answer} is {0} * {1}.",
        "Multiply {0} by {1}, and you have {answer}.",
    ),
    "division": (
        "{0} / {1} is {answer}.",
        "{0} divided by {1} makes {answer}.",
        "{answer} is {0} / {1}.",
        "Divide {0} by {1}, and you have {answer}.",
    ),
    "units": ("{0} is {answer}.", "{answer} is {0}.", "{0}, counted in {1}: {answer}.", "{answer} is the same as {0}."),
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
    """The cases of the instruction set that a textbook can teach: without sentences to rewrite and rows to sort."""
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
    yield from lessons_of(topic, dict.fromkeys(told(statements, cases)), rng)


def told(statements: Iterable[str], cases: Iterable[Case]) -> list[str]:
    """Each case in each statement."""
    forms = list(statements)
    return [filled(form, gaps, answer=answer) for gaps, answer in cases for form in forms]


def lessons_of(topic: str, statements: Iterable[str], rng: Random) -> Iterator[str]:
    """These sentences in a random order, ten below each title."""
    lines = shuffled(statements, rng)
    for start in range(0, len(lines), LINES_OF_A_LESSON):
        yield "\n".join([topic.capitalize(), "", *lines[start : start + LINES_OF_A_LESSON]])
