"""Further wordings of the questions, and further sentences about the facts of the stories: what the shipped models train on
beyond the instruction set, and what they are asked in the end. A line after "- " is held out: nothing is ever trained on it."""

from pathlib import Path
from typing import NamedTuple

from village.instructions import read_facts

HERE = Path(__file__).parent
HELD_OUT, QUESTION, STATEMENT = "- ", "? ", ". "


class Wordings(NamedTuple):
    """The phrasings of one topic, with gaps as in `asking.filled`."""

    trained: list[str]
    held_out: list[str]


class MoreOnFact(NamedTuple):
    """What is said and asked of one fact, besides its entries in the instruction set."""

    answer: str
    statements: list[str]
    questions: list[str]
    held_out: list[str]


def read_wordings() -> dict[str, Wordings]:
    """wordings.txt by topic."""
    topics: dict[str, Wordings] = {}
    for line in (HERE / "wordings.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("# "):
            topics[line[2:]] = current = Wordings([], [])
        elif line.startswith(HELD_OUT):
            current.held_out.append(line[len(HELD_OUT) :])
        elif line:
            current.trained.append(line)
    return topics


def read_more_on_facts() -> list[MoreOnFact]:
    """more_on_facts.txt, in the order of facts.txt. Raises ValueError where the two do not belong together."""
    facts: list[MoreOnFact] = []
    for line in (HERE / "more_on_facts.txt").read_text(encoding="utf-8").splitlines():
        sign, rest = line[:2], line[2:]
        if sign in (HELD_OUT, QUESTION, STATEMENT):
            fact = facts[-1]
            {HELD_OUT: fact.held_out, QUESTION: fact.questions, STATEMENT: fact.statements}[sign].append(rest)
        elif line:
            facts.append(MoreOnFact(line, [], [], []))
    expected = [answer for _, answer, _ in read_facts()]
    if [fact.answer for fact in facts] != expected:
        raise ValueError("more_on_facts.txt does not list the answers of facts.txt in their order; write one for each.")
    return facts
