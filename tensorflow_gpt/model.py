"""GPTModel: token ids in, a score for every token that could come next out."""

import math
from collections.abc import Mapping
from dataclasses import asdict

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from shared_gpt.checks.classifier import check_classes
from shared_gpt.checks.generate import check_logits
from shared_gpt.checks.model import check_inputs, check_model, check_rng, check_shape
from shared_gpt.checks.module import check_state_dict
from shared_gpt.config import GPTConfig
from tensorflow_gpt.layers import EPSILON, Dense, Dropout, TransformerBlock
from tensorflow_gpt.parameters import Parameter


def every_layer(layer):
    """It and all that it is made of, in the order of the state dict."""
    return [layer, *(inner for part in layer._layers for inner in every_layer(part))]


@keras.saving.register_keras_serializable("numpy_gpt")
class GPTModel(keras.Model):
    """GPT-2. rng draws the initial weights, the same numbers as in the twins, then seeds dropout (None: seed 0).

    Its weights are there at once, zero with initialize=False. Beside what a keras.Model has, it has the state dict of the
    twins: their keys, shapes and layout.
    """

    def __init__(self, config, rng=None, dtype="float32", initialize=True):
        dtype = keras.backend.standardize_dtype(dtype)
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
        self.graph = None
        self(keras.Input((None,), dtype="int64"))  # makes the variables
        if initialize:
            self.initialize(rng)

    def call(self, ids, training=None):
        """Logits (B, T, V) for ids (B, T); values are dropped with training=True alone, which Keras hands on to every layer."""
        if hasattr(ids, "numpy"):  # while a graph is made, ids have a shape alone
            check_inputs(ids.numpy(), np.ndarray, self.config, cache=None, last=None)
        else:
            check_shape(ids.shape, self.config)
        x = self.drop(self.wte(ids) + self.wpe(ops.arange(ops.shape(ids)[1])))
        for block in self.h:
            x = block(x)
        x = self.ln_f(x)
        return ops.matmul(x, ops.transpose(self.wte.embeddings)) if self.lm_head is None else self.lm_head(x)

    def logits(self, ids):
        """What a call without training gives, from a graph that is made at the first time: several times as quick where the
        model is small. What changes a layer sets `graph` back to None."""
        check_inputs(ids, np.ndarray, self.config, cache=None, last=None)
        if self.graph is None:
            self.graph = tf.function(self.call, input_signature=[tf.TensorSpec((None, None), tf.int64)])
        return self.graph(np.asarray(ids, np.int64))

    def forget_graphs(self):
        """Graphs, this one and those of fit, evaluate and predict, hold the layers as they were when they were made."""
        self.graph = self.train_function = self.test_function = self.predict_function = None

    def get_config(self):
        """What a `.keras` file says of the model; from_config makes another by it, whose weights Keras then fills."""
        own_head = self.lm_head is not None and self.lm_head.use_bias
        if own_head or any(getattr(layer, "rank", 0) for layer in self.modules()):
            raise ValueError("A .keras file has no place for LoRA and class heads; take save_weights, or save_lora.")
        return {"config": asdict(self.config), "dtype": self.dtype}

    @classmethod
    def from_config(cls, config):
        return cls(GPTConfig(**config["config"]), dtype=config["dtype"])

    def get_compile_config(self):
        """Nothing: the optimizer is made for the parameters of one model, so a loaded one is compiled anew."""

    def initialize(self, rng):
        """Draw the weights as GPT-2's: deviation 0.02 (wpe: 0.01), less where a layer writes into the residual stream."""
        deviations = {"wpe": 0.01, "c_proj": 0.02 / math.sqrt(2 * self.config.n_layers)}
        for parameter in self.parameters():
            if len(parameter.shape) == 2:
                deviation = deviations.get(parameter.key.split(".")[-2], 0.02)
                parameter.assign(deviation * rng.standard_normal(parameter.shape, np.float32))

    def initialize_as_pytorch(self, rng):
        """Draw what PyTorch's layers begin with: tables of deviation 1, matrices and biases uniform within ±1/√in. A tied
        table draws twice, at last as a head, which it is."""
        for table in (self.wte, self.wpe):
            table.embeddings.assign(rng.standard_normal(table.embeddings.shape, np.float32))
        dense = [layer for layer in self.modules() if isinstance(layer, Dense)]
        drawn = [(Parameter(variable), layer.kernel.shape[0]) for layer in dense for variable in layer.weights]
        if self.config.tie_embeddings:
            drawn.append((Parameter(self.wte.embeddings), self.config.emb_dim))
        for parameter, in_features in drawn:
            parameter.assign((2 * rng.random(parameter.shape, np.float32) - 1) / math.sqrt(in_features))

    def parameters(self):
        return [Parameter(variable) for variable in self.weights]

    def named_parameters(self):
        return [(parameter.key, parameter) for parameter in self.parameters()]

    modules = every_layer
    num_parameters = keras.Model.count_params

    def eval(self):
        """Itself: a call drops values only where it says training=True, so there is nothing to switch off."""
        return self

    def state_dict(self, part=""):
        """Copies of the variables by our keys, in our layout; part: only of those whose keys hold it."""
        return {key: p.turned(p.variable) for key, p in self.named_parameters() if part in key}

    def load_state_dict(self, state, part=""):
        """Copy arrays, or tensors, in our layout into the variables. Where a key does not fit, nothing is changed."""
        if isinstance(state, Mapping):
            state = {key: np.asarray(array) if tf.is_tensor(array) else array for key, array in state.items()}
        own = {key: parameter for key, parameter in self.named_parameters() if part in key}
        check_state_dict(own, state)
        for key, parameter in own.items():
            parameter.assign(state[key])


def add_class_head(model, n_classes, rng=None):
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
    model.lm_head = head
    model._tracker.lock()
    model.forget_graphs()


def freeze_below_last_block(model):
    """Leave the last block, the last LayerNormalization and the head to train; all else keeps its values."""
    model.trainable = True
    for layer in (model.wte, model.wpe, *model.h[:-1]):
        layer.trainable = False


def predict_classes(model, ids, last):
    """The class logits (B, K) of each row of ids (B, T), read at its last real token, last (B), without dropout."""
    logits = model.logits(ids).numpy()
    check_logits(float(logits.max()))
    return logits[np.arange(len(logits)), last]
