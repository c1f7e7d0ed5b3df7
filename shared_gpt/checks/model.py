"""Checks of the model: what it is built from, and what it is given."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from shared_gpt.checks.numbers import dtype_name, is_whole
from shared_gpt.checks.tokens import check_integers, check_is_array, check_range
from shared_gpt.config import GPTConfig


def check_model(config: Any, rng: Any, dtype: Any) -> None:
    """Refuse to build a model from what is no config, draw it from what is no generator, or hold it in what is no float."""
    if not isinstance(config, GPTConfig):
        known = f"GPTConfig.preset({config!r})" if isinstance(config, str) else "GPTConfig.preset('gpt2-small')"
        raise ValueError(f"config is {config!r:.60}; give a GPTConfig, such as {known}.")
    check_rng(rng)
    if isinstance(dtype, str) or dtype_name(dtype) not in ("float32", "float64"):
        raise ValueError(f"dtype is {dtype_name(dtype)!r}; give the float32 or float64 of this package.")


def check_rng(rng: Any) -> None:
    if rng is not None and not isinstance(rng, np.random.Generator):
        seed = rng if is_whole(rng, 0) else 0
        raise ValueError(f"rng is {rng!r:.60}; give a generator that draws, np.random.default_rng({seed}).")


def check_inputs(ids: Any, Array: type, config: GPTConfig, cache: Any, last: int | None, where: Any = None) -> None:
    """Refuse token ids (B, T) that the model cannot look up, a cache that is not of its shape, and no logits to give."""
    check_is_array("ids", ids, Array)
    check_integers("ids", ids)
    past = 0
    if cache is not None:
        past = cache.length
        check_cache_of(cache.config, config)
    check_shape(ids.shape, config, past)
    check_range("ids", int(ids.min()), int(ids.max()), config.vocab_size)
    if last is not None and not is_whole(last, 1):
        raise ValueError(f"last is {last!r}; give how many last positions want logits, at least 1, or None for all.")
    if where is not None:
        check_is_array("where", where, Array)
        if tuple(where.shape) != tuple(ids.shape) or "bool" not in str(where.dtype):
            raise ValueError(
                f"where has shape {tuple(where.shape)} and {where.dtype}; give True or False for each of the ids, whose shape is "
                f"{tuple(ids.shape)}."
            )
        if last is not None:
            raise ValueError(f"last is {last} and where chooses positions as well; give one of the two.")


def check_shape(shape: Sequence[int | None], config: GPTConfig, past: int = 0) -> None:
    """Refuse ids that are not of shape (B, T), or more tokens, after past ones from a cache, than there are positions.
    TensorFlow does not know every size (None) while it makes a graph."""
    if len(shape) != 2:
        raise ValueError(f"ids have shape {tuple(shape)}; give (batch, time), for one sequence ids[None, :].")
    if 0 in shape:
        raise ValueError(f"ids have shape {tuple(shape)}, which holds no token; give at least one sequence of one id.")
    length = shape[1]
    if length is not None and past + length > config.context_length:
        cached = f" after {past} cached ones" if past else ""
        raise ValueError(
            f"A sequence of {length} tokens{cached} is longer than the context_length of {config.context_length}; keep the last "
            f"{config.context_length} or build the model with a longer context."
        )


def check_cache_of(cached: GPTConfig, config: GPTConfig) -> None:
    """Refuse a cache that was made for a model of another shape."""
    if cached is config:
        return
    for name in ("n_layers", "n_heads", "emb_dim"):
        if getattr(cached, name) != getattr(config, name):
            raise ValueError(
                f"The cache was made for a model with {name} {getattr(cached, name)}, this one has {getattr(config, name)}; "
                "make a new one: KVCache(model.config)."
            )
