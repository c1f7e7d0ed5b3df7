"""Sentences that the chat model recites while it learns to answer, from the textbook and the stories.

Whoever learns one thing alone forgets the others: the branches that learn to answer questions overwrite what the base has read
and no question asks about. So a part of what they learn from is read once more, as answers to requests that name a topic and no
word of it. Source: Ouyang et al. 2022, section 3.5, where texts of the pre-training are mixed into the tuning for the same end.
"""

from collections.abc import Iterator

from shared_gpt.text.prompts import Entry
from village.further_statements import ABOUT_WORDS
from village.instructions import read_facts
from village.language import word_cases
from village.textbook import STATEMENTS, told
from village.wordings import read_more_on_facts

FACT_TIMES = 4  # how often a statement about a story is recited in one pass


def recitations() -> Iterator[Entry]:
    """Every statement about every word, and those about the facts of the stories."""
    for topic, cases in word_cases().items():
        for statement in told([*STATEMENTS[topic], *ABOUT_WORDS[topic]], cases):
            yield recited(f"Tell me a sentence about {topic}.", statement)
    for (title, *_), fact in zip(read_facts(), read_more_on_facts()):
        for statement in fact.statements * FACT_TIMES:
            yield recited(f"Tell me something from the story '{title}'.", statement)


def recited(request: str, statement: str) -> Entry:
    return {"instruction": request, "input": "", "output": statement, "category": "recitation"}
