"""Entries about words and sentences: endings, opposites, spelling, letters, kinds of things, rewriting."""

from collections.abc import Iterator, Sequence
from random import Random

from shared_gpt.text.prompts import Entry
from village import rewriting, words
from village.asking import Case, ask
from village.draw import pick, shuffled
from village.english import comparative, past, plural, superlative, with_article
from village.lists import listed
from village.spelling import MISSPELLINGS, SENTENCES

PHRASINGS = {
    "plurals": (
        "What is the plural of '{}'?",
        "Write the plural of this noun. | {}",
        "Give the plural form of '{}'.",
        "Which word means more than one '{}'?",
    ),
    "past tense": (
        "What is the past tense of '{}'?",
        "Write this verb in the past tense. | {}",
        "Give the past tense of '{}'.",
        "Which word is the past tense of '{}'?",
    ),
    "comparatives": (
        "What is the comparative of '{}'?",
        "Write the comparative form. | {}",
        "Give the comparative form of '{}'.",
        "Which form of '{}' compares two things?",
    ),
    "superlatives": (
        "What is the superlative of '{}'?",
        "Write the superlative form. | {}",
        "Give the superlative form of '{}'.",
        "Which form of '{}' is said of the one above all others?",
    ),
    "articles": (
        "Write a or an in front of this. | {}",
        "Which article does it take, a or an? | {}",
        "Put the right article, a or an, in front of '{}'.",
        "Do we write a or an before '{}'?",
    ),
    "antonyms": (
        "What is the opposite of '{}'?",
        "Write the opposite of this word. | {}",
        "Give an antonym of '{}'.",
        "Which word means the opposite of '{}'?",
    ),
    "prefixes": (
        "Make the opposite with 'un'. | {}",
        "Put 'un' in front of '{}'.",
        "Give the opposite of '{}' that begins with 'un'.",
        "Which word with 'un' is the opposite of '{}'?",
    ),
    "young animals": (
        "What is a young {0} called?",
        "What do you call the young of this animal? | {0}",
        "Name the young of {1}.",
        "Which animal grows up to be {1}?",
    ),
    "kinds": (
        "What kind of thing is this? | {}",
        "Which kind of thing is '{}'?",
        "Name the kind of thing that '{}' belongs to.",
        "What sort of thing is '{}'?",
    ),
    "odd one out": ("Which word does not belong with the others? | {}", "Find the odd one out. | {}"),
    "spelling": (
        "Correct the spelling. | {}",
        "Write this word correctly. | {}",
        "How do you spell '{}' correctly?",
        "Which word is meant by '{}'?",
    ),
    "spelling in sentences": ("Correct the spelling mistake in this sentence. | {}", "Correct the spelling. | {}"),
    "spelling out": (
        "Spell this word letter by letter. | {}",
        "Spell '{}' with hyphens between the letters.",
        "Write '{}' one letter at a time.",
        "Which letters does '{}' have, one after the other?",
    ),
    "counting letters": (
        "How many letters are in the word '{}'?",
        "Count the letters of this word. | {}",
        "How many letters does '{}' have?",
        "What is the number of letters in '{}'?",
    ),
    "counting words": ("How many words are in this sentence? | {}", "Count the words. | {}"),
    "first letters": (
        "What is the first letter of '{}'?",
        "Write the first letter of this word. | {}",
        "Which letter does '{}' begin with?",
        "Give the first letter of '{}'.",
    ),
    "last letters": (
        "What is the last letter of '{}'?",
        "Write the last letter of this word. | {}",
        "Which letter does '{}' end with?",
        "Give the last letter of '{}'.",
    ),
    "sorting words": ("Sort these words by the alphabet. | {}", "Put these words in alphabetical order. | {}"),
    "capitals": (
        "Put in the capital letters and the full stop. | {}",
        "Correct the capitals and add a full stop. | {}",
    ),
    "sentences in the past": (
        "Put this sentence into the past tense. | {}",
        "Rewrite this sentence in the past tense. | {}",
    ),
    "sentences in the future": ("Put this sentence into the future with 'will'. | {}",),
    "questions": ("Turn this sentence into a question. | {}", "Make a question of this sentence. | {}"),
    "negatives": ("Say the opposite with 'not'. | {}", "Make this sentence negative. | {}"),
    "passive": ("Rewrite this sentence in the passive voice. | {}", "Change the active voice to the passive. | {}"),
    "active": ("Rewrite this sentence in the active voice. | {}", "Change the passive voice to the active. | {}"),
    "polite forms": ("Make this request polite. | {}", "Say this more politely. | {}"),
    "grammar": ("Correct the grammar of this sentence. | {}", "Edit this sentence for grammar. | {}"),
    "joining": ("Join the two sentences with '{1}'. | {0}", "Make one sentence of these two, using '{1}'. | {0}"),
}

LETTER_WORDS = listed(
    "sea cat boat lamp bread river kettle bridge candle lantern baker honey goat window harbour tower"
)
VOCABULARY = list(dict.fromkeys([*LETTER_WORDS, *words.NOUNS, *words.ADJECTIVES, *words.VERBS]))


def language_entries(rng: Random) -> Iterator[Entry]:
    """All entries about words and sentences."""
    for category, cases in [*word_cases().items(), *drawn_cases(rng).items(), *sentence_cases().items()]:
        yield from ask(category, PHRASINGS[category], cases)


def word_cases() -> dict[str, list[Case]]:
    """Cases about single words."""
    return {
        "plurals": [(noun, plural(noun)) for noun in words.NOUNS],
        "past tense": [(verb, past(verb)) for verb in words.VERBS],
        "comparatives": [(adjective, comparative(adjective)) for adjective in words.ADJECTIVES],
        "superlatives": [(adjective, superlative(adjective)) for adjective in words.ADJECTIVES],
        "articles": [
            *((noun, with_article(noun)) for noun in (*words.AN_WORDS, *words.A_WORDS)),
            *((phrase, f"an {phrase}") for phrase in words.AN_PHRASES),
            *((phrase, f"a {phrase}") for phrase in words.A_PHRASES),
        ],
        "antonyms": [*words.OPPOSITES, *words.OPPOSITES_ONE_WAY, *((b, a) for a, b in words.OPPOSITES)],
        "prefixes": [(word, f"un{word}") for word in words.UN_WORDS],
        "young animals": [
            ((animal, with_article(animal)), with_article(young)) for animal, young in words.YOUNG.items()
        ],
        "kinds": [(word, with_kind(kind)) for kind, members in words.KINDS.items() for word in members],
        "spelling": list(MISSPELLINGS.items()),
    }


def drawn_cases(rng: Random) -> dict[str, list[Case]]:
    """Cases for which words are drawn."""

    def some(count: int) -> list[str]:
        return shuffled(VOCABULARY, rng)[:count]

    return {
        "odd one out": odd_ones(rng, 60),
        "spelling out": [(word, "-".join(word)) for word in some(80)],
        "counting letters": [(word, str(len(word))) for word in some(90)],
        "first letters": [(word, word[0]) for word in some(50)],
        "last letters": [(word, word[-1]) for word in some(50)],
        "sorting words": sorted_words(VOCABULARY, rng, 60),
    }


def sentence_cases(acted: Sequence[tuple[str, ...]] = rewriting.ACTIONS) -> dict[str, list[Case]]:
    """Cases about whole sentences. acted: subject, verb, the rest, passive participle of each."""
    actions = [(rewriting.in_present(subject, verb, rest), subject, verb, rest) for subject, verb, rest, _ in acted]
    passives = [
        (rewriting.in_present(subject, verb, rest), rewriting.as_passive(subject, participle, rest))
        for subject, verb, rest, participle in acted
    ]
    return {
        "spelling in sentences": [
            (frame.format(wrong), frame.format(MISSPELLINGS[wrong]))
            for frame, slips in SENTENCES.items()
            for wrong in slips.split()
        ],
        "counting words": [(sentence, str(len(sentence.split()))) for sentence, *_ in actions],
        "capitals": [(sentence.lower().rstrip("."), sentence) for sentence, *_ in actions],
        "sentences in the past": [(now, rewriting.in_past(*action)) for now, *action in actions],
        "sentences in the future": [(now, rewriting.in_future(*action)) for now, *action in actions],
        "questions": [(now, rewriting.as_question(*action)) for now, *action in actions],
        "negatives": [(now, rewriting.as_negative(*action)) for now, *action in actions],
        "passive": passives,
        "active": [(passive, active) for active, passive in passives],
        "polite forms": [
            (f"{command[0].upper()}{command[1:]}!", f"Could you {command}, please?") for command in rewriting.COMMANDS
        ],
        "grammar": list(rewriting.GRAMMAR.items()),
        "joining": [((pair, word), joined) for pair, word, joined in rewriting.JOINED],
    }


def with_kind(kind: str) -> str:
    return kind if kind in ("clothing", "weather", "food") else with_article(kind)


def odd_ones(rng: Random, count: int) -> list[Case]:
    """Rows of three things of one kind and one of another, which may stand anywhere."""
    rows: dict[str, str] = {}
    while len(rows) < count:
        kind, other = shuffled(words.KINDS, rng)[:2]
        stranger = pick(words.KINDS[other], rng)
        row = shuffled([*shuffled(words.KINDS[kind], rng)[:3], stranger], rng)
        rows[", ".join(row)] = stranger
    return list(rows.items())


def sorted_words(vocabulary: list[str], rng: Random, count: int) -> list[Case]:
    """Rows of three words with different first letters, and the same in order."""
    rows: dict[str, str] = {}
    while len(rows) < count:
        row = shuffled(vocabulary, rng)[:3]
        if len({word[0] for word in row}) == 3 and row != sorted(row):
            rows[", ".join(row)] = ", ".join(sorted(row))
    return list(rows.items())
