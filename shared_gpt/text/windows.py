"""TokenWindows: one long row of tokens as windows, which pre-training reads."""

from collections.abc import Sequence

import numpy as np

from shared_gpt.array_types import Int, Integer
from shared_gpt.text.batches import Dataset


def split_tokens(
    tokens: Integer[np.ndarray, " N"], val_fraction: float = 0.1
) -> tuple[Integer[np.ndarray, " M"], Integer[np.ndarray, " K"]]:
    """The first part, to train on, and the last `val_fraction`, to validate on. They are views: nothing is read or copied.

    The split is by position, because of windows drawn at random the model would see most of each validation sentence.
    """
    if not 0 <= val_fraction < 1:
        raise ValueError(f"val_fraction is {val_fraction}; give a share of at least 0 and below 1.")
    cut = int(len(tokens) * (1 - val_fraction))
    return tokens[:cut], tokens[cut:]


class TokenWindows(Dataset):
    """Windows of `context_length` tokens, each beginning `stride` after the one before (by default one after the other).

    windows[i] is (inputs, targets), two int64 arrays (T,): targets are the tokens one place later, so every position
    has to predict the token that follows it. `tokens` may be memory-mapped: a window reads its T + 1 ids.
    """

    def __init__(
        self, tokens: Integer[np.ndarray, " N"] | Sequence[int], context_length: int, stride: int | None = None
    ):
        stride = context_length if stride is None else stride
        for name, value in (("context_length", context_length), ("stride", stride)):
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
                raise ValueError(f"{name} is {value!r}; give a whole number of at least 1.")
        if len(tokens) <= context_length:
            raise ValueError(
                f"{len(tokens)} tokens are too few for one window: context_length {context_length} needs "
                f"{context_length + 1} (its targets lie one place later); give a longer text or a shorter context."
            )
        tokens = np.asarray(tokens)  # for a memory-mapped array a view, which reads nothing
        if tokens.ndim != 1 or not np.issubdtype(tokens.dtype, np.integer):
            raise ValueError(f"tokens are {tokens.dtype} of shape {tokens.shape}; give one row of integer ids.")
        self.tokens, self.context_length, self.stride = tokens, int(context_length), int(stride)

    def __len__(self) -> int:
        return (len(self.tokens) - self.context_length - 1) // self.stride + 1

    def __getitem__(self, i: int | np.integer) -> tuple[Int[np.ndarray, " T"], Int[np.ndarray, " T"]]:
        if not -len(self) <= i < len(self):
            raise IndexError(f"There is no window {i}; there are {len(self)}.")
        start = i % len(self) * self.stride
        window = np.array(self.tokens[start : start + self.context_length + 1], dtype=np.int64)
        return window[:-1], window[1:]

    def collate(
        self, items: Sequence[tuple[Int[np.ndarray, " T"], Int[np.ndarray, " T"]]]
    ) -> tuple[Int[np.ndarray, "B T"], Int[np.ndarray, "B T"]]:
        """Windows side by side."""
        inputs, targets = zip(*items)
        return np.stack(inputs), np.stack(targets)
