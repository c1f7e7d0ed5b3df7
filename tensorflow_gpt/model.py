"""GPTModel: token ids in, a score for every token that could come next out."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from shared_gpt.checks.model import check_inputs, check_model
from shared_gpt.checks.module import check_state_dict
from shared_gpt.config import GPTConfig
from tensorflow_gpt.layers import EPSILON, Dropout, TransformerBlock
from tensorflow_gpt.parameters import Parameter, named_parameters


class GPTModel(keras.Model):
    """GPT-2. rng draws the initial weights, the same numbers as in the twins, then seeds dropout (None: seed 0).

    Its weights are there at once, zero with initialize=False. Beside what a keras.Model has, it has the state dict of the
    twins: their keys, shapes and layout.
    """

    def __init__(
        self,
        config: GPTConfig,
        rng: np.random.Generator | None = None,
        dtype: str = "float32",
        initialize: bool = True,
    ):
        check_model(config, rng, np.dtype(dtype))
        super().__init__(name="gpt", dtype=dtype)
        rng = np.random.default_rng(0) if rng is None else rng
        self.config = config
        self.wte = layers.Embedding(config.vocab_size, config.emb_dim, "zeros", dtype=dtype, name="wte")
        self.wpe = layers.Embedding(config.context_length, config.emb_dim, "zeros", dtype=dtype, name="wpe")
        self.drop = Dropout(config.drop_rate, rng, dtype=dtype, name="drop")
        self.h = [TransformerBlock(config, rng, dtype=dtype, name=f"h_{i}") for i in range(config.n_layers)]
        self.ln_f = layers.LayerNormalization(epsilon=EPSILON, dtype=dtype, name="ln_f")
        self.lm_head = None  # the logits come from wte's table
        if not config.tie_embeddings:
            self.lm_head = layers.Dense(
                config.vocab_size, use_bias=False, kernel_initializer="zeros", dtype=dtype, name="lm_head"
            )
        self.graph: Callable | None = None
        self(np.zeros((1, 1), np.int64))  # makes the variables
        if initialize:
            self.initialize(rng)

    def call(self, ids: keras.KerasTensor, training: bool | None = None) -> keras.KerasTensor:
        """Logits (B, T, V) for ids (B, T); values are dropped with training=True alone."""
        x = self.wte(ids) + self.wpe(ops.arange(ops.shape(ids)[1]))
        x = self.drop(x, training=training)
        for block in self.h:
            x = block(x, training=training)
        x = self.ln_f(x)
        return ops.matmul(x, ops.transpose(self.wte.embeddings)) if self.lm_head is None else self.lm_head(x)

    def logits(self, ids: np.ndarray) -> tf.Tensor:
        """What a call without training gives, from a graph that is made at the first time: several times as quick where the
        model is small. What changes a layer sets `graph` back to None."""
        check_inputs(ids, np.ndarray, self.config, cache=None, last=None)
        if self.graph is None:
            signature = [tf.TensorSpec((None, None), tf.int64)]
            self.graph = tf.function(lambda ids: self(ids, training=False), input_signature=signature)
        return self.graph(np.asarray(ids, np.int64))

    def initialize(self, rng: np.random.Generator) -> None:
        """Draw the weights as GPT-2's: deviation 0.02 (wpe: 0.01), less where a layer writes into the residual stream."""
        for name, parameter in self.named_parameters():
            if len(parameter.shape) == 2:
                std = 0.01 if name == "wpe.weight" else 0.02
                if name.endswith("c_proj.weight"):
                    std /= math.sqrt(2 * self.config.n_layers)
                parameter.assign(std * rng.standard_normal(parameter.shape, np.float32))

    def initialize_as_pytorch(self, rng: np.random.Generator) -> None:
        """Draw what PyTorch's layers begin with: tables of deviation 1, matrices and biases uniform within ±1/√in. A tied
        table draws twice, at last as a head, which it is."""
        found = dict(self.named_parameters())
        drawn = [*found, "wte.weight"] if self.config.tie_embeddings else list(found)
        for i, name in enumerate(drawn):
            path, shape = name.rpartition(".")[0], found[name].shape
            if path in ("wte", "wpe") and i < len(found):
                found[name].assign(rng.standard_normal(shape, np.float32))
            elif ".ln_" not in name and path != "ln_f":
                in_features = found[f"{path}.weight"].shape[1]
                found[name].assign((2 * rng.random(shape, np.float32) - 1) / math.sqrt(in_features))

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        return iter(named_parameters(self).items())

    def parameters(self) -> list[Parameter]:
        return list(named_parameters(self).values())

    def modules(self) -> list[layers.Layer]:
        """Every layer, however deep."""
        return list(self._flatten_layers())

    num_parameters = keras.Model.count_params

    def eval(self) -> "GPTModel":
        """Itself: a call drops values only where it says training=True, so there is nothing to switch off."""
        return self

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of the variables by our keys, in our layout."""
        return {name: parameter.turned(parameter.variable) for name, parameter in self.named_parameters()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Copy arrays in our layout into the variables. Where a key does not fit, nothing is changed."""
        own = dict(self.named_parameters())
        check_state_dict(own, state)
        for key, parameter in own.items():
            parameter.assign(state[key])
