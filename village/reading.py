"""What the base model reads: the stories, the textbook, its statements in other words, the facts of each story told again, and
exercises with their answers."""

from collections.abc import Iterator
from itertools import groupby
from random import Random

from shared_gpt.text import END_OF_TEXT, load_text
from shared_gpt.text.prompts import Entry
from village.draw import pick, shuffled
from village.further_statements import further_lessons
from village.instructions import read_facts
from village.textbook import make_textbook
from village.wordings import read_more_on_facts

STORY_TIMES, TEXTBOOK_TIMES, FACT_TIMES = 24, 2, 40  # how often each is read in one pass
# Long documents, of which there are few, so that what begins after an end token is mostly a story or its facts.
LESSONS_OF_A_DOCUMENT, EXERCISES_OF_A_PAGE = 40, 200

# Between lessons and between exercises. A story never has two empty lines, so after a paragraph it goes on as a story.
BREAK = "\n\n\n"


def make_reading(lessons: list[Entry], seed: int = 1877) -> str:
    """One text of many documents in a random order, with the end token before each: a story, its facts told again, lessons of a
    textbook, or a page of exercises, where each request stands above its answer. lessons: training questions."""
    rng = Random(seed)
    stories = load_text("stories").rstrip("\n").split(BREAK) * STORY_TIMES
    facts = [document for _ in range(FACT_TIMES) for document in facts_told_again(rng)]
    pages = [*make_textbook().rstrip("\n").split(BREAK) * TEXTBOOK_TIMES, *further_lessons(rng)]
    documents = [
        *stories,
        *facts,
        *in_documents(shuffled(pages, rng), LESSONS_OF_A_DOCUMENT),
        *(f"Exercises{BREAK}{page}" for page in in_documents([*map(exercise, lessons)], EXERCISES_OF_A_PAGE)),
    ]
    return "".join(f"{END_OF_TEXT}{document}\n" for document in shuffled(documents, rng))


def facts_told_again(rng: Random) -> Iterator[str]:
    """Below the title of each story its facts in their order, as one paragraph; each in one of its statements."""
    told = zip(read_facts(), read_more_on_facts())
    for title, facts in groupby(told, key=lambda pair: pair[0][0]):
        yield f"{title}\n\n{' '.join(pick(more.statements, rng) for _, more in facts)}"


def exercise(entry: Entry) -> str:
    request = entry["instruction"] + (f"\n{entry['input']}" if entry["input"] else "")
    return f"{request}\n{entry['output']}"


def in_documents(parts: list[str], size: int) -> list[str]:
    """So many parts together, one after the other."""
    return [BREAK.join(parts[start : start + size]) for start in range(0, len(parts), size)]
