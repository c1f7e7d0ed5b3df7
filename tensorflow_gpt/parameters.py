"""The twins' names for Keras' variables: `h.0.attn.c_attn.weight` (3C, C) is the transpose of a kernel (C, 3C)."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import layers

from tensorflow_gpt.layers import LoRADense

BLOCK = ("ln_1", "attn.c_attn", "attn.c_proj", "ln_2", "mlp.c_fc", "mlp.c_proj")
NAMES = {"kernel": "weight", "bias": "bias", "gamma": "weight", "beta": "bias", "embeddings": "weight"}


@dataclass(frozen=True)
class Parameter:
    """A variable as the twins see it: their layout, their word for being trained."""

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

    def assign(self, array: Any) -> None:
        self.variable.assign(self.turned(array))


def layer_at(model: keras.Model, path: str) -> Any:
    """What a path leads to, "h.0.attn.c_attn": attributes have the twins' names."""
    for name in path.split(".") if path else ():
        model = model[int(name)] if name.isdigit() else getattr(model, name)
    return model


def named_layers(model: keras.Model) -> dict[str, layers.Layer]:
    """The layers that hold variables, by our paths, in the order of the state dict."""
    paths = ["wte", "wpe", *(f"h.{i}.{name}" for i in range(len(model.h)) for name in BLOCK), "ln_f", "lm_head"]
    return {path: layer for path in paths if (layer := layer_at(model, path)) is not None}


def named_parameters(model: keras.Model) -> dict[str, Parameter]:
    """Every variable of the model by our key."""
    found = {}
    for path, layer in named_layers(model).items():
        adapted = isinstance(layer, LoRADense)
        for variable in (layer.base if adapted else layer).weights:
            found[f"{path}.{NAMES[variable.name]}"] = Parameter(variable, variable.name == "kernel")
        for branch in ("lora_A", "lora_B") if adapted else ():
            found[f"{path}.{branch}"] = Parameter(getattr(layer, branch).kernel, transposed=True)
    return found


def replace_layer(model: keras.Model, path: str, layer: layers.Layer) -> None:
    """Put a layer in the place that a path names. Keras holds a list of what a layer is made of, closed once it is built."""
    within, _, name = path.rpartition(".")
    owner = layer_at(model, within)
    owner._tracker.unlock()
    owner._tracker.untrack(getattr(owner, name))
    setattr(owner, name, layer)
    owner._tracker.lock()
    model.graph = None
