"""The files of a byte-pair vocabulary: GPT-2's own pair, vocab.bpe + encoder.json, or one JSON file with both."""

import json
import os
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from shared_gpt.files import written_beside

# GPT-2 writes each byte as one printable character: itself where it prints, else the next one from U+0100 on
# (so a space, the 33rd that does not print, is Ġ). Its ids of the 256 bytes follow the same order.
_PRINTABLE = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
_OTHERS = [byte for byte in range(256) if byte not in _PRINTABLE]
BYTES = [bytes([byte]) for byte in _PRINTABLE + _OTHERS]
_CHARACTER = {byte: chr(byte) for byte in _PRINTABLE} | {byte: chr(256 + i) for i, byte in enumerate(_OTHERS)}
_BYTE = {character: byte for byte, character in _CHARACTER.items()}

GPT2_NAMES = ("vocab.bpe", "encoder.json")
HUGGING_FACE_NAMES = ("merges.txt", "vocab.json")  # the same two files under other names
SPECIAL_SHAPE = re.compile(r"<.+>|\[.+\]", re.DOTALL)  # <|endoftext|>, <pad>, [MASK]

Pair = tuple[bytes, bytes]


class Vocabulary(NamedTuple):
    """Merges in the order they were learnt, the id of every byte and every merge's token, the special tokens' ids."""

    merges: list[Pair]
    ids: dict[bytes, int]
    special_tokens: dict[str, int]

    def check(self) -> "Vocabulary":
        """Itself, if it holds together; else ValueError with the first place where it does not."""
        known = set(BYTES)
        for i, (left, right) in enumerate(self.merges):
            if missing := {left, right} - known:
                raise ValueError(
                    f"merge {i} joins {left!r} and {right!r}, but no merge before it makes {min(missing)!r}"
                )
            if left + right in known:
                raise ValueError(f"merge {i} makes {left + right!r} a second time")
            known.add(left + right)
        if missing := known - self.ids.keys():
            raise ValueError(f"{len(missing)} tokens have no id, {min(missing)!r} the first of them")
        if strangers := self.ids.keys() - known:
            raise ValueError(f"{len(strangers)} tokens have an id but no merge, {min(strangers)!r} the first of them")
        for name, i in (*self.ids.items(), *self.special_tokens.items()):
            if type(i) is not int or i < 0:
                raise ValueError(f"the id of {name!r} is {i!r}, where a whole number from 0 is expected")
        (i, times), *_ = Counter([*self.ids.values(), *self.special_tokens.values()]).most_common(1)
        if times > 1:
            raise ValueError(f"id {i} belongs to {times} tokens")
        if "" in self.special_tokens:
            raise ValueError("a special token is empty")
        return self


def gpt2_ids(merges: Iterable[Pair]) -> dict[bytes, int]:
    """The ids that GPT-2 gives: the 256 bytes in its order, then the merges in theirs."""
    return {token: i for i, token in enumerate([*BYTES, *(left + right for left, right in merges)])}


def to_printable(token: bytes) -> str:
    return "".join(map(_CHARACTER.__getitem__, token))


def from_printable(text: str) -> bytes:
    try:
        return bytes(map(_BYTE.__getitem__, text))
    except KeyError as error:
        raise ValueError(f"{text!r} holds {error.args[0]!r}, which stands for no byte in GPT-2's alphabet") from None


def to_dict(vocabulary: Vocabulary) -> dict[str, Any]:
    """Plain data for a JSON file: "vocab" and "special_tokens" are name -> id, "merges" are "left right" in order."""
    return {
        "vocab": {to_printable(token): i for token, i in vocabulary.ids.items()},
        "merges": [f"{to_printable(left)} {to_printable(right)}" for left, right in vocabulary.merges],
        "special_tokens": vocabulary.special_tokens,
    }


def from_dict(data: dict[str, Any]) -> Vocabulary:
    """The inverse, checked. ValueError says what is missing or wrong."""
    for key, kind in (("vocab", dict), ("merges", list), ("special_tokens", dict)):
        if not isinstance(data.get(key), kind):
            raise ValueError(f"{key!r} is {'missing' if key not in data else f'no {kind.__name__}'}")
    ids = {from_printable(token): i for token, i in data["vocab"].items()}
    return Vocabulary([_pair(*merge) for merge in enumerate(data["merges"])], ids, dict(data["special_tokens"])).check()


def _pair(i: int, line: Any) -> Pair:
    tokens = line.split(" ") if isinstance(line, str) else []
    if len(tokens) != 2 or not all(tokens):
        raise ValueError(f"merge {i} is {str(line)[:60]!r}, where two tokens and one space between them are expected")
    return from_printable(tokens[0]), from_printable(tokens[1])


def gpt2_texts(vocabulary: Vocabulary) -> tuple[str, str]:
    """What vocab.bpe and encoder.json hold."""
    data = to_dict(vocabulary)
    return "\n".join(["#version: 0.2", *data["merges"], ""]), json.dumps(data["vocab"] | data["special_tokens"])


def from_gpt2_texts(merges: str, ids: str) -> Vocabulary:
    """The inverse, checked. A token of the ids that no merge makes is a special token if it looks like <one>."""
    lines = merges.removesuffix("\n").split("\n") if merges else []
    lines = lines[1:] if lines and lines[0].startswith("#version") else lines
    numbers = json.loads(ids)
    if not isinstance(numbers, dict):
        raise ValueError(f"the ids are a {type(numbers).__name__}, where an object of token: id is expected")
    made = {line.replace(" ", "", 1) for line in lines} | _BYTE.keys()
    special = {token: i for token, i in numbers.items() if token not in made}
    if strangers := [token for token in special if not SPECIAL_SHAPE.fullmatch(token)]:
        raise ValueError(
            f"{len(strangers)} tokens have an id but no merge, {strangers[0]!r} the first of them: "
            "the files are no pair, or the merges are cut off"
        )
    vocab = {token: i for token, i in numbers.items() if token in made}
    return from_dict({"vocab": vocab, "merges": lines, "special_tokens": special})


def write_gpt2(folder: str | os.PathLike, vocabulary: Vocabulary) -> None:
    """vocab.bpe and encoder.json, in a folder made if need be. ValueError if the pair cannot hold the special tokens."""
    names = vocabulary.special_tokens
    if not all(map(SPECIAL_SHAPE.fullmatch, names)) or names.keys() & set(map(to_printable, vocabulary.ids)):
        raise ValueError(
            f"vocab.bpe and encoder.json cannot hold the special tokens {list(names)}, only such as look like "
            "<|endoftext|>; save to one file that ends in .json."
        )
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, text in zip(GPT2_NAMES, gpt2_texts(vocabulary)):
        with written_beside(Path(folder) / name) as file:
            file.write(text.encode("utf-8"))


def find_gpt2(folder: str | os.PathLike) -> tuple[Path, Path] | None:
    """The merges' and the ids' file in a folder, under OpenAI's names or Hugging Face's; None where there are none."""
    for names in (GPT2_NAMES, HUGGING_FACE_NAMES):
        merges, ids = (Path(folder) / name for name in names)
        if merges.is_file() and ids.is_file():
            return merges, ids
    return None


def read_gpt2(merges: Path, ids: Path) -> Vocabulary:
    """The vocabulary of two files. ValueError, with their names, for files that are broken or do not belong together."""
    try:
        return from_gpt2_texts(merges.read_text(encoding="utf-8"), ids.read_text(encoding="utf-8"))
    except ValueError as error:  # of JSON and of UTF-8, too
        raise ValueError(f"{merges} and {ids.name} hold no byte-pair vocabulary: {error}; copy both anew.") from None
