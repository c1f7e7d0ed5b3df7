"""Sampling: from the logits of the next token to one token, the likeliest or one by chance.

Chance is one uniform number for each row, looked up in the cumulative probabilities, all in
float64. From equal logits the same number chooses the same token in both twins, unless it falls
within rounding (about 1e-16) of the border between two. Float32 logits of the twins differ near
1e-6, and so do the borders. Of equal logits, the likeliest token is the first.
"""

from collections.abc import Sequence

import numpy as np
import torch

from torch_gpt.functional import softmax
from torch_gpt.shapes import Array, Float, Int


def penalize_repetition(
    logits: Float[Array, "B V"], rows: Sequence[Sequence[int]], penalty: float
) -> Float[Array, "B V"]:
    """The logits of tokens that a row already holds, divided by the penalty if positive, else
    multiplied by it.

    Keskar et al. 2019 (CTRL), section 4.1, always divide, which would make a negative logit
    likelier; transformers looks at the sign, as is done here. A penalty of 1 changes nothing,
    one below 1 invites repetition.
    """
    logits = logits.clone()
    for z, row in zip(logits, rows):
        seen = z[row]
        z[row] = torch.where(seen > 0, seen / penalty, seen * penalty)
    return logits


def probabilities(
    logits: Float[Array, "B V"],
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float | None = None,
) -> Float[Array, "B V"]:
    """softmax(logits / temperature) in float64, cut to the top_k likeliest tokens, then to the
    nucleus of top_p."""
    z = logits.to("cpu", torch.float64)
    # First the shift: a small temperature would let the quotient overflow.
    z = z - z.amax(dim=-1, keepdim=True)
    z = z / temperature
    if top_k is not None:
        z = keep_top_k(z, top_k)
    p = softmax(z)
    return p if top_p is None or top_p == 1 else keep_top_p(p, top_p)


def keep_top_k(z: Float[Array, "B V"], top_k: int) -> Float[Array, "B V"]:
    """-inf for all but the k largest of each row; those equal to the k-th stay too.

    Source: Fan et al. 2018, section 5.4.
    """
    k = min(top_k, z.shape[-1])
    least = torch.topk(z, k, dim=-1).values[:, -1]
    return torch.where(z < least[:, None], -torch.inf, z)


def keep_top_p(p: Float[Array, "B V"], top_p: float) -> Float[Array, "B V"]:
    """The fewest likeliest tokens whose probabilities reach top_p, scaled to sum to 1; those as
    likely as the last of them stay too.

    Source: Holtzman et al. 2020, section 3.1.
    """
    descending = torch.flip(torch.sort(p, dim=-1).values, dims=(-1,))
    before = torch.cumsum(descending, dim=-1) - descending
    least = torch.where(before < top_p, descending, 1).amin(dim=-1)
    p = torch.where(p < least[:, None], 0, p)
    return p / p.sum(dim=-1, keepdim=True)


def draw(p: Float[Array, "B V"], u: Float[np.ndarray, " B"]) -> Int[Array, " B"]:
    """The inverse of the cumulative distribution at u, uniform in [0, 1): the first token whose
    sum exceeds u.

    A token of probability 0 adds nothing to the sum and is never drawn.
    """
    cumulative = torch.cumsum(p, dim=-1)
    level = torch.from_numpy(u) * cumulative[:, -1]
    return (cumulative <= level[:, None]).sum(dim=-1)


def likeliest(p: Float[Array, "B V"], n: int) -> list[list[tuple[int, float]]]:
    """For each row the n likeliest tokens with their probabilities, the largest first; none of
    probability 0."""
    order = torch.argsort(-p, dim=-1, stable=True)[:, :n]
    rows = zip(order.tolist(), torch.gather(p, -1, order).tolist())
    return [[(token, chance) for token, chance in zip(*row) if chance > 0] for row in rows]
