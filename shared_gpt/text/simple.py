"""The word tokenizers of a first lesson: a regular expression, a dictionary, and what to do about unknown words."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from shared_gpt.text.tokenizer import (
    END_OF_TEXT,
    UNKNOWN,
    AllowedSpecial,
    check_id_table,
    look_up,
    split_special,
    well_formed,
)

SEPARATORS = re.compile(r"([,.:;?_!\"()']|--|\s)")
SPACE_BEFORE_SIGN = re.compile(r"\s+([,.:;?!\"()'])")


def split_words(text: str) -> list[str]:
    """The words and punctuation marks of a text, without the white space between them."""
    return [word for piece in SEPARATORS.split(well_formed(text)) if (word := piece.strip())]


def build_vocab(text: str) -> dict[str, int]:
    """The distinct words and punctuation marks of a text, sorted, each with its place as its id."""
    if not (words := sorted(set(split_words(text)))):
        raise ValueError("The text to build a vocabulary from holds no word; give one with at least one.")
    return {word: i for i, word in enumerate(words)}


class SimpleTokenizerV1:
    """Words to ids and back, by a dictionary such as `build_vocab` makes. A word that it lacks is an error."""

    kind = "simple-v1"

    def __init__(self, vocab: Mapping[str, int]):
        self.str_to_int = dict(vocab)
        self.int_to_str = {i: word for word, i in vocab.items()}
        if not vocab or len(self.int_to_str) < len(vocab):
            raise ValueError("A vocabulary holds at least one word, and a different id for each; see build_vocab.")
        self.n_vocab = max(self.int_to_str) + 1
        self.eot = self.str_to_int.get(END_OF_TEXT)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(n_vocab={self.n_vocab})"

    def encode(self, text: str, allowed_special: AllowedSpecial = frozenset()) -> list[int]:
        """The ids of the words of a text.

        <|endoftext|> and <|unk|>, if the vocabulary holds them, are words like any other where white space surrounds them;
        if `allowed_special` names them, they are found inside other text, too.
        """
        special_tokens = {name: self.str_to_int[name] for name in (END_OF_TEXT, UNKNOWN) if name in self.str_to_int}
        ids: list[int] = []
        for piece, special in split_special(well_formed(text), special_tokens, allowed_special):
            ids += [self._id(word) for word in split_words(piece)] if special is None else [special]
        return ids

    def _id(self, word: str) -> int:
        if word not in self.str_to_int:
            raise ValueError(
                f"The word {word!r} is not among the {len(self.str_to_int)} words of the vocabulary; build one from a "
                f"text that has it, or use SimpleTokenizerV2, which encodes unknown words as {UNKNOWN}."
            )
        return self.str_to_int[word]

    def decode(self, ids: Iterable[int]) -> str:
        """The words with a space between them and none before a punctuation mark; the text's own spaces are lost."""
        return SPACE_BEFORE_SIGN.sub(r"\1", " ".join(look_up(ids, self.int_to_str)))

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        return self.decode(ids).encode("utf-8")

    def to_dict(self) -> dict[str, Any]:
        return {"vocab": self.str_to_int}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "SimpleTokenizerV1":
        vocab = data.get("vocab")
        if not isinstance(vocab, dict):
            raise ValueError("'vocab' is no table of words and their ids")
        check_id_table(vocab)
        return cls(vocab)


class SimpleTokenizerV2(SimpleTokenizerV1):
    """V1 with two more words: <|endoftext|> to separate texts, and <|unk|> for every word that the vocabulary lacks."""

    kind = "simple-v2"

    def __init__(self, vocab: Mapping[str, int]):
        vocab = dict(vocab)
        for name in (END_OF_TEXT, UNKNOWN):
            vocab.setdefault(name, max(vocab.values(), default=-1) + 1)
        super().__init__(vocab)

    def _id(self, word: str) -> int:
        return self.str_to_int.get(word, self.str_to_int[UNKNOWN])
