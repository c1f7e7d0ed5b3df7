"""The simplest tokenizer: one character, one id."""

from collections.abc import Iterable
from typing import Any

from shared_gpt.text.tokenizer import END_OF_TEXT, AllowedSpecial, look_up, split_special, well_formed


class CharTokenizer:
    """The distinct characters of a text, sorted; each one's id is its place. `end_of_text` adds <|endoftext|>."""

    kind = "characters"

    def __init__(self, text: str, end_of_text: bool = False):
        self.characters = "".join(sorted(set(well_formed(text))))
        if not self.characters:
            raise ValueError("The text to take characters from is empty; give one with at least one character.")
        self.ids = {character: i for i, character in enumerate(self.characters)}
        self.special_tokens = {END_OF_TEXT: len(self.ids)} if end_of_text else {}
        self.tokens = {i: token for token, i in (self.ids | self.special_tokens).items()}
        self.n_vocab = len(self.tokens)
        self.eot = self.special_tokens.get(END_OF_TEXT)

    def __repr__(self) -> str:
        return f"CharTokenizer(n_vocab={self.n_vocab})"

    def encode(self, text: str, allowed_special: AllowedSpecial = frozenset()) -> list[int]:
        """The ids of a text's characters. Raises ValueError for one that the vocabulary lacks."""
        ids: list[int] = []
        text = well_formed(text)
        try:
            for piece, special in split_special(text, self.special_tokens, allowed_special):
                ids += [self.ids[character] for character in piece] if special is None else [special]
        except KeyError as error:
            raise ValueError(
                f"The character {error.args[0]!r} (position {text.index(error.args[0])}) is not among the {len(self.ids)} "
                "of the vocabulary; make the tokenizer from a text that holds it."
            ) from None
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        return "".join(look_up(ids, self.tokens))

    def decode_bytes(self, ids: Iterable[int]) -> bytes:
        return self.decode(ids).encode("utf-8")

    def to_dict(self) -> dict[str, Any]:
        return {"characters": self.characters, "end_of_text": self.eot is not None}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "CharTokenizer":
        if not isinstance(data.get("characters"), str) or not isinstance(data.get("end_of_text"), bool):
            raise ValueError("'characters' is no text or 'end_of_text' is not true or false")
        return cls(data["characters"], data["end_of_text"])
