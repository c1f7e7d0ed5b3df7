"""How a word became its tokens, as data to print or to draw."""

from typing import NamedTuple

from shared_gpt.text.tokenizer import visible


class MergeStep(NamedTuple):
    """One merge: its rank (how early it was learnt), the pair that it joins, and the word's parts after it."""

    rank: int
    pair: tuple[bytes, bytes]
    parts: list[bytes]


class Explanation(NamedTuple):
    """The merges of one word, in order. Printed, it is a table with a line for each."""

    word: str
    start: list[bytes]
    steps: list[MergeStep]
    ids: list[int]

    @property
    def tokens(self) -> list[bytes]:
        return self.steps[-1].parts if self.steps else self.start

    def __str__(self) -> str:
        rows = [("rank", "pair", "the word after it"), ("", "", _spaced(self.start))]
        rows += [(str(step.rank), " + ".join(map(visible, step.pair)), _spaced(step.parts)) for step in self.steps]
        rank_width, pair_width = (max(len(row[column]) for row in rows) for column in (0, 1))
        lines = [f"{rank:>{rank_width}}  {pair:<{pair_width}}  {parts}" for rank, pair, parts in rows]
        ids = "  ".join(f"{visible(token)} = {i}" for token, i in zip(self.tokens, self.ids))
        return "\n".join([*(line.rstrip() for line in lines), f"ids: {ids}"])


def _spaced(parts: list[bytes]) -> str:
    return " ".join(map(visible, parts))
