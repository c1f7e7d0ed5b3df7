"""Classification: a head of classes in the vocabulary's place, asked at the last token, which
has seen all others."""

import numpy as np

from numpy_gpt.layers import Linear
from numpy_gpt.model import GPTModel
from numpy_gpt.module import evaluation, no_grad
from numpy_gpt.shapes import Array, Float, Int
from shared_gpt.checks.classifier import check_classes
from shared_gpt.checks.generate import check_logits
from shared_gpt.checks.model import check_rng

Ids = Int[Array, "..."]  # ids (B, T), or positions (B,)


def add_class_head(
    model: GPTModel, n_classes: int, rng: np.random.Generator | None = None
) -> None:
    """Put a new head (C to n_classes, with bias) in lm_head's place; rng draws it (None: seed
    0).

    The model then gives logits (B, T, n_classes). It trains with CrossEntropy where every
    target but the one at each row's last real token is ignored. Padding on the right needs no
    mask, since no earlier token sees it.
    """
    check_classes(n_classes)
    check_rng(rng)
    rng = np.random.default_rng(0) if rng is None else rng
    gain = model.ln_f.weight
    head = Linear(model.config.emb_dim, n_classes, dtype=gain.data.dtype)
    draw = 0.02 * rng.standard_normal(head.weight.shape, np.float32)
    head.weight.data[...] = draw
    model.lm_head = head


def freeze_below_last_block(model: GPTModel) -> None:
    """Leave the last block, the last LayerNorm and the head to train; all else keeps its
    values."""
    for parameter in model.parameters():
        parameter.requires_grad = False
    for module in (model.h[len(model.h) - 1], model.ln_f, model.lm_head):
        for parameter in module.parameters():
            parameter.requires_grad = True


@no_grad()
def predict_classes(model: GPTModel, ids: Ids, last: Ids) -> Float[Array, "B K"]:
    """The class logits of each row, read at its last real token, without dropout."""
    with evaluation(model):
        logits = model(ids)
    check_logits(float(logits.max()))
    return logits[np.arange(len(ids)), last]
