"""What hypothesis draws: sizes and a seed, never elements. The numbers come from the seed, and small sizes reach every edge case.

Sizes are 1 or prime and differ from one another, so that no transposed or confused pair of axes fits by luck.
"""

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from numpy_gpt import GPTConfig

seeds = st.integers(0, 2**32 - 1)
sizes = st.sampled_from([1, 2, 3, 5, 7])
dtypes = st.sampled_from(["float64", "float32"])


@dataclass(frozen=True)
class Problem:
    """A config, one batch for it, and the seed of the weights."""

    config: GPTConfig
    ids: np.ndarray
    targets: np.ndarray
    seed: int


@st.composite
def configs(draw, drop_rate: float = 0.0, narrowest: int = 3, **fixed) -> GPTConfig:
    """Small models: 1 to 3 blocks, 1 to 5 heads of 1 to 7 features, together at least `narrowest`.

    LayerNorm turns one feature into 0 and two into their order; the fewer features, the more digits its gradient loses.
    """
    shapes = [(heads, width) for heads in (1, 2, 3, 5) for width in (1, 2, 3, 5, 7) if heads * width >= narrowest]
    heads, width = draw(st.sampled_from(shapes))
    keys = {
        "vocab_size": draw(st.sampled_from([3, 11, 31])),
        "context_length": draw(st.sampled_from([1, 2, 7, 13])),
        "emb_dim": heads * width,
        "n_heads": heads,
        "n_layers": draw(st.integers(1, 3)),
        "drop_rate": drop_rate,
        "qkv_bias": draw(st.booleans()),
        "tie_embeddings": draw(st.booleans()),
    }
    return GPTConfig(**{**keys, **fixed})


@st.composite
def problems(draw, drop_rate: float = 0.0, narrowest: int = 3, **fixed) -> Problem:
    """A model and a batch: T often at the context limit, ids often repeated, some targets ignored."""
    config = draw(configs(drop_rate, narrowest, **fixed))
    B = draw(st.sampled_from([1, 2, 3]))
    T = draw(st.just(config.context_length) | st.integers(1, config.context_length))
    different = draw(st.sampled_from([1, 2, config.vocab_size]))  # with few different ids many positions share a row
    ignored = draw(st.sampled_from([0.0, 0.3]))
    seed = draw(seeds)
    rng = np.random.default_rng([seed, 2])
    ids = rng.choice(rng.permutation(config.vocab_size)[:different], size=(B, T))
    targets = np.where(rng.random((B, T)) < ignored, -100, rng.integers(config.vocab_size, size=(B, T)))
    return Problem(config, ids, targets, seed)
