"""Tokens for people to look at: in colour with their ids below, in a terminal or on a page, or beside their targets."""

import html
from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from shared_gpt.array_types import Int
from shared_gpt.text.batches import IGNORE_INDEX
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
    """Each id's token in printable form, with the id."""
    return [(visible(tokenizer.decode_bytes([i])), i) for i in ids]


def summary(tokenizer: Tokenizer, text: str, ids: list[int]) -> str:
    """How many tokens a text takes, in one line."""
    size = len(text.encode("utf-8", "replace"))
    return (
        f"{len(ids):,} token{'s' * (len(ids) != 1)} for {size:,} byte{'s' * (size != 1)}, "
        f"{size / max(1, len(ids)):.2f} bytes per token, from a vocabulary of {tokenizer.n_vocab:,}"
    )


def terminal_lines(tokens: Iterable[tuple[str, int]], width: int) -> "list[Text]":
    """Lines for rich, in pairs: the tokens in colour, their ids below. A token with a line break ends the line."""
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
    """The same as a web page that needs no other file."""
    spans = (
        f'<span style="background:{COLOURS[n % len(COLOURS)]}"><b>{html.escape(token)}</b><i>{i}</i></span>'
        + ("<br>" if "⏎" in token else "")
        for n, (token, i) in enumerate(tokens)
    )
    return PAGE.format(title=html.escape(title), tokens="\n".join(spans))


def show_targets(inputs: Int[np.ndarray, "B T"], targets: Int[np.ndarray, "B T"], tokenizer: Tokenizer) -> None:
    """Print each row of a batch as a table: every input token beside its target, blank where the target is ignored."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    def shown(i: int) -> Text:
        return (
            Text("") if i == IGNORE_INDEX else Text.assemble((f"{i:>6} ", "dim"), visible(tokenizer.decode_bytes([i])))
        )

    for row, (ids, wanted) in enumerate(zip(inputs.tolist(), targets.tolist())):
        counted = sum(i != IGNORE_INDEX for i in wanted)
        table = Table(title=f"row {row}: {counted} of {len(wanted)} targets count", title_justify="left")
        table.add_column("place", justify="right")
        table.add_column("input")
        table.add_column("target")
        for place, (i, target) in enumerate(zip(ids, wanted)):
            table.add_row(str(place), shown(i), shown(target), style="dim" if target == IGNORE_INDEX else "")
        Console().print(table)
