"""LoRA: the trained weights stay as they are; two thin matrices learn what to add to them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from shared_gpt.checks.lora import check_lora, check_merge
from shared_gpt.checks.module import check_state_dict
from torch_gpt.layers import Dropout, Embedding, Linear
from torch_gpt.module import Module, Parameter
from torch_gpt.shapes import Array, Float


class LoRALinear(Linear):
    """y = x Wᵀ + b + s drop(x) Aᵀ Bᵀ with s = alpha / rank, A (R, in), B (out, R); W and b are
    frozen.

    The added ΔW = s B A has rank R at most and is never formed in training. With z = s drop(x)
    Aᵀ, R numbers for each row, the branch costs R (in + out) products a row instead of in ·
    out. B starts at zero: in the first step ΔW = 0 and dA = 0, but dB ≠ 0.

    Source: Hu et al. 2021, section 4.1.
    """

    def __init__(
        self, base: Linear, rank: int, alpha: float, dropout: float, rng: np.random.Generator
    ):
        Module.__init__(self)  # not Linear's: the base's weight and bias are taken over
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
        """s = alpha / rank: with it, another rank needs no other learning rate."""
        return self.alpha / self.rank

    def forward(self, x: Float[Array, "... in"]) -> Float[Array, "... out"]:
        y = super().forward(x)
        if self.merged:
            return y
        dropped = self.dropout(x)
        rows = dropped.reshape(-1, dropped.shape[-1])
        z = self.scale * (rows @ self.lora_A.T)
        y = y + (z @ self.lora_B.T).reshape(y.shape)
        return y

    def delta(self) -> Float[Array, "out in"]:
        """ΔW = s B A, whole."""
        return self.scale * (self.lora_B.data @ self.lora_A.data)

    def merge(self, sign: int) -> None:
        """W ← W ± ΔW: add the branch to the weight (+1), or take it out again (-1)."""
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
    """Freeze the model and give every Linear that a target names a branch; returns these by
    path.

    A target is a layer's name, `c_proj`, or the end of its path, `mlp.c_proj`. The state dict
    keeps its keys and gains `….lora_A` and `….lora_B`. rng draws A and the branches' dropout
    (None: seed 0).
    """
    found = {
        f"{path}.{name}" if path else name: (module, name, child)
        for path, module in model.named_modules()
        for name, child in module.named_children()
        if isinstance(child, Linear)
        and f".{path}.{name}".endswith(tuple(f".{target}" for target in targets))
    }
    shapes = {path: tuple(linear.weight.shape) for path, (_, _, linear) in found.items()}
    tables = [module.weight for module in model.modules() if isinstance(module, Embedding)]
    tied = [
        path
        for path, (_, _, linear) in found.items()
        if any(linear.weight is t for t in tables)
    ]
    check_lora(rank, alpha, dropout, targets, shapes, tied, list(adapted(model)), rng)
    rng = np.random.default_rng(0) if rng is None else rng
    for parameter in model.parameters():
        parameter.requires_grad = False
    for module, name, linear in found.values():
        branch = LoRALinear(linear, rank, alpha, dropout, rng)
        setattr(module, name, branch.train(linear.training))
    return adapted(model)


def merge_lora(model: Module) -> None:
    """Add every branch to its weight, so that the model costs what it cost before; unmerge_lora
    takes them out again."""
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
    """The state dict of the base model with every branch added to its weight; the model stays
    as it is."""
    state = {
        name: tensor for name, tensor in model.state_dict().items() if ".lora_" not in name
    }
    for path, layer in adapted(model).items():
        if not layer.merged:
            state[f"{path}.weight"] = state[f"{path}.weight"] + layer.delta()
    return state


def lora_state_dict(model: Module) -> dict[str, Array]:
    """The branches' tensors by key, the only ones that training changes: the model's own, not
    copies."""
    return {name: tensor for name, tensor in model.state_dict().items() if ".lora_" in name}


def load_lora_state_dict(model: Module, state: Mapping[str, Any]) -> None:
    """Copy what lora_state_dict gave into the branches. If a key or a shape does not fit,
    nothing is changed."""
    own = lora_state_dict(model)
    check_state_dict(own, state)
    tensors = {key: torch.as_tensor(state[key]) for key in own}
    for key, tensor in own.items():
        tensor[...] = tensors[key]
