"""Mistakes in the gradient of the cross-entropy."""

import numpy as np

from parity_tests.report.suspects.suspect import Suspects
from parity_tests.report.trace import Trace


def cross_entropy(theirs: Trace) -> Suspects:
    """(softmax(z) - onehot) / n, and 0 where the target is ignored."""
    logits, dlogits = theirs["input", "loss"].astype(np.float64), theirs["dx", "loss"]
    counted = dlogits.any(axis=-1, keepdims=True)
    p = np.exp(logits - logits.max(axis=-1, keepdims=True))
    p /= p.sum(axis=-1, keepdims=True)
    yield "a missing term: the one-hot of the targets", np.where(counted, p / counted.sum(), 0)
    ignored = p.copy()
    ignored[..., 0] -= 1
    yield "ignored targets get a gradient", np.where(counted, dlogits, ignored / counted.sum())
