"""Checks of LoRA: an adaptation that makes sense, and merging in the right order."""

from collections.abc import Mapping, Sequence
from typing import Any

from shared_gpt.checks.model import check_rng
from shared_gpt.checks.numbers import is_number


def check_lora(
    rank: int,
    alpha: float,
    dropout: float,
    targets: Sequence[str],
    shapes: Mapping[str, tuple],
    tied: Sequence[str],
    adapted: Sequence[str],
    rng: Any,
) -> None:
    """Refuse an adaptation that would change nothing, or too much.

    shapes: (out, in) of every layer that the targets name; tied: those that share their weight with an embedding; adapted:
    the layers that have LoRA already. Only for lm_head the rank may exceed the smaller side: with few classes it costs
    little.
    """
    if adapted:
        raise ValueError(
            f"The model has LoRA already, on {len(adapted)} layers; train these, or start from the base model."
        )
    unknown = [target for target in targets if not any(f".{path}".endswith(f".{target}") for path in shapes)]
    if isinstance(targets, str):
        raise ValueError(f"The LoRA targets are {targets!r}; give a list of names, for one [{targets!r}].")
    if not shapes:
        raise ValueError(
            f"No linear layer is called {' or '.join(targets)}; choose from c_attn, c_proj, c_fc and lm_head."
        )
    if unknown:
        raise ValueError(f"No linear layer is called {unknown[0]!r}; choose from c_attn, c_proj, c_fc and lm_head.")
    if tied:
        raise ValueError(
            f"{tied[0]} shares its weight with the token embedding, which merging would change; leave it out of the targets "
            "or build the model with tie_embeddings=False."
        )
    if isinstance(rank, bool) or not isinstance(rank, int) or rank < 1:
        raise ValueError(f"The LoRA rank is {rank!r}; give a whole number of at least 1, such as 8.")
    name, shape = min(
        ((n, s) for n, s in shapes.items() if n != "lm_head"), key=lambda item: min(item[1]), default=("", ())
    )
    if shape and rank > min(shape):
        raise ValueError(
            f"The LoRA rank is {rank}, above the smaller side of {name} {shape}; give at most {min(shape)}."
        )
    if not (is_number(alpha) and alpha > 0):
        raise ValueError(f"The LoRA alpha is {alpha!r}; give a number above 0, such as twice the rank.")
    if not (is_number(dropout) and 0 <= dropout < 1):
        raise ValueError(f"The LoRA dropout is {dropout!r}; give a share of at least 0 and below 1.")
    check_rng(rng)


def check_merge(layers: int, merged: int, merging: bool) -> None:
    """Refuse to merge what is merged already, or to unmerge what is not."""
    if layers == 0:
        raise ValueError("The model has no LoRA layers; call apply_lora first.")
    if merging and merged:
        raise ValueError(f"{merged} of {layers} LoRA layers are merged already; unmerge_lora takes them out again.")
    if not merging and merged < layers:
        raise ValueError(f"{layers - merged} of {layers} LoRA layers are not merged; merge_lora puts them in.")
