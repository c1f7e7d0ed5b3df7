"""What every tokenizer can do, and what all of them use: special tokens, ids, visible bytes, one JSON file."""

import json
import operator
import os
from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any, Literal, Protocol, runtime_checkable

import regex

from shared_gpt.files import read_json, written_beside
from shared_gpt.json_values import short

END_OF_TEXT = "<|endoftext|>"
UNKNOWN = "<|unk|>"

AllowedSpecial = Set[str] | Literal["all"]
MOST_GAPS = 64  # ids for each token
SIGNS = {" ": "␣", "\n": "⏎", "\t": "⇥", "\r": "␍"}


@runtime_checkable
class Tokenizer(Protocol):
    """Text to ids and back. `n_vocab` is the number of rows that an embedding needs, `eot` the id of <|endoftext|>.

    Special tokens inside a text are ordinary text unless `allowed_special` names them ("all", or a set of strings).
    """

    kind: str
    n_vocab: int
    eot: int | None

    def encode(self, text: str, allowed_special: AllowedSpecial = frozenset()) -> list[int]: ...

    def decode(self, ids: Iterable[int]) -> str: ...

    def decode_bytes(self, ids: Iterable[int]) -> bytes: ...

    def to_dict(self) -> dict[str, Any]: ...


def well_formed(text: str) -> str:
    """The text with surrogate pairs joined and lone surrogates, which UTF-8 cannot express, replaced by U+FFFD."""
    if not isinstance(text, str):
        raise TypeError(f"encode takes text (str), not {type(text).__name__}; decode bytes to text first.")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def allowed_names(special_tokens: Iterable[str], allowed: AllowedSpecial) -> set[str]:
    """The special tokens that are allowed. Names of no special token are ignored, as tiktoken does."""
    if isinstance(allowed, str) and allowed != "all":
        raise ValueError(f'allowed_special is the string {allowed!r}; give "all" or a set of strings: {{{allowed!r}}}.')
    return {name for name in special_tokens if allowed == "all" or name in allowed}


def split_special(
    text: str, special_tokens: Mapping[str, int], allowed: AllowedSpecial
) -> Iterator[tuple[str, int | None]]:
    """The text in pieces: (ordinary text, None) or (an allowed special token, its id). Of two at one place the longer counts."""
    names = sorted(allowed_names(special_tokens, allowed), key=len, reverse=True)
    pieces = regex.split(f"({'|'.join(map(regex.escape, names))})", text) if names else [text]
    for i, piece in enumerate(pieces):
        if i % 2:  # what the parentheses matched
            yield piece, special_tokens[piece]
        elif piece:
            yield piece, None


def look_up(ids: Iterable[int], tokens: Mapping[int, Any]) -> list[Any]:
    """tokens[id] for each of the ids, a list or a 1-D array or tensor. Raises ValueError for an id without a token."""
    ids = ids.tolist() if hasattr(ids, "tolist") else ids
    try:
        return [tokens[operator.index(i)] for i in ids]
    except KeyError as error:
        raise ValueError(
            f"Id {error.args[0]} is no token of this vocabulary, whose ids go from {min(tokens)} to {max(tokens)}; "
            "decode with the tokenizer that made the ids."
        ) from None
    except TypeError:
        raise ValueError(
            f"Ids are a flat list of integers, not {str(ids)[:60]}; decode one sequence at a time."
        ) from None


def check_id_table(ids: Mapping[Any, Any]) -> None:
    """ValueError unless these ids (name -> id) are whole numbers from 0 with few gaps: each gap is a row of the embedding."""
    most = MOST_GAPS * (len(ids) + 1)
    for name, i in ids.items():
        if type(i) is not int or not 0 <= i < most:
            raise ValueError(
                f"the id of {short(name)} is {short(i)}, where a whole number from 0 to {most - 1} is expected, for {len(ids)} "
                "tokens"
            )


def visible(token: bytes) -> str:
    """A token as one can print it: ␣ for a space, ⏎ for a new line, \\xe2 for a byte that is no whole character."""
    text = token.decode("utf-8", "backslashreplace")
    return "".join(SIGNS.get(c) or (c if c.isprintable() else escaped(ord(c))) for c in text)


def escaped(code: int) -> str:
    """A character that cannot be shown, by its code point."""
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def write_tokenizer(path: str | os.PathLike, tokenizer: Tokenizer) -> None:
    """Write a tokenizer as one JSON file that people can read, too: its kind and its `to_dict()`."""
    with written_beside(path) as file:
        file.write(
            json.dumps({"kind": tokenizer.kind, **tokenizer.to_dict()}, ensure_ascii=False, indent=1).encode("utf-8")
        )


def read_tokenizer(path: str | os.PathLike) -> dict[str, Any]:
    """The plain data that `write_tokenizer` wrote. ValueError for a file that is damaged or of another program."""
    data = read_json(path)
    if not isinstance(data.get("kind"), str):
        raise ValueError(
            f"{path} is no tokenizer of this project, which would name its kind; "
            "for Hugging Face's files of GPT-2 give the folder that holds merges.txt and vocab.json."
        )
    return data
