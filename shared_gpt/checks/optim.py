"""Checks of the optimizer: its hyperparameters, its parameters, and the state that it loads."""

from collections.abc import Mapping, Sequence
from math import inf
from typing import Any

from shared_gpt.checks.numbers import dtype_name, fault_of, is_number, is_whole


def check_hyperparameters(lr: float, betas: tuple[float, float], eps: float, weight_decay: float) -> None:
    """Refuse hyperparameters with which AdamW would not descend."""
    if not (is_number(lr) and lr >= 0):
        raise ValueError(f"lr is {lr!r}; give a learning rate of at least 0, such as 1e-3.")
    if not (
        isinstance(betas, Sequence) and len(betas) == 2 and all(is_number(beta) and 0 <= beta < 1 for beta in betas)
    ):
        raise ValueError(f"betas are {betas!r}; give two numbers of at least 0 and below 1, such as (0.9, 0.999).")
    if not (is_number(eps) and eps > 0):
        raise ValueError(f"eps is {eps!r}; give a small number above 0, such as 1e-8.")
    if not (is_number(weight_decay) and weight_decay >= 0):
        raise ValueError(f"weight_decay is {weight_decay!r}; give a number of at least 0, such as 0.01.")


def check_parameters(params: Sequence[Any]) -> None:
    """Refuse an optimizer that has nothing to train, or would train something twice."""
    if not params:
        raise ValueError(
            "There is no parameter to train: all are frozen, or the generator was used up before; give model.parameters()."
        )
    if len({id(p) for p in params}) < len(params):
        raise ValueError("A parameter comes twice and would take two steps at once; give model.parameters().")


def check_max_norm(max_norm: float) -> None:
    """Refuse to clip to what is no length."""
    if not ((is_number(max_norm) or max_norm == inf) and max_norm > 0):
        raise ValueError(f"max_norm is {max_norm!r}; give a length above 0 (inf: never cut).")


def check_optimizer_state(moments: Mapping[str, Sequence[Any]], state: Any) -> None:
    """Refuse a state whose moments are not like these, by name ("m", "v"), or hold what is no finite number."""
    if not isinstance(state, Mapping) or (missing := [name for name in ("steps", *moments) if name not in state]):
        lacks = f"lacks {missing[0]!r}" if isinstance(state, Mapping) else f"is a {type(state).__name__}"
        raise ValueError(f"The optimizer state {lacks}; give what state_dict() returned. Nothing was loaded.")
    if not is_whole(state["steps"], 0):
        raise ValueError(f"The optimizer state counts {state['steps']!r} steps; that is no number. Nothing was loaded.")
    for name, own in moments.items():
        loaded = list(state[name])
        if [tuple(getattr(array, "shape", [None])) for array in loaded] != [tuple(array.shape) for array in own]:
            raise ValueError(
                f"The optimizer state holds {len(loaded)} moments {name} that do not match the shapes of the {len(own)} "
                "parameters; load a state that was saved from the same model. Nothing was loaded."
            )
        for i, array in enumerate(loaded):
            if fault := fault_of(array, dtype_name(own[i].dtype)):
                raise ValueError(f"The optimizer state's {name}[{i}] {fault}; take another one. Nothing was loaded.")


def check_grads(grads: Sequence[Any]) -> None:
    """Refuse a step of Keras' fit for variables of which some have no part in the loss."""
    if missing := sum(grad is None for grad in grads):
        raise ValueError(
            f"{missing} of the optimizer's {len(grads)} variables have no part in the loss. Merged LoRA branches have none: call "
            "unmerge_lora first."
        )
