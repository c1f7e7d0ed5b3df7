"""Checks of the model: the token ids that it is given."""

from typing import Any

from shared_gpt.checks.tokens import check_integers, check_is_array, check_range
from shared_gpt.config import GPTConfig


def check_ids(ids: Any, config: GPTConfig, past: int = 0) -> None:
    """Refuse token ids (B, T) that the model cannot look up; `past` is the number of positions already in the cache."""
    check_is_array("ids", ids)
    if len(ids.shape) != 2:
        raise ValueError(f"ids have shape {tuple(ids.shape)}; give (batch, time), for one sequence ids[None, :].")
    check_integers("ids", ids)
    if 0 in ids.shape:
        raise ValueError(
            f"ids have shape {tuple(ids.shape)}, which holds no token; give at least one sequence of one id."
        )
    if past + ids.shape[1] > config.context_length:
        cached = f" after {past} cached ones" if past else ""
        raise ValueError(
            f"A sequence of {ids.shape[1]} tokens{cached} is longer than the context_length of "
            f"{config.context_length}; keep the last {config.context_length} or build the model with a longer context."
        )
    check_range("ids", int(ids.min()), int(ids.max()), config.vocab_size)
