"""GPT-2's pair of files for a vocabulary: vocab.bpe with the merges and encoder.json with the ids."""

import json
import os
import re
from pathlib import Path

from shared_gpt.files import parse_json, written_beside
from shared_gpt.text.bpe.vocabulary import ALPHABET, Vocabulary, to_printable

GPT2_NAMES = ("vocab.bpe", "encoder.json")
HUGGING_FACE_NAMES = ("merges.txt", "vocab.json")  # the same two files under other names
SPECIAL_SHAPE = re.compile(r"<.+>|\[.+\]", re.DOTALL)  # <|endoftext|>, <pad>, [MASK]


def gpt2_texts(vocabulary: Vocabulary) -> tuple[str, str]:
    """What vocab.bpe and encoder.json hold."""
    data = vocabulary.to_dict()
    return "\n".join(["#version: 0.2", *data["merges"], ""]), json.dumps(data["vocab"] | data["special_tokens"])


def from_gpt2_texts(merges: str, ids: str) -> Vocabulary:
    """The inverse, checked. A token with an id that no merge makes is a special token if it looks like <one>."""
    lines = merges.removesuffix("\n").split("\n") if merges else []
    lines = lines[1:] if lines and lines[0].startswith("#version") else lines
    try:
        id_of = parse_json(ids.encode("utf-8"))
    except ValueError as error:
        raise ValueError(f"the table of ids {error}") from None
    merged = {line.replace(" ", "", 1) for line in lines} | ALPHABET
    special = {token: i for token, i in id_of.items() if token not in merged}
    if unmade := [token for token in special if not SPECIAL_SHAPE.fullmatch(token)]:
        raise ValueError(
            f"{len(unmade)} tokens have an id but no merge, {unmade[0][:60]!r} the first of them: "
            "the files are no pair, or the merges are cut off"
        )
    vocab = {token: i for token, i in id_of.items() if token in merged}
    return Vocabulary.from_dict({"vocab": vocab, "merges": lines, "special_tokens": special})


def write_gpt2(folder: str | os.PathLike, vocabulary: Vocabulary, files: tuple[str, str] = GPT2_NAMES) -> None:
    """vocab.bpe and encoder.json, or the same two under other names, in a folder made if need be. ValueError if the pair cannot
    hold the special tokens."""
    names = vocabulary.special_tokens
    if not all(map(SPECIAL_SHAPE.fullmatch, names)) or names.keys() & set(map(to_printable, vocabulary.ids)):
        raise ValueError(
            f"vocab.bpe and encoder.json cannot hold the special tokens {list(names)}, only such as look like "
            "<|endoftext|>; save to one file that ends in .json."
        )
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name, text in zip(files, gpt2_texts(vocabulary)):
        with written_beside(Path(folder) / name) as file:
            file.write(text.encode("utf-8"))


def find_gpt2(folder: str | os.PathLike) -> tuple[Path, Path] | None:
    """The files of the merges and of the ids in a folder, under OpenAI's names or Hugging Face's; None if they are not there."""
    for names in (GPT2_NAMES, HUGGING_FACE_NAMES):
        merges, ids = (Path(folder) / name for name in names)
        if merges.is_file() and ids.is_file():
            return merges, ids
    return None


def read_gpt2(merges: Path, ids: Path) -> Vocabulary:
    """The vocabulary of two files. ValueError, with their names, if they are damaged or do not belong together."""
    try:
        return from_gpt2_texts(merges.read_text(encoding="utf-8"), ids.read_text(encoding="utf-8"))
    except ValueError as error:  # those of UTF-8, too
        raise ValueError(f"{merges} and {ids.name} hold no byte-pair vocabulary: {error}; copy both again.") from None
