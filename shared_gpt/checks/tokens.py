"""Checks of token ids that several rooms have in common."""

from typing import Any


def check_is_array(what: str, x: Any) -> None:
    """Refuse anything but an array or tensor; `what` names it in the message."""
    if not hasattr(x, "shape"):
        raise ValueError(f"{what} are a {type(x).__name__}; give an array of integers, np.array(…) or torch.tensor(…).")


def check_integers(what: str, x: Any) -> None:
    """Refuse an array of anything but integers."""
    dtype = str(x.dtype).removeprefix("torch.")
    if "int" not in dtype:
        raise ValueError(f"{what} are {dtype}; give integers, the positions of tokens in the vocabulary.")


def check_range(what: str, low: int, high: int, vocab_size: int) -> None:
    """Refuse ids, of which low is the smallest and high the largest, that are not all in the vocabulary."""
    if low < 0 or high >= vocab_size:
        worst = low if low < 0 else high
        raise ValueError(
            f"{what} hold {worst}, outside the vocabulary of 0 to {vocab_size - 1}; "
            "use the tokenizer that the model was built for."
        )
