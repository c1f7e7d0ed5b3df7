"""load_gpt2, load_run, save_gpt2, save_lora, load_lora: from files into a model, and back, through shared_gpt's readers."""

import os
from collections.abc import Mapping
from typing import Any

from shared_gpt.checkpoints import CheckpointError, open_checkpoint, save_checkpoint
from shared_gpt.checkpoints.adapters import (
    Adapter,
    check_adapter,
    read_adapter,
    target_name,
    weights_fingerprint,
    write_adapter,
)
from shared_gpt.checks.lora import check_merge
from tensorflow_gpt.lora import adapted, apply_lora, load_lora_state_dict, lora_state_dict
from tensorflow_gpt.model import GPTModel


def load_gpt2(source: str | os.PathLike, dtype: str = "float32", n_heads: int | None = None) -> GPTModel:
    """A model with the weights that a path or a name holds: all that the twins' load_gpt2 takes."""
    with open_checkpoint(source, n_heads) as checkpoint:
        model = GPTModel(checkpoint.config, dtype=dtype, initialize=False)
        for key, parameter in model.named_parameters():
            parameter.assign(checkpoint.read(key, dtype))
    return model


def load_run(folder: str | os.PathLike) -> GPTModel:
    """The model of a run, in the dtype that it was trained in: its best weights, or the last ones where no best were kept."""
    with open_checkpoint(folder) as checkpoint:
        if checkpoint.layout != "run":
            raise CheckpointError(f"{folder} is no run of this project; load it with load_gpt2.")
        dtype = checkpoint.dtype
    return load_gpt2(folder, dtype)


def save_gpt2(model: GPTModel, folder: str | os.PathLike, layout: str = "huggingface") -> None:
    """Save a model where transformers ("huggingface"), OpenAI's program ("openai") or the book's code ("book") loads it."""
    save_checkpoint(folder, model.config, model.state_dict(), layout)


def save_lora(model: GPTModel, folder: str | os.PathLike) -> None:
    """Save the branches as an adapter that the twins, and Hugging Face's PEFT, load onto the same base."""
    layers = adapted(model)
    check_merge(len(layers), sum(layer.merged for layer in layers.values()), merging=True)
    layer = next(iter(layers.values()))
    targets = tuple(dict.fromkeys(target_name(path) for path in layers))
    state, base = lora_state_dict(model), weights_fingerprint(model.state_dict())
    write_adapter(folder, Adapter(layer.rank, layer.alpha, targets, layer.dropout.rate, state, base))


def load_lora(model: GPTModel, source: str | os.PathLike | Mapping[str, Any]) -> None:
    """Copy branches into the model's, or into new ones where it has none: an adapter's folder, written here, by a twin or by
    PEFT, or what lora_state_dict gave."""
    if isinstance(source, Mapping):
        return load_lora_state_dict(model, source)
    adapter = read_adapter(source)
    shapes = {name.removesuffix(".weight"): p.shape for name, p in model.named_parameters() if name.endswith(".weight")}
    settings = [(layer.rank, layer.alpha) for layer in adapted(model).values()]
    check_adapter(adapter, weights_fingerprint(model.state_dict()), shapes, settings)
    if not settings:
        apply_lora(model, adapter.rank, adapter.alpha, adapter.targets, adapter.dropout)
    load_lora_state_dict(model, adapter.state)
