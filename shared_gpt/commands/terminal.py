"""Text in a terminal, token by token as a model writes it."""

import sys
from collections.abc import Iterator
from typing import Any

from shared_gpt.streams import printable
from shared_gpt.text.streamer import TextStreamer
from shared_gpt.text.tokenizer import Tokenizer


def show(text: str, bold: bool = False) -> None:
    """To a file as it is. To a terminal the prompt in bold, and no control characters, which a model may have learnt."""
    if sys.stdout.isatty():
        text = printable(text)
        text = f"\033[1m{text}\033[0m" if bold else text
    print(text, end="", flush=True)


def streamed(
    tokenizer: Tokenizer, ids: list[int], steps: Iterator[Any], end: int | None
) -> Iterator[tuple[str, Any | None]]:
    """Text to show with the step that it came from; at the end what is left of a cut character, without a step."""
    streamer = TextStreamer(tokenizer, ids)
    for step in steps:
        token = step.tokens[0]
        yield "" if token == end else streamer.put(token), step
    yield streamer.end(), None
