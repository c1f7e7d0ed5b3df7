"""What both twins refuse, in the same words: each check names the value, the limit and the way out.

No tensor maths: the checks read `.shape`, `.dtype`, `.min()`, `.max()`, which arrays of both kinds have.
"""

from collections.abc import Mapping
from typing import Any

from numpy_gpt.config import GPTConfig


def check_ids(ids: Any, config: GPTConfig, past: int = 0) -> None:
    """Refuse token ids (B, T) that the model cannot look up; `past` positions are already in the cache."""
    if len(ids.shape) != 2:
        raise ValueError(f"ids have shape {tuple(ids.shape)}; give (batch, time), for one sequence ids[None, :].")
    if "int" not in str(ids.dtype):
        raise ValueError(f"ids are {ids.dtype}; give integers, the positions of tokens in the vocabulary.")
    if 0 in ids.shape:
        raise ValueError(
            f"ids have shape {tuple(ids.shape)}, which holds no token; give at least one sequence of one id."
        )
    if past + ids.shape[1] > config.context_length:
        cached = f" after {past} cached ones" if past else ""
        raise ValueError(
            f"A sequence of {ids.shape[1]} tokens{cached} is longer than the context_length of {config.context_length}; "
            f"keep the last {config.context_length} or build the model with a longer context."
        )
    check_range("ids", int(ids.min()), int(ids.max()), config.vocab_size)


def check_targets(logits: Any, targets: Any, ignore_index: int) -> None:
    """Refuse targets that do not name, for every position of the logits (..., V), a token or the ignored index."""
    if tuple(targets.shape) != tuple(logits.shape[:-1]):
        raise ValueError(
            f"targets have shape {tuple(targets.shape)} but the logits {tuple(logits.shape)} ask for "
            f"{tuple(logits.shape[:-1])}; give one target id per position."
        )
    if "int" not in str(targets.dtype):
        raise ValueError(f"targets are {targets.dtype}; give integers, the positions of tokens in the vocabulary.")
    if 0 in targets.shape:
        raise ValueError(
            f"targets have shape {tuple(targets.shape)}, which holds no token; give at least one position."
        )
    counted = targets[targets != ignore_index]
    if len(counted):
        check_range("targets", int(counted.min()), int(counted.max()), logits.shape[-1])


def check_range(what: str, low: int, high: int, vocab_size: int) -> None:
    if low < 0 or high >= vocab_size:
        worst = low if low < 0 else high
        raise ValueError(
            f"{what} hold {worst}, outside the vocabulary of 0 to {vocab_size - 1}; "
            "use the tokenizer that the model was built for."
        )


def check_state_dict(expected: Mapping[str, tuple], given: Mapping[str, tuple]) -> None:
    """Refuse, in one error, every key that is missing, unexpected or of another shape (both: name -> shape)."""
    problems = [f"missing {name} {shape}" for name, shape in expected.items() if name not in given]
    problems += [f"unexpected {name} {shape}" for name, shape in given.items() if name not in expected]
    problems += [
        f"{name} is {given[name]} where the model has {shape}"
        for name, shape in expected.items()
        if name in given and given[name] != shape
    ]
    if problems:
        raise ValueError(
            f"The state dict does not fit the model ({len(problems)} differences): {'; '.join(problems)}. "
            "Build the model with the config that the weights were made with; nothing was loaded."
        )


def check_hyperparameters(lr: float, betas: tuple[float, float], eps: float, weight_decay: float) -> None:
    """Refuse numbers with which AdamW would not descend."""
    if not lr >= 0:
        raise ValueError(f"lr is {lr!r}; give a learning rate of at least 0, such as 1e-3.")
    if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
        raise ValueError(f"betas are {betas!r}; give two numbers of at least 0 and below 1, such as (0.9, 0.999).")
    if not eps > 0:
        raise ValueError(f"eps is {eps!r}; give a small number above 0, such as 1e-8.")
    if not weight_decay >= 0:
        raise ValueError(f"weight_decay is {weight_decay!r}; give a number of at least 0, such as 0.01.")


def check_optimizer_state(shapes: list[tuple], state: Mapping[str, Any]) -> None:
    """Refuse moments that do not belong to parameters of these shapes."""
    for name in ("m", "v"):
        given = [tuple(moment.shape) for moment in state[name]]
        if given != [tuple(shape) for shape in shapes]:
            raise ValueError(
                f"The optimizer state holds {len(given)} moments {name} that do not match the {len(shapes)} parameters' "
                "shapes; load a state that was saved from the same model. Nothing was loaded."
            )
