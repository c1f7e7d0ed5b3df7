"""GPTModel: token ids in, a score for every token that could come next out."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from shared_gpt.checks.classifier import check_classes
from shared_gpt.checks.generate import check_logits
from shared_gpt.checks.model import check_inputs, check_model, check_rng
from shared_gpt.checks.module import check_state_dict
from shared_gpt.config import GPTConfig
from tensorflow_gpt.layers import EPSILON, Dense, Dropout, TransformerBlock
from tensorflow_gpt.parameters import Parameter


class GPTModel(keras.Model):
    """GPT-2. rng draws the initial weights, the same numbers as in the twins, then seeds dropout (None: seed 0).

    Its weights are there at once, zero with initialize=False. Beside what a keras.Model has, it has the state dict of the
    twins: their keys, shapes and layout.
    """

    def __init__(
        self, config: GPTConfig, rng: np.random.Generator | None = None, dtype: str = "float32", initialize: bool = True
    ):
        check_model(config, rng, np.dtype(dtype))
        rng = np.random.default_rng(0) if rng is None else rng
        super().__init__(name="gpt", dtype=dtype)
        self.config = config
        self.wte = layers.Embedding(config.vocab_size, config.emb_dim, "zeros", dtype=dtype, name="wte")
        self.wpe = layers.Embedding(config.context_length, config.emb_dim, "zeros", dtype=dtype, name="wpe")
        self.drop = Dropout(config.drop_rate, rng, dtype=dtype, name="drop")
        self.h = [TransformerBlock(config, rng, dtype=dtype, name=f"h.{i}") for i in range(config.n_layers)]
        self.ln_f = layers.LayerNormalization(epsilon=EPSILON, dtype=dtype, name="ln_f")
        head = Dense(config.vocab_size, use_bias=False, dtype=dtype, name="lm_head")
        self.lm_head = None if config.tie_embeddings else head  # None: the logits come from wte's table
        self.graph: Callable | None = None
        self(np.zeros((1, 1), np.int64))  # makes the variables
        if initialize:
            self.initialize(rng)

    def call(self, ids: keras.KerasTensor, training: bool | None = None) -> keras.KerasTensor:
        """Logits (B, T, V) for ids (B, T); values are dropped with training=True alone, which Keras hands on to every layer."""
        x = self.drop(self.wte(ids) + self.wpe(ops.arange(ops.shape(ids)[1])))
        for block in self.h:
            x = block(x)
        x = self.ln_f(x)
        return ops.matmul(x, ops.transpose(self.wte.embeddings)) if self.lm_head is None else self.lm_head(x)

    def logits(self, ids: np.ndarray) -> tf.Tensor:
        """What a call without training gives, from a graph that is made at the first time: several times as quick where the
        model is small. What changes a layer sets `graph` back to None."""
        check_inputs(ids, np.ndarray, self.config, cache=None, last=None)
        if self.graph is None:
            self.graph = tf.function(self.call, input_signature=[tf.TensorSpec((None, None), tf.int64)])
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

    def parameters(self) -> list[Parameter]:
        return [Parameter(variable) for variable in self.weights]

    def named_parameters(self) -> list[tuple[str, Parameter]]:
        return [(parameter.key, parameter) for parameter in self.parameters()]

    def modules(self) -> list[layers.Layer]:
        """Every layer, however deep, in the order of the state dict."""
        return list(within(self))

    num_parameters = keras.Model.count_params

    def eval(self) -> "GPTModel":
        """Itself: a call drops values only where it says training=True, so there is nothing to switch off."""
        return self

    def state_dict(self, part: str = "") -> dict[str, np.ndarray]:
        """Copies of the variables by our keys, in our layout; part: only of those whose keys hold it."""
        return {key: p.turned(p.variable) for key, p in self.named_parameters() if part in key}

    def load_state_dict(self, state: Mapping[str, Any], part: str = "") -> None:
        """Copy arrays in our layout into the variables. Where a key does not fit, nothing is changed."""
        own = {key: parameter for key, parameter in self.named_parameters() if part in key}
        check_state_dict(own, state)
        for key, parameter in own.items():
            parameter.assign(state[key])


def within(layer: layers.Layer) -> Iterator[layers.Layer]:
    """A layer, and all that it is made of."""
    yield layer
    for part in layer._layers:
        yield from within(part)


def add_class_head(model: GPTModel, n_classes: int, rng: np.random.Generator | None = None) -> None:
    """Put a new Dense (C to n_classes, with bias) behind ln_f; rng draws it, the same numbers as in the twins (None: seed 0).

    The model then gives logits (B, T, n_classes). It trains with cross_entropy where every target but the one at each row's
    last real token is ignored. A model that was compiled needs `compile` anew.
    """
    check_classes(n_classes)
    check_rng(rng)
    rng = np.random.default_rng(0) if rng is None else rng
    head = Dense(n_classes, dtype=model.dtype, name="lm_head")
    head.build((None, None, model.config.emb_dim))
    head.weight.assign(0.02 * rng.standard_normal(head.weight.shape, np.float32))
    model._tracker.unlock()  # Keras closes the list of what a model is made of once it is built
    model._tracker.untrack(model.lm_head)
    model.lm_head, model.graph = head, None
    model._tracker.lock()


def freeze_below_last_block(model: GPTModel) -> None:
    """Leave the last block, the last LayerNormalization and the head to train; all else keeps its values."""
    model.trainable = True
    for layer in (model.wte, model.wpe, *model.h[:-1]):
        layer.trainable = False


def predict_classes(model: GPTModel, ids: np.ndarray, last: np.ndarray) -> np.ndarray:
    """The class logits (B, K) of each row of ids (B, T), read at its last real token, last (B), without dropout."""
    logits = model.logits(ids).numpy()
    check_logits(float(logits.max()))
    return logits[np.arange(len(logits)), last]
