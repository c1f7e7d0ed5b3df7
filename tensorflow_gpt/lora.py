"""LoRA: every Dense that is named gets a branch; these train, the rest is frozen."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from keras.layers import Dense

from shared_gpt.checks.lora import check_lora, check_merge
from shared_gpt.checks.module import check_state_dict
from tensorflow_gpt.layers import LoRADense
from tensorflow_gpt.model import GPTModel
from tensorflow_gpt.parameters import named_layers, replace_layer


def adapted(model: GPTModel) -> dict[str, LoRADense]:
    """The model's LoRA layers by path."""
    return {path: layer for path, layer in named_layers(model).items() if isinstance(layer, LoRADense)}


def apply_lora(
    model: GPTModel,
    rank: int,
    alpha: float,
    targets: Sequence[str] = ("c_attn", "c_proj", "c_fc"),
    dropout: float = 0.0,
    rng: np.random.Generator | None = None,
) -> dict[str, LoRADense]:
    """Freeze the model and give every Dense that a target names a branch; returns these by path.

    A target is a layer's name, `c_proj`, or the end of its path, `mlp.c_proj`. rng draws A, the same numbers as in the twins
    (None: seed 0). A model that was compiled needs `compile` anew.
    """
    ends = tuple(f".{target}" for target in targets)
    chosen = {path: layer for path, layer in named_layers(model).items() if f".{path}".endswith(ends)}
    chosen = {path: layer for path, layer in chosen.items() if isinstance(layer, Dense)}
    shapes = {path: (layer.units, layer.kernel.shape[0]) for path, layer in chosen.items()}
    tied = ["lm_head"] if model.lm_head is None and ".lm_head".endswith(ends) else []
    sizes = model.config.vocab_size, model.config.emb_dim
    check_lora(rank, alpha, dropout, targets, shapes | dict.fromkeys(tied, sizes), tied, list(adapted(model)), rng)
    rng = np.random.default_rng(0) if rng is None else rng
    for parameter in model.parameters():
        parameter.variable.trainable = False
    for path, layer in chosen.items():
        replace_layer(model, path, LoRADense(layer, rank, alpha, dropout, rng))
    return adapted(model)


def merge_lora(model: GPTModel) -> None:
    """Add every branch to its kernel, so that the model costs what it cost before; unmerge_lora takes them out again."""
    merge(model, +1)


def unmerge_lora(model: GPTModel) -> None:
    """Take every branch out of its kernel: the kernel as it was, to rounding."""
    merge(model, -1)


def merge(model: GPTModel, sign: int) -> None:
    layers = adapted(model).values()
    check_merge(len(layers), sum(layer.merged for layer in layers), merging=sign > 0)
    for layer in layers:
        layer.merge(sign)
    model.graph = None


def merged_state_dict(model: GPTModel) -> dict[str, np.ndarray]:
    """The state dict of the base model with every branch added to its weight; the model stays as it is."""
    state = model.state_dict()
    for path, layer in adapted(model).items():
        A, B = state.pop(f"{path}.lora_A"), state.pop(f"{path}.lora_B")
        if not layer.merged:
            state[f"{path}.weight"] += layer.alpha / layer.rank * (B @ A)
    return state


def lora_state_dict(model: GPTModel) -> dict[str, np.ndarray]:
    """Copies of the branches' arrays by key, the only ones that training changes."""
    return {name: array for name, array in model.state_dict().items() if ".lora_" in name}


def load_lora_state_dict(model: GPTModel, state: Mapping[str, Any]) -> None:
    """Copy what lora_state_dict gave, here or in a twin, into the branches. Where a key does not fit, nothing is changed."""
    own = {name: parameter for name, parameter in model.named_parameters() if ".lora_" in name}
    check_state_dict(own, state)
    for key, parameter in own.items():
        parameter.assign(state[key])
