"""What a state dict must be to be loaded."""

from collections.abc import Mapping


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
