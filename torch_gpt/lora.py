"""LoRA: the trained weights stay as they are, and the product of two thin matrices learns what to add to them."""

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from shared_gpt.checkpoints.adapters import (
    Adapter,
    check_adapter,
    read_adapter,
    target_name,
    weights_fingerprint,
    write_adapter,
)
from shared_gpt.checks.lora import check_lora, check_merge
from shared_gpt.checks.module import check_state_dict

from torch_gpt.layers import Dropout, Embedding, Linear
from torch_gpt.module import Module, Parameter
from torch_gpt.shapes import Array, Float


class LoRALinear(Linear):
    """y = x Wᵀ + b + s drop(x) Aᵀ Bᵀ with s = alpha / rank, A (R, in), B (out, R); W and b belong to the base and are frozen.

    The added ΔW = s B A has rank R at most and is never formed while training: with z = s drop(x) Aᵀ, one number for each
    row and rank, the branch costs R (in + out) products a row instead of in · out. B starts at zero, so the first step has
    ΔW = 0 and dA = 0, but dB ≠ 0. Source: Hu et al. 2021, section 4.1.
    """

    def __init__(
        self, base: Linear, rank: int, alpha: float, dropout: float, rng: np.random.Generator
    ):
        super(Linear, self).__init__()
        self.weight, self.bias = base.weight, base.bias
        out_features, in_features = base.weight.shape
        bound = 1 / math.sqrt(in_features)
        draw = rng.uniform(-bound, bound, (rank, in_features))
        self.lora_A = Parameter(torch.from_numpy(draw).to(base.weight))
        self.lora_B = Parameter(torch.zeros((out_features, rank)).to(base.weight))
        self.dropout = Dropout(dropout, rng)
        self.rank, self.alpha = rank, alpha
        self.merged = False

    @property
    def scale(self) -> float:
        """s = alpha / rank: another rank then needs no other learning rate."""
        return self.alpha / self.rank

    def forward(self, x: Float[Array, "... in"]) -> Float[Array, "... out"]:
        y = super().forward(x)
        if self.merged:
            return y
        dropped = self.dropout(x)
        z = self.scale * (dropped @ self.lora_A.T)
        return y + z @ self.lora_B.T

    def delta(self) -> Float[Array, "out in"]:
        """ΔW = s B A, whole."""
        return self.scale * (self.lora_B.data @ self.lora_A.data)

    def merge(self, sign: int) -> None:
        """W ← W ± ΔW: what the branch adds, put into the weight (+1) or taken out again (-1)."""
        self.weight.data += sign * self.delta()
        self.merged = sign > 0


def adapted(model: Module) -> dict[str, LoRALinear]:
    """The model's LoRA layers by path."""
    return {
        path: module for path, module in model.named_modules() if isinstance(module, LoRALinear)
    }


def apply_lora(
    model: Module,
    rank: int,
    alpha: float,
    targets: Sequence[str] = ("c_attn", "c_proj", "c_fc"),
    dropout: float = 0.0,
    rng: np.random.Generator | None = None,
) -> dict[str, LoRALinear]:
    """Freeze the model and give every Linear that a target names a trainable branch; returns these, by path.

    A target is a layer's name, `c_proj`, or the end of its path, `mlp.c_proj`. The state dict keeps its keys and gains
    `….lora_A` and `….lora_B`. rng draws A and the branches' dropout (None: seed 0).
    """
    found = {
        f"{path}.{name}" if path else name: (module, name, child)
        for path, module in model.named_modules()
        for name, child in module.named_children()
        if isinstance(child, Linear)
        and f".{path}.{name}".endswith(tuple(f".{target}" for target in targets))
    }
    shapes = {path: tuple(child.weight.shape) for path, (_, _, child) in found.items()}
    embeddings = [module.weight for module in model.modules() if isinstance(module, Embedding)]
    tied = [
        path
        for path, (_, _, child) in found.items()
        if any(child.weight is weight for weight in embeddings)
    ]
    check_lora(rank, alpha, dropout, targets, shapes, tied, list(adapted(model)))
    rng = np.random.default_rng(0) if rng is None else rng
    for parameter in model.parameters():
        parameter.requires_grad = False
    for module, name, child in found.values():
        setattr(
            module, name, LoRALinear(child, rank, alpha, dropout, rng).train(child.training)
        )
    return adapted(model)


def merge_lora(model: Module) -> None:
    """Add every branch to its weight, so that the model costs what it cost before; unmerge_lora takes them out again."""
    layers = adapted(model)
    check_merge(len(layers), sum(layer.merged for layer in layers.values()), merging=True)
    for layer in layers.values():
        layer.merge(+1)


def unmerge_lora(model: Module) -> None:
    """Take every branch out of its weight: the weight as it was, to rounding."""
    layers = adapted(model)
    check_merge(len(layers), sum(layer.merged for layer in layers.values()), merging=False)
    for layer in layers.values():
        layer.merge(-1)


def merged_state_dict(model: Module) -> dict[str, Array]:
    """The state dict that the base model would have with every branch added to its weight; the model stays as it is."""
    layers = adapted(model)
    state = {name: array for name, array in model.state_dict().items() if ".lora_" not in name}
    for path, layer in layers.items():
        if not layer.merged:
            state[f"{path}.weight"] = state[f"{path}.weight"] + layer.delta()
    return state


def lora_state_dict(model: Module) -> dict[str, Array]:
    """The branches' arrays by key, the only ones that training changes: the model's own, not copies."""
    return {name: array for name, array in model.state_dict().items() if ".lora_" in name}


def save_lora(model: Module, folder: str | os.PathLike) -> None:
    """Save the branches as an adapter that Hugging Face's PEFT loads onto the same base (adapter_config.json and
    adapter_model.safetensors)."""
    layers = adapted(model)
    check_merge(len(layers), sum(layer.merged for layer in layers.values()), merging=True)
    layer = next(iter(layers.values()))
    targets = tuple(dict.fromkeys(target_name(path) for path in layers))
    state = {name: array.cpu().numpy() for name, array in lora_state_dict(model).items()}
    base = weights_fingerprint(
        {name: array.cpu().numpy() for name, array in model.state_dict().items()}
    )
    write_adapter(
        folder, Adapter(layer.rank, layer.alpha, targets, layer.dropout.drop_rate, state, base)
    )


def load_lora(model: Module, source: str | os.PathLike | Mapping[str, Any]) -> None:
    """Copy branches into the model: an adapter's folder, written here or by PEFT, or what lora_state_dict gave.

    A model without LoRA gets the branches that the folder describes. One that has them must have the same rank, alpha and
    targets. If anything does not fit, or the adapter was trained on another base, nothing is changed.
    """
    state = source
    if not isinstance(source, Mapping):
        adapter = read_adapter(source)
        base = weights_fingerprint(
            {name: array.cpu().numpy() for name, array in model.state_dict().items()}
        )
        layers = adapted(model)
        linears = {
            path: tuple(m.weight.shape)
            for path, m in model.named_modules()
            if isinstance(m, Linear)
        }
        check_adapter(
            adapter, base, linears, [(layer.rank, layer.alpha) for layer in layers.values()]
        )
        if not layers:
            apply_lora(model, adapter.rank, adapter.alpha, adapter.targets, adapter.dropout)
        state = adapter.state
    own = lora_state_dict(model)
    check_state_dict(
        {k: tuple(v.shape) for k, v in own.items()},
        {k: tuple(v.shape) for k, v in state.items()},
    )
    for name, array in own.items():
        array[...] = torch.as_tensor(state[name])
