"""From a phrasing with gaps and the words that go into them to an entry of the instruction set."""

from collections.abc import Iterable, Iterator

Entry = dict[str, str]
Case = tuple[str | tuple, str]  # what goes into the gaps, and the answer


def filled(template: str, gaps: str | tuple, **named: str) -> str:
    """The template with its gaps filled: {} or {0}, {1} in their order, {name} by name."""
    return template.format(*(gaps if isinstance(gaps, tuple) else (gaps,)), **named)


def ask(category: str, phrasings: Iterable[str], cases: Iterable[Case]) -> Iterator[Entry]:
    """Asks each case in every phrasing. In a phrasing, what follows the bar is the entry's input."""
    for gaps, output in cases:
        for phrasing in phrasings:
            instruction, _, given = phrasing.partition(" | ")
            yield {
                "instruction": filled(instruction, gaps),
                "input": filled(given, gaps),
                "output": output,
                "category": category,
            }
