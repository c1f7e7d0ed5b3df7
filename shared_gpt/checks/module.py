"""Checks of a module: the state dict that it loads."""

from collections.abc import Mapping
from typing import Any

from shared_gpt.checks.numbers import dtype_name, fault_of

SHOWN = 10  # differences; a model has hundreds of keys


def check_state_dict(own: Mapping[str, Any], state: Any) -> None:
    """Refuse, in one error, every key that is missing, unexpected, of another shape, or holds what is no finite number.

    own: the model's arrays by key; state: what is to be copied into them, arrays of either twin.
    """
    if not isinstance(state, Mapping):
        raise ValueError(
            f"The state dict is a {type(state).__name__}; give arrays by key, as state_dict() returns them."
        )
    problems = [f"missing {key} {tuple(array.shape)}" for key, array in own.items() if key not in state]
    for key, array in state.items():
        if not hasattr(array, "shape") or not hasattr(array, "dtype"):
            problems.append(f"{key} is a {type(array).__name__} where an array is expected")
        elif key not in own:
            problems.append(f"unexpected {key} {tuple(array.shape)}")
        elif tuple(array.shape) != tuple(own[key].shape):
            problems.append(f"{key} is {tuple(array.shape)} where the model has {tuple(own[key].shape)}")
        elif fault := fault_of(array, dtype_name(own[key].dtype)):
            problems.append(f"{key} {fault}")
    if problems:
        more = f"; and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        raise ValueError(
            f"The state dict does not fit the model ({len(problems)} differences): {'; '.join(problems[:SHOWN])}{more}. "
            "Build the model with the config that the weights were made with, and take finite weights; nothing was loaded."
        )
