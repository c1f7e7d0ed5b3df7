"""Token ids, wherever they come from."""

from typing import Any


def check_is_array(what: str, x: Any) -> None:
    if not hasattr(x, "shape"):
        raise ValueError(f"{what} are a {type(x).__name__}; give an array of integers, np.array(…) or torch.tensor(…).")


def check_integers(what: str, x: Any) -> None:
    dtype = str(x.dtype).removeprefix("torch.")
    if "int" not in dtype:
        raise ValueError(f"{what} are {dtype}; give integers, the positions of tokens in the vocabulary.")


def check_range(what: str, low: int, high: int, vocab_size: int) -> None:
    if low < 0 or high >= vocab_size:
        worst = low if low < 0 else high
        raise ValueError(
            f"{what} hold {worst}, outside the vocabulary of 0 to {vocab_size - 1}; "
            "use the tokenizer that the model was built for."
        )
