"""Checks of the optimizer: its hyperparameters, and the state that it loads."""

from collections.abc import Mapping
from typing import Any


def check_hyperparameters(lr: float, betas: tuple[float, float], eps: float, weight_decay: float) -> None:
    """Refuse hyperparameters with which AdamW would not descend."""
    if not lr >= 0:
        raise ValueError(f"lr is {lr!r}; give a learning rate of at least 0, such as 1e-3.")
    if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
        raise ValueError(f"betas are {betas!r}; give two numbers of at least 0 and below 1, such as (0.9, 0.999).")
    if not eps > 0:
        raise ValueError(f"eps is {eps!r}; give a small number above 0, such as 1e-8.")
    if not weight_decay >= 0:
        raise ValueError(f"weight_decay is {weight_decay!r}; give a number of at least 0, such as 0.01.")


def check_optimizer_state(shapes: list[tuple], state: Mapping[str, Any]) -> None:
    """Refuse a state whose moments do not have these shapes, those of the parameters."""
    for name in ("m", "v"):
        found = [tuple(moment.shape) for moment in state[name]]
        if found != [tuple(shape) for shape in shapes]:
            raise ValueError(
                f"The optimizer state holds {len(found)} moments {name} that do not match the shapes of the {len(shapes)} "
                "parameters; load a state that was saved from the same model. Nothing was loaded."
            )
