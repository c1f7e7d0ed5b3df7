"""The README.md beside each shipped model: what it is, what it was made of, what it can do and what it cannot."""

from typing import Any

CARD = """# {name}

{what}

    {use}

## Made of

{made_of}

- data: {data}
- tokenizer: {tokenizer}
- {steps:,} steps of {batch_size} sequences, learning rate {lr:g}, seed {seed}; every setting is in `origin.json`
- made again by `{made_by}`; numbers in float16 on the disk, float32 in memory

## What it can do

{figures}

## What it cannot do

{limits}

Code: MIT. Texts and weights: CC0.
"""

WHAT = {
    "marren": "A small GPT-2 that goes on with a text. It has read the stories of a village, Marren, and the textbook and the "
    "exercises of its school.",
    "marren-chat": "LoRA's branches for `marren`, which make it answer: about words, letters, small numbers, and the village.",
    "marren-spam": "LoRA's branches for `marren`, and a head of two classes, which tell spam from ham.",
}
USE = {
    "marren": 'numpy-gpt generate --prompt "One morning Bram Tolly"',
    "marren-chat": "numpy-gpt chat",
    "marren-spam": 'numpy-gpt classify "Claim your free prize now, call 0900 1234"',
}
MADE_OF = {
    "marren": "The stories (60,000 characters), the textbook and its statements in other words, the facts of the stories told "
    "again, and the questions that marren-chat also learns, each above its answer. All are in this project; nothing was "
    "downloaded.",
    "marren-chat": "The instruction set without what it holds out, and further wordings, words, numbers and sentences, some as "
    "people type them (`village/lessons.py`); between them sentences of what the base has read, to be recited "
    "(`village/recitation.py`).",
    "marren-spam": "960 of the 1,920 labelled messages, half of them spam; a tenth for validation and a fifth for the test are "
    "held out.",
}
LIMITS = {
    "marren": "It knows one village and a school's primer, and English only as far as these go. It sees 64 tokens at once. "
    "Without a prompt it mostly begins with a story or its facts, with whole sentences from what it has read, and loses its "
    "thread after some of them. A prompt that no story begins with may be taken for a line of the school book.",
    "marren-chat": "Each line is a request by itself; it remembers none of those before. It sees 64 tokens at once. It knows "
    "nothing beyond its lessons, and never says so: it answers everything, often with something of another kind. It cannot sort, "
    "compare numbers or find the odd one out. Sums of numbers above ten are guesses, and so is everything about words that it "
    "has not read. One word in ten of each kind was kept from its questions, to measure it.",
    "marren-spam": "Messages in English, of the kinds that the village sends: 672 to learn from are few. It judges by the "
    "wording of the village's own spam: many an ordinary fraud passes for ham, and capitals can turn its verdict.",
}
MEASURES = {
    "questions": "held-out questions with one right answer, most of which it met in other words",
    "words": "questions about words of which no training question asked that",
    "wordings": "questions in wordings that no training question had",
    "as people ask": "questions as people type them, judged by answers written by hand",
    "training": "messages it learnt from",
    "validation": "messages for validation",
    "test": "messages held out to the end",
}


def model_card(name: str, origin: dict[str, Any]) -> str:
    """The card of a shipped model. origin: what its origin.json holds."""
    training = origin["settings"]["training"]
    shown = {key: training[key] for key in ("steps", "batch_size", "lr", "seed")}
    lines = [
        f"- {right / of:.1%} ({right} of {of}): {MEASURES[measure]}"
        for measure, (right, of) in origin["figures"].items()
    ]
    return CARD.format(
        name=name,
        what=WHAT[name],
        use=USE[name],
        made_of=MADE_OF[name],
        figures="\n".join(lines) or "It goes on with a text; it was not made to answer.",
        limits=LIMITS[name],
        **{key: origin[key] for key in ("data", "tokenizer", "made_by")},
        **shown,
    )
