"""A picture of one word's merges: the bytes at the bottom, each merge above its two parts, the tokens at the top."""

from typing import TYPE_CHECKING, NamedTuple

from shared_gpt.text.bpe.explanation import Explanation
from shared_gpt.text.tokenizer import escaped, visible

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TOKEN, INNER, LINE = "#ffd8a8", "#e7f5ff", "#868e96"
FONT = "monospace"
WIDEST = 100  # bytes; with more the picture could not be read


class _Node(NamedTuple):
    token: bytes
    x: float
    height: int
    rank: int | None = None
    children: tuple = ()


def merge_tree(explanation: Explanation) -> "Figure":
    """The tree of `BytePairTokenizer.explain(word)`, with the rank below each merge and the id above each token."""
    from matplotlib.figure import Figure

    if (n_bytes := len(explanation.start)) > WIDEST:
        raise ValueError(f"The word has {n_bytes} bytes, too many for a picture; give one of at most {WIDEST}.")
    roots = _grow(explanation)
    highest = max(root.height for root in roots)
    figure = Figure(figsize=(max(4.0, 0.75 * n_bytes), 1.6 + 0.75 * highest), layout="constrained")
    axes = figure.add_subplot()
    axes.axis("off")
    title = f"{_drawable(explanation.word.encode('utf-8'))}: {n_bytes} bytes, {len(roots)} tokens"
    axes.set_title(title, family=FONT).set_parse_math(False)
    axes.set_xlim(-0.6, n_bytes - 0.4)
    axes.set_ylim(-0.5, highest + 0.7)
    for root, token_id in zip(roots, explanation.ids):
        _draw(axes, root, TOKEN)
        axes.annotate(f"id {token_id}", (root.x, root.height), (0, 14), textcoords="offset points", ha="center", size=8)
    return figure


def _grow(explanation: Explanation) -> list[_Node]:
    nodes = [_Node(byte, x, 0) for x, byte in enumerate(explanation.start)]
    for step in explanation.steps:
        grown: list[_Node] = []
        while nodes:
            left, right = nodes[0], nodes[1] if len(nodes) > 1 else None
            if right and (left.token, right.token) == step.pair:
                middle, height = (left.x + right.x) / 2, 1 + max(left.height, right.height)
                grown.append(_Node(left.token + right.token, middle, height, step.rank, (left, right)))
                nodes = nodes[2:]
            else:
                grown.append(left)
                nodes = nodes[1:]
        nodes = grown
    return nodes


def _draw(axes, node: _Node, colour: str) -> None:
    for child in node.children:
        axes.plot([child.x, child.x, node.x], [child.height, node.height, node.height], color=LINE, lw=1, zorder=1)
        _draw(axes, child, INNER)
    box = {"boxstyle": "round,pad=0.3", "facecolor": colour, "edgecolor": LINE}
    axes.text(
        node.x, node.height, _drawable(node.token), bbox=box, ha="center", va="center", zorder=2, family=FONT
    ).set_parse_math(False)
    if node.rank is not None:
        axes.annotate(
            f"rank {node.rank}", (node.x, node.height), (0, -18), textcoords="offset points", ha="center", size=6,
            color=LINE,
        )  # fmt: skip


def _drawable(token: bytes) -> str:
    """The token as `visible` shows it, with code points for the characters that the font lacks."""
    from matplotlib.font_manager import findfont, get_font

    font = get_font(findfont(FONT))
    return "".join(c if font.get_char_index(ord(c)) else escaped(ord(c)) for c in visible(token))
