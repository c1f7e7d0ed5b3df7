"""Classification: a head of classes in the vocabulary's place, asked at the last token, which has seen all others."""

import numpy as np
from keras import layers

from shared_gpt.checks.classifier import check_classes
from shared_gpt.checks.generate import check_logits
from shared_gpt.checks.model import check_rng
from tensorflow_gpt.model import GPTModel
from tensorflow_gpt.parameters import replace_layer


def add_class_head(model: GPTModel, n_classes: int, rng: np.random.Generator | None = None) -> None:
    """Put a new Dense (C to n_classes, with bias) behind ln_f; rng draws it, the same numbers as in the twins (None: seed 0).

    The model then gives logits (B, T, n_classes). It trains with cross_entropy where every target but the one at each row's
    last real token is ignored. A model that was compiled needs `compile` anew.
    """
    check_classes(n_classes)
    check_rng(rng)
    rng = np.random.default_rng(0) if rng is None else rng
    head = layers.Dense(n_classes, kernel_initializer="zeros", dtype=model.dtype, name="lm_head")
    head.build((None, None, model.config.emb_dim))
    head.kernel.assign(0.02 * rng.standard_normal((n_classes, model.config.emb_dim), np.float32).T)
    replace_layer(model, "lm_head", head)


def freeze_below_last_block(model: GPTModel) -> None:
    """Leave the last block, the last LayerNormalization and the head to train; all else keeps its values."""
    learning = (f"h.{len(model.h) - 1}.", "ln_f.", "lm_head.")
    for name, parameter in model.named_parameters():
        parameter.variable.trainable = name.startswith(learning)


def predict_classes(model: GPTModel, ids: np.ndarray, last: np.ndarray) -> np.ndarray:
    """The class logits (B, K) of each row of ids (B, T), read at its last real token, last (B), without dropout."""
    logits = model.logits(ids).numpy()
    check_logits(float(logits.max()))
    return logits[np.arange(len(logits)), last]
