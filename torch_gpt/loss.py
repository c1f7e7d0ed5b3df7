"""CrossEntropy: how surprised the model was by the token that came."""

import torch

from shared_gpt.checks.loss import check_targets
from torch_gpt.functional import logsumexp
from torch_gpt.module import Module
from torch_gpt.shapes import Array, Float, Int, Scalar


class CrossEntropy(Module):
    """L = 1/n Σ_i (log Σ_v exp(z_iv) - z_i,target(i)), over the n targets that are not
    ignore_index.

    The mean of -log softmax(z)[target], computed through log-sum-exp: log(softmax + eps) would
    bend the loss, and without eps a token of probability 0 would make it infinite. If every
    target is ignored, L and its gradient are 0. Source: Bishop 2006, eq. 4.108.
    """

    def __init__(self, ignore_index: int = -100):
        super().__init__()
        self.ignore_index = ignore_index

    def forward(self, logits: Float[Array, "... V"], targets: Int[Array, "..."]) -> Scalar:
        check_targets(logits, targets, self.ignore_index, Array)
        rows = logits.reshape(-1, logits.shape[-1])
        targets = targets.reshape(-1).long()
        counted = targets != self.ignore_index
        targets = torch.where(counted, targets, 0)
        lse = logsumexp(rows)
        picked = rows[torch.arange(len(rows), device=rows.device), targets]
        n = max(int(counted.sum()), 1)
        return torch.where(counted, lse - picked, 0).sum() / n
