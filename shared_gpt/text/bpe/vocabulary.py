"""A byte-pair vocabulary: the merges, the ids of their tokens, and GPT-2's way to write bytes as characters."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

from shared_gpt.json_values import short
from shared_gpt.text.tokenizer import check_id_table

# GPT-2 writes each byte as one printable character: the byte's own character where it prints, else the next one from
# U+0100 on (so a space, the 33rd that does not print, is Ġ). Its ids of the 256 bytes follow the same order.
_PRINTABLE = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
_OTHERS = [byte for byte in range(256) if byte not in _PRINTABLE]
BYTES = [bytes([byte]) for byte in _PRINTABLE + _OTHERS]
_CHARACTER = {byte: chr(byte) for byte in _PRINTABLE} | {byte: chr(256 + i) for i, byte in enumerate(_OTHERS)}
_BYTE = {character: byte for byte, character in _CHARACTER.items()}
ALPHABET = _BYTE.keys()

Pair = tuple[bytes, bytes]


def to_printable(token: bytes) -> str:
    """A token in GPT-2's characters, one for each byte."""
    return "".join(map(_CHARACTER.__getitem__, token))


def from_printable(text: str) -> bytes:
    """The inverse. ValueError for a character that stands for no byte."""
    try:
        return bytes(map(_BYTE.__getitem__, text))
    except KeyError as error:
        raise ValueError(
            f"{text[:60]!r} holds {error.args[0]!r}, which stands for no byte in GPT-2's alphabet"
        ) from None


class Vocabulary(NamedTuple):
    """The merges in the order they were learnt, the ids of the 256 bytes and the merged tokens, those of special tokens."""

    merges: list[Pair]
    ids: dict[bytes, int]
    special_tokens: dict[str, int]

    def check(self) -> "Vocabulary":
        """Itself, if it is consistent; else ValueError with the first place where it is not."""
        known = set(BYTES)
        for i, (left, right) in enumerate(self.merges):
            if missing := {left, right} - known:
                raise ValueError(
                    f"merge {i} joins {short(left)} and {short(right)}, but no merge before it makes {short(min(missing))}"
                )
            if left + right in known:
                raise ValueError(f"merge {i} makes {short(left + right)} a second time")
            known.add(left + right)
        if missing := known - self.ids.keys():
            raise ValueError(f"{len(missing)} tokens have no id, {short(min(missing))} the first of them")
        if unmade := self.ids.keys() - known:
            raise ValueError(f"{len(unmade)} tokens have an id but no merge, {short(min(unmade))} the first of them")
        check_id_table({**self.ids, **self.special_tokens})
        (i, times), *_ = Counter([*self.ids.values(), *self.special_tokens.values()]).most_common(1)
        if times > 1:
            raise ValueError(f"id {i} belongs to {times} tokens")
        if "" in self.special_tokens:
            raise ValueError("a special token is empty")
        return self

    def to_dict(self) -> dict[str, Any]:
        """Plain data for a JSON file: "vocab" and "special_tokens" are name -> id, "merges" are "left right" in order."""
        return {
            "vocab": {to_printable(token): i for token, i in self.ids.items()},
            "merges": [f"{to_printable(left)} {to_printable(right)}" for left, right in self.merges],
            "special_tokens": self.special_tokens,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "Vocabulary":
        """The inverse, checked. ValueError says what is missing or wrong."""
        for key, kind in (("vocab", dict), ("merges", list), ("special_tokens", dict)):
            if not isinstance(data.get(key), kind):
                raise ValueError(f"{key!r} is {'missing' if key not in data else f'no {kind.__name__}'}")
        ids = {from_printable(token): i for token, i in data["vocab"].items()}
        merges = [_pair(i, line) for i, line in enumerate(data["merges"])]
        return cls(merges, ids, dict(data["special_tokens"])).check()


def _pair(i: int, line: Any) -> Pair:
    tokens = line.split(" ") if isinstance(line, str) else []
    if len(tokens) != 2 or not all(tokens):
        raise ValueError(f"merge {i} is {str(line)[:60]!r}, where two tokens and one space between them are expected")
    return from_printable(tokens[0]), from_printable(tokens[1])


def gpt2_ids(merges: Iterable[Pair]) -> dict[bytes, int]:
    """The ids that GPT-2 gives: first the 256 bytes in its order, then the merged tokens in theirs."""
    return {token: i for i, token in enumerate([*BYTES, *(left + right for left, right in merges)])}
