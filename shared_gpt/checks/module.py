"""Checks of a module: the state dict that it loads."""

from collections.abc import Mapping


def check_state_dict(expected: Mapping[str, tuple], found: Mapping[str, tuple]) -> None:
    """Refuse, in one error, every key that is missing, unexpected or of another shape. Both map names to shapes."""
    problems = [f"missing {name} {shape}" for name, shape in expected.items() if name not in found]
    problems += [f"unexpected {name} {shape}" for name, shape in found.items() if name not in expected]
    problems += [
        f"{name} is {found[name]} where the model has {shape}"
        for name, shape in expected.items()
        if name in found and found[name] != shape
    ]
    if problems:
        raise ValueError(
            f"The state dict does not fit the model ({len(problems)} differences): {'; '.join(problems)}. "
            "Build the model with the config that the weights were made with; nothing was loaded."
        )
