"""An answer shown in a terminal: streaming, then what the model weighed and where a head looked, as on chat --web's page."""

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from rich.console import Console

    from shared_gpt.commands.web.talk import Talk

MOST_ALTERNATIVES, BAR, LOOKED = 5, 24, (230, 159, 0)  # the colour of what a head looked at


def show_answer(talk: "Talk", request: str, console: "Console") -> None:
    """Ask, show the answer as it comes, then open its first token."""
    from rich.text import Text

    from shared_gpt.streams import printable

    console.print(Text(f"> {request}", "bold"))
    prompt, *_ = messages = [next(reply := talk.write({"text": request}))]
    for message in reply:
        messages.append(message)
        console.print(Text(printable(message["text"])), end="")
    console.print("\n")
    if first := next((message for message in messages[1:] if "id" in message), None):
        show_token(talk, prompt["tokens"], first, console)


def show_token(talk: "Talk", before: list[dict[str, Any]], token: dict[str, Any], console: "Console") -> None:
    """The likeliest tokens where this one was chosen, and what the head with the clearest look saw there."""
    from rich.table import Table
    from rich.text import Text

    opened = talk.open({"ids": [earlier["id"] for earlier in before], "chosen": token["id"], "temperature": 1.0})
    table = Table("likeliest first token", "probability", "", box=None, padding=(0, 2, 0, 0))
    table.columns[1].justify = "right"
    for candidate in opened["candidates"][:MOST_ALTERNATIVES]:
        chance = candidate["probability"]
        style = "bold" if candidate["id"] == token["id"] else ""
        table.add_row(
            Text(candidate["token"], style), Text(f"{chance:.1%}", style), Text("█" * round(BAR * chance), "cyan")
        )
    console.print(table)
    attention = np.array(opened["attention"])
    block, head, place = clearest_look(attention)
    weights = attention[block, head]
    seen = Text.assemble(
        *(painted(earlier["token"], weight) for earlier, weight in zip(before, weights / weights.max()))
    )
    console.print(
        Text.assemble(
            f"\nWhen it chose {token['token']}, head {head + 1} of block {block + 1} looked most at ",
            (before[place]["token"], "bold"),
            f" ({weights[place]:.0%}):\n",
            seen,
            "\n",
        )
    )


def clearest_look(attention: np.ndarray) -> tuple[int, int, int]:
    """(block, head, place) of the largest weight of any head (n_layers, H, S) on a token between the first, where heads look that
    have nothing to look for, and the last, which looks itself."""
    inner = attention[:, :, 1:-1] if attention.shape[-1] > 2 else attention
    block, head, place = np.unravel_index(inner.argmax(), inner.shape)
    return int(block), int(head), int(place) + (attention.shape[-1] > 2)


def painted(label: str, share: float) -> tuple[str, str]:
    """A token on a ground that is the stronger, the larger this share of the largest weight is."""
    if share < 0.1:
        return label, ""
    red, green, blue = (round(255 - share * (255 - channel)) for channel in LOOKED)
    return label, f"black on rgb({red},{green},{blue})"
