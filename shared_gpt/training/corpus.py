"""Corpus: the text that a run reads, its tokens, and what resuming compares to know it again."""

import hashlib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from shared_gpt.array_types import Integer
from shared_gpt.text import BytePairTokenizer, CharTokenizer, Tokenizer, find_tokenizer, load_text, load_tokens
from shared_gpt.text.corpora import text_files
from shared_gpt.text.token_file import tokenizer_fingerprint

EDGE = 1 << 26  # bytes hashed at either end of a file; in the middle of a larger one only its size is known


class Corpus(NamedTuple):
    """A tokenizer, the tokens that it made of the text, and what tells this text from any other."""

    tokenizer: Tokenizer
    tokens: Integer[np.ndarray, " N"]
    identity: dict[str, Any]


def load_corpus(text: str, tokenizer: str, vocab_size: int) -> Corpus:
    """A source of load_tokens with a tokenizer: "bpe" (byte pairs learnt from this text, vocab_size of them), "characters"
    (of this text), or what find_tokenizer takes."""
    if tokenizer == "bpe":
        found = BytePairTokenizer.train(load_text(text), vocab_size)
    elif tokenizer == "characters":
        found = CharTokenizer(load_text(text))
    else:
        found = find_tokenizer(tokenizer)
    return read_corpus(text, found)


def read_corpus(text: str, tokenizer: Tokenizer) -> Corpus:
    tokens = load_tokens(text, tokenizer)
    identity = {"text": describe_files(text_files(text)), "tokenizer": tokenizer_fingerprint(tokenizer).hex()[:16]}
    return Corpus(tokenizer, tokens, identity)


def describe_files(files: list[Path]) -> str:
    """ "60,646 bytes, sha256 0123456789abcdef": equal for equal contents, wherever they lie."""
    digest, size = hashlib.sha256(), 0
    for path in files:
        length = path.stat().st_size
        size += length
        with path.open("rb") as file:
            digest.update(length.to_bytes(8, "little") + file.read(EDGE))
            file.seek(max(file.tell(), length - EDGE))
            digest.update(file.read(EDGE))
    return f"{size:,} bytes, sha256 {digest.hexdigest()[:16]}"
