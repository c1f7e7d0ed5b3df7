"""Tokens for people to look at: side by side in colour, each over its id, in a terminal or on a page."""

import html
from collections.abc import Iterable
from typing import TYPE_CHECKING

from shared_gpt.text.tokenizer import Tokenizer, visible

if TYPE_CHECKING:
    from rich.text import Text

COLOURS = ("#ffd8a8", "#b2f2bb", "#a5d8ff", "#fcc2d7", "#ffec99", "#d0bfff")

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
body {{ font: 16px/1.4 system-ui, sans-serif; margin: 2em auto; max-width: 60em; padding: 0 1em; color: #212529; }}
b, i {{ display: block; font-style: normal; font-weight: normal; unicode-bidi: isolate; }}
span {{ display: inline-block; margin: 0 1px 6px; padding: 1px 3px; border-radius: 4px; text-align: center; }}
b {{ font-family: ui-monospace, monospace; white-space: pre; }}
i {{ font-size: 70%; color: #495057; }}
</style>
<p>{title}</p>
<p>{tokens}</p>
</html>
"""


def labels(tokenizer: Tokenizer, ids: Iterable[int]) -> list[tuple[str, int]]:
    """Each id with its token as one can print it."""
    return [(visible(tokenizer.decode_bytes([i])), i) for i in ids]


def summary(tokenizer: Tokenizer, text: str, ids: list[int]) -> str:
    size = len(text.encode("utf-8", "replace"))
    return (
        f"{len(ids):,} token{'s' * (len(ids) != 1)} for {size:,} byte{'s' * (size != 1)}, "
        f"{size / max(1, len(ids)):.2f} bytes per token, from a vocabulary of {tokenizer.n_vocab:,}"
    )


def terminal_lines(tokens: Iterable[tuple[str, int]], width: int) -> "list[Text]":
    """Lines for rich, in twos: tokens in colour, their ids below; a token with a line's end ends the line."""
    from rich.cells import cell_len
    from rich.text import Text

    lines, tokens_line, ids_line = [], Text(), Text()
    for n, (token, i) in enumerate(tokens):
        cell = max(cell_len(token), len(str(i)))
        if tokens_line.cell_len + cell > width and tokens_line:
            lines += [tokens_line, ids_line]
            tokens_line, ids_line = Text(), Text()
        padding = " " * (cell - cell_len(token))
        tokens_line.append(token + padding, style=f"black on {COLOURS[n % len(COLOURS)]}").append(" ")
        ids_line.append(f"{i:<{cell}} ", style="dim")
        if "⏎" in token:
            lines += [tokens_line, ids_line]
            tokens_line, ids_line = Text(), Text()
    return [*lines, tokens_line, ids_line] if tokens_line else lines


def html_page(tokens: Iterable[tuple[str, int]], title: str) -> str:
    """A page of its own with the same picture."""
    spans = (
        f'<span style="background:{COLOURS[n % len(COLOURS)]}"><b>{html.escape(token)}</b><i>{i}</i></span>'
        + ("<br>" if "⏎" in token else "")
        for n, (token, i) in enumerate(tokens)
    )
    return PAGE.format(title=html.escape(title), tokens="\n".join(spans))
