"""How every dataset is split, ordered and batched: one generator draws, and the position within an epoch can be saved."""

from collections.abc import Iterator, Sequence
from typing import Any, TypeVar

import numpy as np

from shared_gpt.array_types import Int
from shared_gpt.json_values import entry, short

IGNORE_INDEX = -100  # a target that the loss ignores
Example = TypeVar("Example")


def set_generator(rng: np.random.Generator, state: dict[str, Any] | None, key: str) -> None:
    """Put a generator into a state that was kept under a key. ValueError if it is none."""
    try:
        rng.bit_generator.state = state
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise ValueError(f"{key!r} is no state of a generator ({error}).") from error


class Dataset:
    """Examples by number and a way to put several side by side; from these two come the batches."""

    def __len__(self) -> int:
        raise NotImplementedError

    def __getitem__(self, i: int) -> Any:
        raise NotImplementedError

    def collate(self, items: Sequence[Any]) -> tuple[Int[np.ndarray, "B T"], Int[np.ndarray, "B T"]]:
        """Several examples as (inputs, targets), two int64 arrays (B, T)."""
        raise NotImplementedError

    def batches(
        self, batch_size: int, rng: np.random.Generator | None = None, drop_last: bool = True, shuffle: bool = True
    ) -> "Batches":
        """(inputs, targets) batch after batch; see Batches for their order and for resuming."""
        return Batches(self, batch_size, rng, drop_last, shuffle)


def epoch_order(n: int, rng: np.random.Generator | None, shuffle: bool = True) -> Int[np.ndarray, " N"]:
    """The order in which one epoch visits n examples: `rng.permutation(n)`, or as they stand if not shuffled."""
    return rng.permutation(n) if shuffle else np.arange(n)


def split_examples(
    examples: Sequence[Example],
    val_fraction: float = 0.1,
    test_fraction: float = 0.0,
    rng: np.random.Generator | None = None,
) -> tuple[list[Example], list[Example], list[Example]]:
    """Training, validation and test examples: the first, the next and the last ones, or shuffled by `rng` first, as they
    should be if the file is sorted."""
    if val_fraction < 0 or test_fraction < 0 or val_fraction + test_fraction >= 1:
        raise ValueError(
            f"val_fraction {val_fraction} and test_fraction {test_fraction} leave nothing to train on; "
            "give fractions of at least 0 that sum to less than 1."
        )
    n = len(examples)
    order = epoch_order(n, rng, shuffle=rng is not None)
    n_val, n_test = round(n * val_fraction), round(n * test_fraction)
    n_train = n - n_val - n_test
    train, val, test = np.split(order, [n_train, n_train + n_val])
    return [examples[i] for i in train], [examples[i] for i in val], [examples[i] for i in test]


class Batches:
    """The batches of a dataset: every `for` loop over it is one epoch, in an order that `rng` draws as it begins.

    Each batch is (inputs, targets), two int64 arrays (B, T). With drop_last a last batch that would not be full is left
    out. Between two batches `state_dict()` gives the position; after `load_state_dict()` the next loop goes on from it in
    the same order. `rng` is not changed by that: restore it separately, since it draws dropout, too.
    """

    def __init__(
        self,
        dataset: Dataset,
        batch_size: int,
        rng: np.random.Generator | None,
        drop_last: bool = True,
        shuffle: bool = True,
    ):
        if isinstance(batch_size, bool) or not isinstance(batch_size, (int, np.integer)) or batch_size < 1:
            raise ValueError(f"batch_size is {batch_size!r}; give a whole number of at least 1.")
        if shuffle and rng is None:
            raise ValueError("Shuffling needs a generator; give rng=np.random.default_rng(seed), or shuffle=False.")
        if len(dataset) < (batch_size if drop_last else 1):
            raise ValueError(
                f"{len(dataset)} examples do not fill one batch of batch_size {batch_size}; "
                "give more data, a smaller batch, or drop_last=False."
            )
        self.dataset, self.batch_size, self.rng = dataset, int(batch_size), rng
        self.drop_last, self.shuffle = drop_last, shuffle
        self.epoch = 0  # epochs finished
        self.position = 0  # batches yielded in this epoch
        self._order_state = None  # the generator's state before it drew this epoch's order
        self._resuming = False

    def __len__(self) -> int:
        whole, rest = divmod(len(self.dataset), self.batch_size)
        return whole + (0 if self.drop_last or not rest else 1)

    def indices(self) -> Iterator[list[int]]:
        """The numbers of each batch's examples, for one epoch."""
        if not self._resuming:
            self.position = 0
            self._order_state = self.rng.bit_generator.state if self.shuffle else None
            order = epoch_order(len(self.dataset), self.rng, self.shuffle)
        else:
            order = self._order_again()
            self._resuming = False
        for start in range(self.position * self.batch_size, len(self) * self.batch_size, self.batch_size):
            self.position = start // self.batch_size + 1
            yield order[start : start + self.batch_size].tolist()
        self.epoch += 1
        self.position = 0

    def __iter__(self) -> Iterator[tuple[Int[np.ndarray, "B T"], Int[np.ndarray, "B T"]]]:
        for indices in self.indices():
            yield self.dataset.collate([self.dataset[i] for i in indices])

    def endless(self) -> Iterator[tuple[Int[np.ndarray, "B T"], Int[np.ndarray, "B T"]]]:
        """Epoch after epoch, for a loop that counts steps."""
        while True:
            yield from self

    def state_dict(self) -> dict[str, Any]:
        """The position after the last batch that was yielded, in plain values for a JSON file."""
        return {"epoch": self.epoch, "position": self.position, "order_state": self._order_state, **self._identity()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a position that `state_dict` gave. ValueError if the data or the batches are not the same."""
        for key, value in self._identity().items():
            if entry(state, key, type(value), "The position in the data") != value:
                raise ValueError(
                    f"The position in the data was saved with {key} {state[key]}, but this run has {value}; "
                    "resume with the same data and batches."
                )
        epoch, position = (entry(state, key, int, "The position in the data") for key in ("epoch", "position"))
        order_state = entry(state, "order_state", dict | None, "The position in the data")
        if epoch < 0 or not 0 <= position <= len(self):
            raise ValueError(f"The position in the data is batch {short(position)} of {len(self)}, which is none.")
        if position and self.shuffle:
            set_generator(np.random.Generator(type(self.rng.bit_generator)()), order_state, "order_state")
        self.epoch, self.position, self._order_state = epoch, position, order_state
        self._resuming = self.position > 0

    def _identity(self) -> dict[str, Any]:
        return {
            "examples": len(self.dataset),
            "batch_size": self.batch_size,
            "drop_last": self.drop_last,
            "shuffle": self.shuffle,
        }

    def _order_again(self) -> Int[np.ndarray, " N"]:
        if not self.shuffle:
            return epoch_order(len(self.dataset), None, shuffle=False)
        bit_generator = type(self.rng.bit_generator)()
        bit_generator.state = self._order_state
        return epoch_order(len(self.dataset), np.random.Generator(bit_generator))
