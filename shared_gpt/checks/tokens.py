"""Checks of token ids that several rooms have in common."""

from typing import Any

from shared_gpt.checks.numbers import dtype_name

MADE_BY = {"numpy.ndarray": "np.asarray(…)", "torch.Tensor": "torch.as_tensor(…)"}


def check_is_array(what: str, x: Any, Array: type) -> None:
    """Refuse anything but an array of the twin's own kind; `what` names it in the message."""
    if isinstance(x, Array):
        return
    if not hasattr(x, "shape"):
        raise ValueError(f"{what} are a {type(x).__name__}; give an array of integers, np.array(…) or torch.tensor(…).")
    theirs, ours = (f"{kind.__module__}.{kind.__qualname__}" for kind in (type(x), Array))
    raise ValueError(f"{what} are a {theirs} where this model computes with {ours}; convert them: {MADE_BY[ours]}.")


def check_integers(what: str, x: Any) -> None:
    """Refuse an array of anything but integers."""
    dtype = dtype_name(x.dtype)
    if "int" not in dtype:
        raise ValueError(f"{what} are {dtype}; give integers, the positions of tokens in the vocabulary.")
    if dtype in ("uint16", "uint32", "uint64") and "torch" in str(x.dtype):
        raise ValueError(f"{what} are {dtype}, with which PyTorch hardly computes; convert them: {what}.long().")


def check_range(what: str, low: int, high: int, vocab_size: int) -> None:
    """Refuse ids, of which low is the smallest and high the largest, that are not all in the vocabulary."""
    if low < 0 or high >= vocab_size:
        worst = low if low < 0 else high
        raise ValueError(
            f"{what} hold {worst}, outside the vocabulary of 0 to {vocab_size - 1}; "
            "use the tokenizer that the model was built for."
        )
