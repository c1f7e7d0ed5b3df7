"""Entries about numbers: arithmetic over whole ranges, number words, order and units."""

from collections.abc import Iterator
from random import Random

from shared_gpt.text.prompts import Entry
from village.asking import Case, ask
from village.draw import between, pick, shuffled
from village.english import plural
from village.lists import listed

PHRASINGS = {
    "addition": ("What is {} + {}?", "Work this out. | {} + {}", "Add {} and {}.", "How much is {} plus {}?"),
    "subtraction": ("What is {} - {}?", "Work this out. | {} - {}", "Take {1} from {0}.", "How much is {} minus {}?"),
    "multiplication": (
        "What is {} * {}?",
        "Work this out. | {} * {}",
        "Multiply {} by {}.",
        "How much is {} times {}?",
    ),
    "division": ("What is {} / {}?", "Work this out. | {} / {}", "Divide {} by {}.", "How much is {} divided by {}?"),
    "story sums": ("{}", "Work this out. | {}"),
    "in words": (
        "Write this number in words. | {}",
        "Write {} in words.",
        "How do you write {} in words?",
        "Say {} in words.",
    ),
    "in figures": (
        "Write this number in figures. | {}",
        "Write {} in figures.",
        "How do you write {} in figures?",
        "Which number is meant by {}?",
    ),
    "number after": (
        "What number comes after {}?",
        "Count one further than {}.",
        "Which number follows {}?",
        "What is the next number after {}?",
    ),
    "number before": (
        "What number comes before {}?",
        "Count one back from {}.",
        "Which number stands just before {}?",
        "What is the last number before {}?",
    ),
    "larger number": ("Which number is larger? | {}, {}", "Which is more, {} or {}?"),
    "sorting numbers": (
        "Sort these numbers from small to large. | {}",
        "Put these numbers in order, the smallest first. | {}",
    ),
    "units": ("Convert {} to {}.", "Convert to {1}. | {0}", "How much is {} in {}?", "Write {} in {}."),
}
CATEGORIES = {  # topic -> category, where their names differ
    "in words": "number words",
    "in figures": "number words",
    "number after": "next number",
    "number before": "next number",
}

# a, b and the thing; then whether the answer is a + b or a - b.
STORY_SUMS = {
    "Sam has {} {} and finds {} more. How many has he now?": +1,
    "There are {} {} in the basket. Mina puts in {} more. How many are there now?": +1,
    "Olga sold {} {} in the morning and {} in the afternoon. How many did she sell?": +1,
    "Leo had {} {} and gave away {}. How many are left?": -1,
    "There were {} {} on the table. The goat ate {}. How many are left?": -1,
}
STORY_THINGS = ("apples", "buns", "plums", "carrots", "letters", "nuts", "eggs", "loaves")

# larger unit, smaller unit, how many of the smaller make one of the larger
UNITS = [
    ("kilometre", "metre", 1000),
    ("metre", "centimetre", 100),
    ("centimetre", "millimetre", 10),
    ("kilogram", "gram", 1000),
    ("litre", "millilitre", 1000),
    ("hour", "minute", 60),
    ("minute", "second", 60),
    ("day", "hour", 24),
    ("week", "day", 7),
    ("year", "month", 12),
    ("century", "year", 100),
    ("decade", "year", 10),
]

ONES = listed("""zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen
    eighteen nineteen""")
TENS = listed("- - twenty thirty forty fifty sixty seventy eighty ninety")


def number_entries(rng: Random) -> Iterator[Entry]:
    """All entries about numbers."""
    for topic, cases in number_cases(rng).items():
        yield from ask(CATEGORIES.get(topic, topic), PHRASINGS[topic], cases)


def number_cases(rng: Random) -> dict[str, list[Case]]:
    """Cases about numbers; of the topics with too many a part is drawn."""
    return {
        **arithmetic(),
        "story sums": story_sums(rng, 48),
        "in words": [(str(n), in_words(n)) for n in range(101)],
        "in figures": [(in_words(n), str(n)) for n in range(101)],
        "number after": [(str(n), str(n + 1)) for n in shuffled(range(100), rng)[:60]],
        "number before": [(str(n), str(n - 1)) for n in shuffled(range(1, 101), rng)[:40]],
        "larger number": larger(rng, 60),
        "sorting numbers": sorted_numbers(rng, 60),
        "units": conversions_down() + conversions_up(rng),
    }


def arithmetic() -> dict[str, list[Case]]:
    """Every sum, difference, product and quotient of the small numbers."""
    small, factors = range(11), range(1, 11)
    return {
        "addition": as_text(((a, b), a + b) for a in small for b in small),
        "subtraction": as_text(((a + b, b), a) for a in small for b in small),
        "multiplication": as_text(((a, b), a * b) for a in factors for b in factors),
        "division": as_text(((a * b, b), a) for a in factors for b in range(2, 11)),
    }


def story_sums(rng: Random, count: int) -> list[Case]:
    """Sums told as a story, with the stories in turn."""
    cases: dict[str, str] = {}
    while len(cases) < count:
        frame, sign = list(STORY_SUMS.items())[len(cases) % len(STORY_SUMS)]
        a, b = between(4, 10, rng), between(2, 4, rng)
        if a != b:
            cases[frame.format(a, pick(STORY_THINGS, rng), b)] = str(a + sign * b)
    return list(cases.items())


def larger(rng: Random, count: int) -> list[Case]:
    """Pairs of different numbers below one hundred, with the larger of the two."""
    pairs: dict[tuple[int, int], str] = {}
    while len(pairs) < count:
        a, b = between(0, 99, rng), between(0, 99, rng)
        if a != b:
            pairs[a, b] = str(max(a, b))
    return list(pairs.items())


def sorted_numbers(rng: Random, count: int) -> list[Case]:
    """Rows of three or four different numbers, and the same numbers in order."""
    rows: dict[str, str] = {}
    while len(rows) < count:
        row = shuffled(range(100), rng)[: between(3, 4, rng)]
        if row != sorted(row):
            rows[", ".join(map(str, row))] = ", ".join(map(str, sorted(row)))
    return list(rows.items())


def conversions_down() -> list[Case]:
    """Each pair of units downwards, for every number from 1 to 10."""
    return [
        ((measure(n, big), plural(small)), measure(n * factor, small))
        for big, small, factor in UNITS
        for n in range(1, 11)
    ]


def conversions_up(rng: Random) -> list[Case]:
    """Each pair of units upwards, for four numbers."""
    return [
        ((measure(n * factor, small), plural(big)), measure(n, big))
        for big, small, factor in UNITS
        for n in shuffled(range(2, 11), rng)[:4]
    ]


def measure(n: int, unit: str) -> str:
    return f"{n} {unit if n == 1 else plural(unit)}"


def in_words(n: int) -> str:
    """A number from 0 to 100 in words: forty-two."""
    if n == 100:
        return "one hundred"
    if n < 20:
        return ONES[n]
    return TENS[n // 10] + (f"-{ONES[n % 10]}" if n % 10 else "")


def as_text(cases) -> list[Case]:
    """The same cases with numbers as text."""
    return [(gaps if isinstance(gaps, tuple) else str(gaps), str(answer)) for gaps, answer in cases]
