"""Hugging Face's layout: config.json in its dialects, and the names in safetensors and pytorch_model.bin."""

import re
from pathlib import Path
from typing import Any

from shared_gpt.checkpoints.checkpoint import Contents
from shared_gpt.checkpoints.names import HEAD, our_key
from shared_gpt.checkpoints.stored import CheckpointError, TensorFile
from shared_gpt.config import GPTConfig
from shared_gpt.files import read_json

WEIGHTS_CHECKSUM = "weights_crc32c"  # what only this project writes: to which weights the config belongs
SIZES = {  # ours -> theirs, of which the first that is there counts; n_ctx is of before 2021, the long names are rare
    "vocab_size": ("vocab_size",),
    "context_length": ("n_positions", "n_ctx", "max_position_embeddings"),
    "emb_dim": ("n_embd", "hidden_size"),
    "n_heads": ("n_head", "num_attention_heads"),
    "n_layers": ("n_layer", "num_hidden_layers"),
    "drop_rate": ("resid_pdrop",),
    "tie_embeddings": ("tie_word_embeddings",),
    "qkv_bias": ("qkv_bias",),  # only this project writes it; other programs store zeros
    WEIGHTS_CHECKSUM: (WEIGHTS_CHECKSUM,),
}
GPT2_ALONE = {  # what transformers can vary and GPT-2 does not: key -> the values that are GPT-2's
    "model_type": ("gpt2",),
    "activation_function": ("gelu_new", "gelu_pytorch_tanh"),
    "layer_norm_epsilon": (1e-5,),
    "scale_attn_weights": (True,),
    "scale_attn_by_inverse_layer_idx": (False,),
    "add_cross_attention": (False,),
}
MASK = re.compile(r"(transformer\.)?h\.\d+\.attn\.(bias|masked_bias)")


def read_config(path: Path) -> tuple[dict[str, Any], list[str]]:
    """(the keys of GPTConfig that a config.json states, notes for a person to read)."""
    stated = read_json(path, CheckpointError)
    for key, values in GPT2_ALONE.items():
        if key in stated and stated[key] not in values:
            raise CheckpointError(
                f"{path} says {key} {str(stated[key])[:100]!r}, which is not GPT-2; only {values[0]!r} can be loaded."
            )
    sizes = {
        ours: next(stated[key] for key in keys if key in stated)
        for ours, keys in SIZES.items()
        if set(keys) & set(stated)
    }
    if stated.get("n_inner") not in (None, 4 * sizes["emb_dim"] if isinstance(sizes.get("emb_dim"), int) else None):
        raise CheckpointError(f"{path} says n_inner {str(stated['n_inner'])[:100]}; GPT-2's is four times n_embd.")
    rates = {key: stated[key] for key in ("embd_pdrop", "attn_pdrop", "resid_pdrop") if key in stated}
    different = any(rate != sizes.get("drop_rate") for rate in rates.values())
    notes = [f"three rates of dropout ({rates}): the last is used for all"] if different else []
    return sizes, notes


def open_huggingface(path: Path, file: TensorFile) -> Contents:
    """The contents of a file of weights, with what the config.json beside it says."""
    config = path.with_name("config.json")
    sizes, notes = read_config(config) if config.is_file() else ({}, [])
    weights, noted = getattr(file, "checksum", None), sizes.pop(WEIGHTS_CHECKSUM, None)
    if weights and noted and weights != noted:
        raise CheckpointError(
            f"{config} was saved with other weights (checksum {str(noted)[:20]!a}) than those in {path.name} ({weights}): a "
            "save was cut short, or files of two models were mixed; save or copy both again."
        )
    if path.name.startswith("model.safetensors") and path.with_name("pytorch_model.bin").is_file():
        notes.append("pytorch_model.bin beside it was not read; safetensors come first, as in transformers")
    contents = Contents(path, "huggingface", file, sizes, str(config), notes=notes)
    for name in file.tensors:
        full = name if name.startswith("transformer.") or name == HEAD else f"transformer.{name}"
        key = our_key(full, "huggingface")
        if key and key not in contents.keys:
            contents.keys[key] = name
        elif MASK.fullmatch(name):
            contents.ignored[name] = "the causal mask, a constant"
        else:
            contents.unexpected.append(name)
    return contents


def huggingface_config(config: GPTConfig, dtype: str) -> dict[str, Any]:
    """What config.json says about a model, for any version of transformers."""
    end = 50256 if config.vocab_size == 50257 else None
    stated = {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "activation_function": "gelu_new",
        "layer_norm_epsilon": 1e-5,
        "vocab_size": config.vocab_size,
        "n_positions": config.context_length,
        "n_ctx": config.context_length,
        "n_embd": config.emb_dim,
        "n_head": config.n_heads,
        "n_layer": config.n_layers,
        "embd_pdrop": config.drop_rate,
        "attn_pdrop": config.drop_rate,
        "resid_pdrop": config.drop_rate,
        "tie_word_embeddings": config.tie_embeddings,
        "bos_token_id": end,
        "eos_token_id": end,
        "torch_dtype": dtype,
    }
    return stated | ({} if config.qkv_bias else {"qkv_bias": False})
