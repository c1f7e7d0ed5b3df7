"""BytePairTokenizer: a text to tokens and back, by a vocabulary of byte pairs.

Sennrich et al. 2016 (arXiv:1508.07909) for the merges; Radford et al. 2019, section 2.2, for bytes and the split.

A text is split into words (split.py) and each word into its bytes. Of all pairs of neighbours in a word, the one that was
learnt first is joined wherever it stands; and so on, until no learnt pair is left. What remains are the tokens.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain, pairwise
from math import inf
from pathlib import Path
from typing import Any

from shared_gpt.text.bpe.explanation import Explanation, MergeStep
from shared_gpt.text.bpe.files import find_gpt2, read_gpt2, write_gpt2
from shared_gpt.text.bpe.long_words import merge_long
from shared_gpt.text.bpe.training import count_words, learn_merges
from shared_gpt.text.bpe.vocabulary import BYTES, Pair, Vocabulary, gpt2_ids
from shared_gpt.text.split import split, split_bytes
from shared_gpt.text.tokenizer import (
    END_OF_TEXT,
    AllowedSpecial,
    look_up,
    read_tokenizer,
    split_special,
    well_formed,
    write_tokenizer,
)

LONG_WORD = 100  # characters; a longer word is merged by long_words.py, and its ids are not kept
KEPT_WORDS = 1 << 17


def merge_steps(parts: list[bytes], ranks: Mapping[Pair, int]) -> Iterator[tuple[Pair, list[bytes]]]:
    """Each merge between the bytes of a word and its tokens: the pair, and the parts after it."""
    while len(parts) > 1:
        pair = min(pairwise(parts), key=lambda pair: ranks.get(pair, inf))
        if pair not in ranks:
            return
        parts = join_pair(parts, pair)
        yield pair, parts


def join_pair(parts: list[bytes], pair: Pair) -> list[bytes]:
    """The parts with `pair` joined wherever it stands, from left to right: (a, a) turns a a a into aa a."""
    joined, i = [], 0
    while i < len(parts):
        width = 2 if tuple(parts[i : i + 2]) == pair else 1
        joined.append(b"".join(parts[i : i + width]))
        i += width
    return joined


def merge(parts: list[bytes], ranks: Mapping[Pair, int]) -> list[bytes]:
    """The tokens of one word, from its bytes."""
    for _, parts in merge_steps(parts, ranks):  # noqa: B007, B020 - only the last parts count
        pass
    return parts


class _KeptWords(dict):
    """word -> its ids, worked out when they are first asked for. Texts repeat their words: most of the speed is due to this."""

    def __init__(self, tokenizer: "BytePairTokenizer"):
        self.tokenizer = tokenizer

    def __missing__(self, word: str) -> list[int]:
        parts, t = split_bytes(word), self.tokenizer
        if len(word) > LONG_WORD:
            return [t.ids[part] for part in merge_long(parts, t.ranks)]
        if len(self) >= KEPT_WORDS:
            self.clear()
        self[word] = [t.ids[part] for part in merge(parts, t.ranks)]
        return self[word]


class BytePairTokenizer:
    """GPT-2's kind of tokenizer, for `merges` in the order they were learnt.

    Without `ids` the tokens are numbered as in GPT-2: the 256 bytes in its order, the merged tokens, the special tokens.
    Lone surrogates are encoded as U+FFFD, and bytes that are not UTF-8 are decoded as U+FFFD (tiktoken does both).
    """

    kind = "byte-pair"

    def __init__(
        self,
        merges: Sequence[Pair],
        special_tokens: Iterable[str] | Mapping[str, int] = (END_OF_TEXT,),
        ids: Mapping[bytes, int] | None = None,
    ):
        if ids is None:
            ids = gpt2_ids(merges)
        if not isinstance(special_tokens, Mapping):
            special_tokens = {name: len(ids) + i for i, name in enumerate(special_tokens)}
        self.vocabulary = Vocabulary(list(merges), dict(ids), dict(special_tokens)).check()
        self.merges, self.ids, self.special_tokens = self.vocabulary
        self.ranks = {pair: rank for rank, pair in enumerate(self.merges)}
        self.tokens = {i: token for token, i in self.ids.items()}
        self.tokens |= {i: name.encode("utf-8") for name, i in self.special_tokens.items()}
        self.n_vocab = max(self.tokens) + 1
        self.eot = self.special_tokens.get(END_OF_TEXT)
        self._kept = _KeptWords(self)

    def __repr__(self) -> str:
        return f"BytePairTokenizer(n_vocab={self.n_vocab})"

    @classmethod
    def train(
        cls,
        text: str | Iterable[str],
        vocab_size: int,
        special_tokens: Sequence[str] = (END_OF_TEXT,),
        min_frequency: int = 2,
        on_merge: Callable[[int], None] = lambda done: None,
    ) -> "BytePairTokenizer":
        """Learn a vocabulary (see training.py) from a text, or from pieces of one that need not fit in memory.

        Special tokens in the text are not learnt from. The vocabulary stays smaller than `vocab_size` if no pair occurs
        `min_frequency` times any more. `on_merge` is called with the number of merges done so far.
        """
        n_merges = vocab_size - len(BYTES) - len(special_tokens)
        if n_merges < 0:
            raise ValueError(
                f"A vocab_size of {vocab_size} cannot hold the 256 bytes and {len(special_tokens)} special tokens; "
                f"take at least {len(BYTES) + len(special_tokens)}."
            )
        words = count_words([text] if isinstance(text, str) else text, special_tokens)
        merges = learn_merges(words, n_merges, min_frequency, on_merge)
        return cls(merges, special_tokens)

    def encode(self, text: str, allowed_special: AllowedSpecial = frozenset()) -> list[int]:
        """The ids of a text. A special token in it is ordinary text unless `allowed_special` names it, or is "all"."""
        ids: list[int] = []
        for piece, special in split_special(well_formed(text), self.special_tokens, allowed_special):
            if special is None:
                ids.extend(chain.from_iterable(map(self._kept.__getitem__, split(piece))))
            else:
                ids.append(special)
        return ids

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        """The bytes of the ids: a list, a 1-D array or tensor. Raises ValueError for an id without a token."""
        return b"".join(look_up(ids, self.tokens))

    def decode(self, ids: Iterable[int]) -> str:
        return self.decode_bytes(ids).decode("utf-8", "replace")

    def explain(self, word: str) -> Explanation:
        """The merges from the bytes of one word to its tokens. " word", with its space, is another word than "word"."""
        if len(words := split(well_formed(word))) != 1:
            raise ValueError(f"explain takes one word, and {word!r} is {len(words)}: {words}; explain them one by one.")
        start = split_bytes(words[0])
        steps = [MergeStep(self.ranks[pair], pair, parts) for pair, parts in merge_steps(start, self.ranks)]
        return Explanation(words[0], start, steps, [self.ids[part] for part in (steps[-1].parts if steps else start)])

    def to_dict(self) -> dict[str, Any]:
        return self.vocabulary.to_dict()

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "BytePairTokenizer":
        merges, ids, special_tokens = Vocabulary.from_dict(data)
        return cls(merges, special_tokens, ids)

    def save(self, path: str | os.PathLike) -> None:
        """Write one JSON file if `path` ends in .json, else a folder with GPT-2's vocab.bpe and encoder.json."""
        if str(path).endswith(".json"):
            write_tokenizer(path, self)
        else:
            write_gpt2(path, self.vocabulary)

    @classmethod
    def load(cls, path: str | os.PathLike) -> "BytePairTokenizer":
        """Read what `save` wrote, or a folder with GPT-2's own files or with merges.txt and vocab.json."""
        path = Path(path)
        if path.is_dir() and (pair := find_gpt2(path)):
            merges, ids, special_tokens = read_gpt2(*pair)
            return cls(merges, special_tokens, ids)
        if path.is_dir() or not path.exists():
            raise FileNotFoundError(
                f"{path} is no file, and no folder with vocab.bpe and encoder.json (or merges.txt and vocab.json) in it; "
                "give one of the two."
            )
        data = read_tokenizer(path)
        if data["kind"] != cls.kind:
            raise ValueError(
                f"{path} holds a {data['kind']} tokenizer, not a {cls.kind} one; load it with load_tokenizer."
            )
        try:
            return cls.from_dict(data)
        except ValueError as error:
            raise ValueError(f"{path} holds no byte-pair vocabulary: {error}; copy it again.") from None
