"""GPT-2's own tokenizer: its vocabulary, from one of three places, and tiktoken's encoder for speed."""

import hashlib
import os
import re
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

from shared_gpt.downloads import DownloadError, cache_folder, fetch, sha256_of
from shared_gpt.text.bpe import BytePairTokenizer
from shared_gpt.text.bpe.files import GPT2_NAMES, HUGGING_FACE_NAMES, find_gpt2, gpt2_texts, read_gpt2
from shared_gpt.text.bpe.vocabulary import Vocabulary, gpt2_ids
from shared_gpt.text.split import GPT2_PATTERN
from shared_gpt.text.tokenizer import END_OF_TEXT, AllowedSpecial, allowed_names, well_formed

OPENAI_URL = "https://openaipublic.blob.core.windows.net/gpt-2/encodings/main"
HUGGING_FACE_URL = "https://huggingface.co/openai-community/gpt2/resolve/main"
SHA256 = (
    "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5",
    "196139668be63f3b5d6574427317ae82f612a97c5d1cdaf36ed2256dbf636783",
)
LONG_SPACE = re.compile(r"\s{500000}")  # tiktoken's regular expressions fail on a run twice as long


class GPT2Tokenizer(BytePairTokenizer):
    """BytePairTokenizer with GPT-2's vocabulary and tiktoken's `encode`: the same ids, sooner.

    A run folder records only that the tokenizer is GPT-2's, and the `folder` that it came from if one was given.
    """

    kind = "gpt2"

    def __init__(self, vocabulary: Vocabulary, folder: str | None = None):
        from tiktoken import Encoding

        merges, ids, special_tokens = vocabulary
        super().__init__(merges, special_tokens, ids)
        self.folder = folder
        self.tiktoken = Encoding(
            "gpt2", pat_str=GPT2_PATTERN, mergeable_ranks=self.ids, special_tokens=self.special_tokens
        )

    def __repr__(self) -> str:
        return "gpt2_tokenizer()" if self.folder is None else f"gpt2_tokenizer({self.folder!r})"

    def encode(self, text: str, allowed_special: AllowedSpecial = frozenset()) -> list[int]:
        """The ids of a text. A special token in it is ordinary text unless `allowed_special` names it, or is "all"."""
        text = well_formed(text)
        if LONG_SPACE.search(text):
            return super().encode(text, allowed_special)
        names = allowed_names(self.special_tokens, allowed_special)
        return self.tiktoken.encode(text, allowed_special=names, disallowed_special=())

    def to_dict(self) -> dict[str, Any]:
        return {"folder": self.folder}

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> "GPT2Tokenizer":
        folder = data.get("folder")
        return gpt2_tokenizer(folder if isinstance(folder, str) and find_gpt2(folder) else None)


def gpt2_tokenizer(folder: str | os.PathLike | None = None) -> GPT2Tokenizer:
    """GPT-2's tokenizer, from `folder` with vocab.bpe and encoder.json, from tiktoken's cache, or downloaded once.

    Raises FileNotFoundError that names the three ways if none of them leads to the vocabulary, and ValueError for a folder
    that holds another vocabulary.
    """
    if folder is None:
        return _tokenizer(*_files_at_hand(), folder=None)
    if pair := find_gpt2(folder):
        return _tokenizer(*pair, folder=str(Path(folder).resolve()))
    raise FileNotFoundError(
        f"{folder} does not hold both {' and '.join(GPT2_NAMES)} (or {' and '.join(HUGGING_FACE_NAMES)}, the same files "
        "at Hugging Face); give a folder that does, or none to have them downloaded."
    )


@lru_cache(maxsize=4)
def _tokenizer(merges: Path, ids: Path, folder: str | None) -> GPT2Tokenizer:
    vocabulary = read_gpt2(merges, ids)
    ids_of_gpt2 = gpt2_ids(vocabulary.merges)
    as_in_gpt2 = Vocabulary(vocabulary.merges, ids_of_gpt2, {END_OF_TEXT: len(ids_of_gpt2)})
    if vocabulary != as_in_gpt2 or hashlib.sha256(gpt2_texts(vocabulary)[0].encode("utf-8")).hexdigest() != SHA256[0]:
        raise ValueError(
            f"{merges} and {ids.name} hold another vocabulary than GPT-2's ({len(vocabulary.merges)} merges); "
            "load it with BytePairTokenizer.load, or copy GPT-2's files again."
        )
    return GPT2Tokenizer(vocabulary, folder)


def tiktoken_cache() -> Path:
    """The folder in which tiktoken keeps its downloads, by the environment variables that it reads."""
    chosen = os.environ.get("TIKTOKEN_CACHE_DIR") or os.environ.get("DATA_GYM_CACHE_DIR")
    return Path(chosen or Path(tempfile.gettempdir()) / "data-gym-cache")


def _files_at_hand() -> tuple[Path, Path]:
    # in its cache tiktoken names a file by the SHA-1 of the address it came from
    cached = [tiktoken_cache() / hashlib.sha1(f"{OPENAI_URL}/{name}".encode()).hexdigest() for name in GPT2_NAMES]
    if all(path.is_file() and sha256_of(path) == sha256 for path, sha256 in zip(cached, SHA256)):
        return cached[0], cached[1]
    try:
        merges, ids = (
            fetch(name, (f"{OPENAI_URL}/{name}", f"{HUGGING_FACE_URL}/{other}"), sha256, cache_folder() / "gpt2")
            for name, other, sha256 in zip(GPT2_NAMES, HUGGING_FACE_NAMES, SHA256)
        )
    except DownloadError as error:
        raise FileNotFoundError(
            "GPT-2's vocabulary is not on this machine. Three ways to it: a folder with vocab.bpe and encoder.json as the "
            f"argument; TIKTOKEN_CACHE_DIR set to a cache of tiktoken's that holds them (looked in {tiktoken_cache()}); "
            f"or a network to download them once, which failed just now ({error.reason or error})."
        ) from None
    return merges, ids
