"""A byte-pair vocabulary as transformers' fast tokenizers read it: tokenizer.json and tokenizer_config.json."""

import json
import os
from pathlib import Path
from typing import Any

from shared_gpt.files import written_beside
from shared_gpt.json_values import entry, short
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


def read_fast_tokenizer(data: dict[str, Any]) -> BytePairTokenizer:
    """The tokenizer that a tokenizer.json in their layout holds. ValueError for one that splits or joins otherwise than GPT-2."""
    model = entry(data, "model", dict, "it")
    settings = {"type": model.get("type")} | {
        name: model.get(name)
        for name in ("dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback", "ignore_merges")
        if model.get(name)  # what is on, where GPT-2's has nothing
    }
    splits = data.get("pre_tokenizer") if isinstance(data.get("pre_tokenizer"), dict) else {}
    settings |= {"normalizer": data["normalizer"]} if data.get("normalizer") else {}
    settings |= {"add_prefix_space": True} if splits.get("add_prefix_space", True) else {}
    if settings != {"type": "BPE"} or splits.get("type") != "ByteLevel" or not splits.get("use_regex", True):
        raise ValueError(
            f"it is of transformers and splits texts otherwise than GPT-2 ({short(str(settings))}, "
            f"{short(str(splits.get('type')))}); only byte pairs like GPT-2's can be read"
        )
    special = {
        entry(token, "content", str, "a token that was added"): entry(token, "id", int, "a token that was added")
        for token in entry({"added_tokens": []} | data, "added_tokens", list[dict], "it")
    }
    vocab = {
        token: i for token, i in entry(model, "vocab", dict[str, int], "its model").items() if token not in special
    }
    lines = entry(model, "merges", list[str] | list[list[str]], "its model")  # pairs, or as here each a line
    merges = [line if isinstance(line, str) else " ".join(line) for line in lines]
    return BytePairTokenizer.from_dict({"vocab": vocab, "merges": merges, "special_tokens": special})


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
