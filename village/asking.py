"""From a phrasing with gaps, and the words that fill them, to an entry of the instruction set."""

from collections.abc import Iterable, Iterator

from shared_gpt.text.prompts import Entry

Case = tuple[str | tuple, str]  # what goes into the gaps, and the answer


def filled(template: str, gaps: str | tuple, **named: str) -> str:
    """The template with its gaps filled: {} or {0}, {1} in order, {name} by name."""
    return template.format(*(gaps if isinstance(gaps, tuple) else (gaps,)), **named)


def ask(category: str, phrasings: Iterable[str], cases: Iterable[Case]) -> Iterator[Entry]:
    """Each case in every phrasing. What follows the bar in a phrasing is the entry's input."""
    for gaps, output in cases:
        for phrasing in phrasings:
            instruction, _, input_text = phrasing.partition(" | ")
            yield {
                "instruction": filled(instruction, gaps),
                "input": filled(input_text, gaps),
                "output": output,
                "category": category,
            }
