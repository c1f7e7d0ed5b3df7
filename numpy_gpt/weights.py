"""load_gpt2, load_run, save_gpt2, load_lora, save_lora: from files into a model, and back."""

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from numpy_gpt.layers import Linear
from numpy_gpt.lora import adapted, apply_lora, load_lora_state_dict, lora_state_dict
from numpy_gpt.model import GPTModel
from numpy_gpt.shapes import Array, DType, float32
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


def load_gpt2(
    source: str | os.PathLike, dtype: DType = float32, n_heads: int | None = None
) -> GPTModel:
    """A model in evaluation mode with the weights that a path or a name holds.

    source: a folder or file of OpenAI's (model.ckpt.index and its data), of Hugging Face's
    (safetensors, one file or several, or pytorch_model.bin), of the book's code (model.pth), or
    of a run of this project; or "gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl", which are
    looked for on this machine and else downloaded. n_heads: how many heads, where the files do
    not say. Each tensor goes straight to its place, cast to dtype: no second copy of the model
    is held. Raises CheckpointError (a ValueError), FileNotFoundError, ImportError or OSError
    before a model is returned: it is whole or not there.
    """
    with open_checkpoint(source, n_heads) as checkpoint:
        model = GPTModel(checkpoint.config, dtype=dtype, initialize=False)
        checkpoint.read_all({key: p.data for key, p in model.named_parameters()})
    return model.eval()


def load_run(folder: str | os.PathLike) -> GPTModel:
    """The model of a run, in the dtype that it was trained in: its best weights, or the last
    ones where no best were kept."""
    with open_checkpoint(folder) as checkpoint:
        if checkpoint.layout != "run":
            raise CheckpointError(
                f"{folder} is no run of this project; load it with load_gpt2."
            )
        dtype = np.dtype(checkpoint.dtype)
    return load_gpt2(folder, dtype)


def save_gpt2(model: GPTModel, folder: str | os.PathLike, layout: str = "huggingface") -> None:
    """Save a model where transformers (layout "huggingface"), OpenAI's program ("openai") or
    the book's code ("book") loads it.

    Loading it here brings back every bit. Raises ValueError for what the layout cannot hold,
    OSError for a full disk; then nothing is left behind.
    """
    save_checkpoint(folder, model.config, as_arrays(model.state_dict()), layout)


def save_lora(model: GPTModel, folder: str | os.PathLike) -> None:
    """Save the branches as an adapter that Hugging Face's PEFT loads onto the same base
    (adapter_config.json and adapter_model.safetensors)."""
    layers = adapted(model)
    check_merge(len(layers), sum(layer.merged for layer in layers.values()), merging=True)
    layer = next(iter(layers.values()))
    targets = tuple(dict.fromkeys(target_name(path) for path in layers))
    state = as_arrays(lora_state_dict(model))
    base = weights_fingerprint(as_arrays(model.state_dict()))
    dropout = layer.dropout.drop_rate
    write_adapter(folder, Adapter(layer.rank, layer.alpha, targets, dropout, state, base))


def load_lora(model: GPTModel, source: str | os.PathLike | Mapping[str, Any]) -> None:
    """Copy branches into the model: an adapter's folder, written here or by PEFT, or what
    lora_state_dict gave.

    A model without LoRA gets the branches that the folder describes. One that has them must
    have the same rank, alpha and targets. If anything does not fit, or the adapter was trained
    on another base, nothing is changed.
    """
    state = source
    if not isinstance(source, Mapping):
        adapter = read_adapter(source)
        base = weights_fingerprint(as_arrays(model.state_dict()))
        linears = {path: m for path, m in model.named_modules() if isinstance(m, Linear)}
        shapes = {path: tuple(linear.weight.shape) for path, linear in linears.items()}
        layers = adapted(model)
        settings = [(layer.rank, layer.alpha) for layer in layers.values()]
        check_adapter(adapter, base, shapes, settings)
        if not layers:
            apply_lora(model, adapter.rank, adapter.alpha, adapter.targets, adapter.dropout)
        state = adapter.state
    load_lora_state_dict(model, state)


def as_arrays(state: Mapping[str, Array]) -> dict[str, np.ndarray]:
    """A state dict as files take it: NumPy's arrays, no copies where none are needed."""
    return {key: np.asarray(array) for key, array in state.items()}
