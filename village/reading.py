"""What the base model reads: the stories, the textbook, sentences about the stories, and exercises with their answers."""

from random import Random

from shared_gpt.text import END_OF_TEXT, load_text
from shared_gpt.text.prompts import Entry
from village.draw import shuffled
from village.textbook import make_textbook
from village.wordings import read_more_on_facts

STORY_TIMES, TEXTBOOK_TIMES, FACT_TIMES = 8, 3, 8  # how often each is read in one pass
EXERCISES_OF_A_PAGE = 20


def make_reading(lessons: list[Entry], seed: int = 1877) -> str:
    """One text of many documents in a random order, with the end token before each: a story, some pages of the textbook, or a
    page of exercises, where each request stands above its answer. lessons: training questions."""
    rng = Random(seed)
    stories = load_text("stories").rstrip("\n").split("\n\n\n") * STORY_TIMES
    pages = make_textbook().rstrip("\n").split("\n\n\n") * TEXTBOOK_TIMES
    facts = [statement for fact in read_more_on_facts() for statement in fact.statements] * FACT_TIMES
    documents = [
        *stories,
        *in_documents(shuffled(pages, rng), 8, "\n\n\n"),
        *in_documents(shuffled(facts, rng), 20, "\n"),
        *in_documents([exercise(entry) for entry in lessons], EXERCISES_OF_A_PAGE, "\n\n"),
    ]
    return "".join(f"{END_OF_TEXT}{document}\n" for document in shuffled(documents, rng))


def exercise(entry: Entry) -> str:
    request = entry["instruction"] + (f"\n{entry['input']}" if entry["input"] else "")
    return f"{request}\n{entry['output']}"


def in_documents(parts: list[str], size: int, separator: str) -> list[str]:
    """So many parts together, one after the other."""
    return [separator.join(parts[start : start + size]) for start in range(0, len(parts), size)]
