"""A question as somebody types it: in small letters, without its quotation marks or its full stop, with a please."""

import re
from random import Random

from shared_gpt.text.prompts import Entry
from village.draw import pick

# Categories whose input is a sentence that must stay as it is, because its capitals and marks are what is asked about.
EXACT_INPUT = ("capitals", "counting words", "grammar", "spelling in sentences", "sentences in the past",
               "sentences in the future", "questions", "negatives", "passive", "active", "polite forms", "joining")  # fmt: skip
SHORT = (
    ("What is ", "What's "), ("What is ", "whats "), ("Which is ", "Which one is "), ("How do you ", "How do I "),
    ("How do you ", "How would you "), ("Give ", "Give me "), ("Name ", "Tell me "), ("Who is ", "Who's "),
    ("Write ", "Please write "), ("What is ", "Tell me what is "), ("Which ", "What "), ("How much is ", "What is "),
)  # fmt: skip
BEFORE = ("Please: ", "Tell me: ", "Question: ", "Now, ", "Can you tell me: ", "Tell me, ", "So, ", "I want to know: ")
AFTER = (" please", ", please", " Please.", " Do you know?", " Thanks.", " Tell me.")


def as_typed(entry: Entry, rng: Random) -> Entry:
    """The entry with its request changed in zero to four small ways, and its answer as it is."""
    request, text = entry["instruction"], entry["input"]
    exact = entry["category"] in EXACT_INPUT
    if text and rng.random() < 0.7:
        request = pick((f"{request.rstrip('.?')}: {text}", f"{request} {text}", f"{request.rstrip('.')} {text}"), rng)
        text = ""
    if not exact:
        request = without_quotes(request, rng)
    if rng.random() < 0.3:
        long, short = pick(SHORT, rng)
        request = re.sub(f"^{long}", short, request)
    if not exact and rng.random() < 0.35:
        request = request.lower() if rng.random() < 0.4 else request[0].lower() + request[1:]
    if rng.random() < 0.12:
        request = pick(BEFORE, rng) + request
    if not exact and rng.random() < 0.3:
        request = request.rstrip(".?!")
    if not exact and rng.random() < 0.12:
        request += pick(AFTER, rng)
    return {**entry, "instruction": request, "input": text}


def without_quotes(request: str, rng: Random) -> str:
    """Half of the time as it is, else without its quotation marks, or with double ones."""
    chance = rng.random()
    if chance < 0.5:
        return request
    return re.sub(r"'([^']+)'", r"\1" if chance < 0.85 else r'"\1"', request)


def bare(entry: Entry) -> str:
    """What is left of a request when nobody minds small letters and marks: two that are bare alike are one question."""
    return " ".join(re.findall(r"[\w+*/=-]+", f"{entry['instruction']} {entry.get('input', '')}".lower()))
