"""A byte-pair vocabulary as transformers' fast tokenizers read it: tokenizer.json and tokenizer_config.json."""

import json
import os
from pathlib import Path
from typing import Any

from shared_gpt.files import written_beside
from shared_gpt.text.bpe.tokenizer import BytePairTokenizer

FAST_TOKENIZER, FAST_CONFIG = "tokenizer.json", "tokenizer_config.json"


def write_fast_tokenizer(folder: str | os.PathLike, tokenizer: BytePairTokenizer, context_length: int) -> None:
    """Write both files into a folder. AutoTokenizer.from_pretrained then gives the same ids."""
    for name, data in (
        (FAST_TOKENIZER, fast_tokenizer(tokenizer)),
        (FAST_CONFIG, fast_config(tokenizer, context_length)),
    ):
        with written_beside(Path(folder) / name) as file:
            file.write(json.dumps(data, ensure_ascii=False, indent=1).encode("utf-8"))


def fast_tokenizer(tokenizer: BytePairTokenizer) -> dict[str, Any]:
    """What tokenizer.json holds, in the layout of Hugging Face's tokenizers, as their own file for GPT-2 has it."""
    data = tokenizer.vocabulary.to_dict()
    as_it_stands = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    bytes_as_characters = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [{"id": i, "content": name, **as_it_stands} for name, i in data["special_tokens"].items()],
        "normalizer": None,
        "pre_tokenizer": bytes_as_characters,
        "post_processor": bytes_as_characters | {"trim_offsets": False},
        "decoder": bytes_as_characters,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": "",
            "end_of_word_suffix": "",
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": data["vocab"] | data["special_tokens"],
            "merges": data["merges"],
        },
    }


def fast_config(tokenizer: BytePairTokenizer, context_length: int) -> dict[str, Any]:
    """What tokenizer_config.json holds: as in GPT-2, one token ends a text, begins one, and stands for what is unknown."""
    config = {
        "tokenizer_class": "PreTrainedTokenizerFast",
        "model_max_length": context_length,
        "add_prefix_space": False,
    }
    config["clean_up_tokenization_spaces"] = False
    if tokenizer.eot is not None:
        end = tokenizer.tokens[tokenizer.eot].decode("utf-8")
        config |= {"bos_token": end, "eos_token": end, "unk_token": end}
    return config
