"""CrossEntropy: how surprised the model was by the token that came."""

import numpy as np

from numpy_gpt.chunks import in_chunks_of_rows
from numpy_gpt.functional import logsumexp
from numpy_gpt.module import Module
from numpy_gpt.shapes import Array, Float, Int, Scalar
from shared_gpt.checks.loss import check_targets


class CrossEntropy(Module):
    """L = 1/n Σ_i (log Σ_v exp(z_iv) - z_i,target(i)), over the n targets that are not
    ignore_index.

    The mean of -log softmax(z)[target], computed through log-sum-exp: log(softmax + eps) would
    bend the loss, and without eps a token of probability 0 would make it infinite. If every
    target is ignored, L and its gradient are 0.

    Saved: z and its log-sum-exp, from which the softmax is one exp away; no second array as
    large as the logits exists before the gradient itself. Backward: the derivative of the
    log-sum-exp with respect to z_iv is softmax(z_i)_v, so

        dz_iv = (softmax(z_i)_v - [v = target(i)]) / n
        dz = (softmax(z) - onehot(targets)) / n

    and 0 in ignored rows. Source: Bishop 2006, eq. 4.109.
    """

    def __init__(self, ignore_index: int = -100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits: Float[Array, "... V"], targets: Int[Array, "..."]) -> Scalar:
        check_targets(logits, targets, self.ignore_index, Array)
        rows = logits.reshape(-1, logits.shape[-1])
        targets = targets.reshape(-1)
        counted = targets != self.ignore_index
        targets = np.where(counted, targets, 0)
        lse = logsumexp(rows)
        picked = rows[np.arange(len(rows)), targets]
        n = max(int(counted.sum()), 1)
        self.save_for_backward(logits, targets, counted, lse, n)
        return np.where(counted, lse - picked, 0).sum() / n

    def backward(self, dloss: float = 1.0) -> Float[Array, "... V"]:
        """∂L/∂logits, times dloss: the weight of this loss in a larger one, as of one
        micro-batch of several."""
        logits, targets, counted, lse, n = self.pop_saved()
        rows = logits.reshape(-1, logits.shape[-1])
        weights = np.where(counted, dloss / n, 0).astype(rows.dtype)

        @in_chunks_of_rows(4)
        def rows_backward(
            rows: Float[Array, "N V"],
            lse: Float[Array, " N"],
            targets: Int[Array, " N"],
            weights: Float[Array, " N"],
        ) -> Float[Array, "N V"]:
            drows = rows - lse[:, None]  # forward: lse = logsumexp(rows)
            np.exp(drows, out=drows)  # softmax(rows), the derivative of lse
            drows[np.arange(len(rows)), targets] -= 1  # forward: picked = rows[…, targets]
            drows *= weights[:, None]  # forward: np.where(counted, …, 0).sum() / n
            return drows

        return rows_backward(rows, lse, targets, weights).reshape(logits.shape)
