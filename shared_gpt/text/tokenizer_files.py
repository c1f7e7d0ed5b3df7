"""A run's tokenizer, kept in its folder as tokenizer.json, and tokenizers by name."""

import os
from pathlib import Path

from shared_gpt.files import read_json
from shared_gpt.json_values import short
from shared_gpt.text.bpe import BytePairTokenizer
from shared_gpt.text.bpe.files import find_gpt2
from shared_gpt.text.bpe.huggingface import read_fast_tokenizer
from shared_gpt.text.characters import CharTokenizer
from shared_gpt.text.corpora import load_text
from shared_gpt.text.gpt2 import GPT2Tokenizer, gpt2_tokenizer
from shared_gpt.text.simple import SimpleTokenizerV1, SimpleTokenizerV2
from shared_gpt.text.tokenizer import Tokenizer, read_tokenizer, write_tokenizer

FILE = "tokenizer.json"
KINDS = {
    kind.kind: kind for kind in (BytePairTokenizer, GPT2Tokenizer, CharTokenizer, SimpleTokenizerV1, SimpleTokenizerV2)
}
NAMED_TOKENIZERS = {
    "gpt2": gpt2_tokenizer,
    "stories": lambda: BytePairTokenizer.train(load_text("stories"), 2048),
    "characters": lambda: CharTokenizer(load_text("stories"), end_of_text=True),
}


def save_tokenizer(tokenizer: Tokenizer, folder: str | os.PathLike) -> Path:
    """Write tokenizer.json into a folder, made if need be; returns the file's path."""
    path = Path(folder) / FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    write_tokenizer(path, tokenizer)
    return path


def load_tokenizer(path: str | os.PathLike) -> Tokenizer:
    """The tokenizer of a run's folder, of a tokenizer's JSON file, here or of transformers, or of a folder with vocab.bpe and
    encoder.json.

    Raises FileNotFoundError if there is none, ValueError for a file that is damaged or of another program.
    """
    path = Path(path)
    if path.is_dir() and find_gpt2(path):  # a tokenizer.json beside the two is of transformers
        return BytePairTokenizer.load(path)
    path = path / FILE if path.is_dir() else path
    if not path.exists():
        raise FileNotFoundError(f"{path} does not exist; give a run's folder, or a file that train-tokenizer wrote.")
    data = read_json(path)
    if "kind" not in data and "model" in data:
        try:
            return read_fast_tokenizer(data)
        except ValueError as error:
            raise ValueError(f"{path} holds no tokenizer that can be used: {error}.") from None
    data = read_tokenizer(path)
    if data["kind"] not in KINDS:
        raise ValueError(f"{path} is of the unknown kind {short(data['kind'])}; the kinds are {', '.join(KINDS)}.")
    try:
        return KINDS[data["kind"]].from_dict(data)
    except ValueError as error:
        raise ValueError(f"{path} holds no {data['kind']} tokenizer: {error}; copy it again.") from None


def find_tokenizer(name: str | os.PathLike) -> Tokenizer:
    """A tokenizer by its name (one of NAMED_TOKENIZERS), else by the path that `load_tokenizer` takes; ./gpt2 is a path.

    "stories" and "characters" are learnt from the text that ships with the project, in about a second.
    """
    if name in NAMED_TOKENIZERS:
        return NAMED_TOKENIZERS[name]()
    if not Path(name).exists():
        raise FileNotFoundError(
            f"{str(name)!r} is neither a tokenizer's name ({', '.join(NAMED_TOKENIZERS)}) nor a path; give one of the names, a "
            "run's folder or a tokenizer's file."
        )
    return load_tokenizer(name)
