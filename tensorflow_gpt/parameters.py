"""The twins' names for Keras' variables: `h.0.attn.c_attn.weight` (3C, C) is the transpose of a kernel (C, 3C)."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers

from tensorflow_gpt.layers import LoRADense

VARIABLES = {  # kind of layer -> our name, Keras' name, whether it lies transposed
    layers.Dense: (("weight", "kernel", True), ("bias", "bias", False)),
    layers.LayerNormalization: (("weight", "gamma", False), ("bias", "beta", False)),
    layers.Embedding: (("weight", "embeddings", False),),
}


@dataclass(frozen=True)
class Parameter:
    """A variable as the twins see it: their shape, their word for being trained."""

    variable: keras.Variable
    transposed: bool = False

    @property
    def shape(self) -> tuple[int, ...]:
        shape = tuple(self.variable.shape)
        return shape[::-1] if self.transposed else shape

    @property
    def dtype(self) -> str:
        return self.variable.dtype

    @property
    def requires_grad(self) -> bool:
        return self.variable.trainable

    def turned(self, array: Any) -> np.ndarray:
        """From Keras' layout to ours, or back."""
        return np.ascontiguousarray(np.asarray(array).T if self.transposed else array)

    def numpy(self) -> np.ndarray:
        return self.turned(self.variable)

    def assign(self, array: Any) -> None:
        self.variable.assign(self.turned(array))


def named_layers(model: keras.Model) -> dict[str, layers.Layer]:
    """The layers that hold variables, by our paths, in the order of the state dict."""
    found = {"wte": model.wte, "wpe": model.wpe}
    for i, block in enumerate(model.h):
        found |= {f"h.{i}.ln_1": block.ln_1, f"h.{i}.attn.c_attn": block.attn.c_attn}
        found |= {f"h.{i}.attn.c_proj": block.attn.c_proj, f"h.{i}.ln_2": block.ln_2}
        found |= {f"h.{i}.mlp.c_fc": block.mlp.c_fc, f"h.{i}.mlp.c_proj": block.mlp.c_proj}
    found["ln_f"] = model.ln_f
    return found if model.lm_head is None else found | {"lm_head": model.lm_head}


def named_parameters(model: keras.Model) -> dict[str, Parameter]:
    """Every variable of the model by our key."""
    found = {}
    for path, layer in named_layers(model).items():
        base = layer.base if isinstance(layer, LoRADense) else layer
        for name, kerasname, transposed in VARIABLES[type(base)]:
            if (variable := getattr(base, kerasname)) is not None:
                found[f"{path}.{name}"] = Parameter(variable, transposed)
        if isinstance(layer, LoRADense):
            found[f"{path}.lora_A"] = Parameter(layer.lora_A.kernel, transposed=True)
            found[f"{path}.lora_B"] = Parameter(layer.lora_B.kernel, transposed=True)
    return found


def replace_layer(model: keras.Model, path: str, layer: layers.Layer | None) -> None:
    """Put a layer in the place that a path names. Keras holds a list of what a layer is made of, closed once it is built."""
    *within, name = path.split(".")
    owner = model
    for part in within:
        owner = owner[int(part)] if part.isdigit() else getattr(owner, part)
    owner._tracker.unlock()
    owner._tracker.untrack(getattr(owner, name))
    setattr(owner, name, layer)
    owner._tracker.lock()
    model.graph = None
