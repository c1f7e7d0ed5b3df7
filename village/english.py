"""The regular English word endings; the exceptions are in the tables of words.py."""

from village.words import AN_WORDS, COMPARISONS, DOUBLED, PASTS, PLURALS

VOWELS = "aeiou"


def plural(noun: str) -> str:
    """The plural of a noun: boats, boxes, cities, and the irregular ones."""
    if noun in PLURALS:
        return PLURALS[noun]
    if noun.endswith(("s", "x", "z", "ch", "sh")):
        return noun + "es"
    if ends_in_consonant_y(noun):
        return noun[:-1] + "ies"
    return noun + "s"


def past(verb: str) -> str:
    """The simple past of a verb: walked, baked, carried, stopped, and the irregular ones."""
    return PASTS[verb] if verb in PASTS else with_ending(verb, "ed")


def third_person(verb: str) -> str:
    """The form after he, she or it: walks, catches, carries, goes."""
    if verb.endswith(("s", "x", "z", "ch", "sh", "o")):
        return verb + "es"
    return verb[:-1] + "ies" if ends_in_consonant_y(verb) else verb + "s"


def comparative(adjective: str) -> str:
    """taller, larger, happier, bigger, better"""
    if adjective in COMPARISONS:
        return COMPARISONS[adjective][0]
    return with_ending(adjective, "er")


def superlative(adjective: str) -> str:
    """tallest, largest, happiest, biggest, best"""
    if adjective in COMPARISONS:
        return COMPARISONS[adjective][1]
    return with_ending(adjective, "est")


def with_article(noun: str) -> str:
    """The noun after a or an. Its sound decides which, not its spelling (an hour, a uniform)."""
    return f"an {noun}" if noun in AN_WORDS else f"a {noun}"


def with_ending(word: str, ending: str) -> str:
    """The word with an ending that begins with e, by the three rules of spelling: love-d, tri-ed, stopp-ed."""
    if word.endswith("e"):
        return word + ending[1:]
    if ends_in_consonant_y(word):
        return word[:-1] + "i" + ending
    return word + word[-1] * (word in DOUBLED) + ending


def ends_in_consonant_y(word: str) -> bool:
    return word.endswith("y") and word[-2] not in VOWELS
