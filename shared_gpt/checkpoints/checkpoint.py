"""Contents: a file as it was found. Checkpoint: the same once `fitting.check` has passed it, ready to be read into a model."""

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from shared_gpt.checkpoints.names import Name
from shared_gpt.checkpoints.stored import CheckpointError, StoredTensor, TensorFile, copy_into
from shared_gpt.checks.numbers import fault_of
from shared_gpt.config import GPTConfig


class Branch(NamedTuple):
    """What an adapter adds to a weight: scale · B A, with A (R, in) and B (out, R)."""

    A: np.ndarray
    B: np.ndarray
    scale: float

    def delta(self, dtype: np.dtype) -> np.ndarray:
        """The product, in a precision that need not be the file's: in float16 it would differ from what training saw."""
        return self.scale * (self.B.astype(dtype) @ self.A.astype(dtype))


@dataclass
class Contents:
    """What a file holds, under its layout's own names, before anything is checked."""

    path: Path  # the file with the weights
    layout: str  # "openai", "huggingface", "book" or "run"
    file: TensorFile
    sizes: dict[str, Any]  # keys of GPTConfig, as far as the files say
    sizes_from: str  # where they are stated, for messages
    keys: dict[str, str] = field(default_factory=dict)  # our key -> name in the file
    ignored: dict[str, str] = field(default_factory=dict)  # name in the file -> why
    unexpected: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    adapter: Any = None  # adapters.Adapter, whose base this is
    adapter_folder: Path | None = None

    def shape(self, key: str) -> tuple[int, ...]:
        """The shape in the file of a weight that it holds."""
        return self.file.tensors[self.keys[key]].shape


@dataclass
class Checkpoint:
    """Weights to read. `tensors` says where each of the model's keys lies, `ignored` what else is in the file and why it
    stays there.

    A context manager: `with open_checkpoint(path) as checkpoint: ...`. No weight is read before it is asked for.
    """

    path: Path
    layout: str
    config: GPTConfig
    file: TensorFile
    names: dict[str, Name]
    tensors: dict[str, StoredTensor]
    ignored: dict[str, str]
    notes: list[str]
    branches: dict[str, Branch] = field(default_factory=dict)  # our key -> what is added to the weight

    @property
    def dtype(self) -> str:
        """The type of number that the token embedding is stored in, and as a rule the rest, too."""
        return self.tensors["wte.weight"].dtype

    def read_into(self, key: str, destination: np.ndarray) -> None:
        """Copy a tensor into an array of the shape it has in the model, transposed if need be and cast to the array's dtype.

        Raises CheckpointError where the file is damaged or holds a number that is not finite.
        """
        tensor, name = self.tensors[key], self.names[key]
        if destination.shape != name.shape:
            raise ValueError(f"{key} has shape {name.shape}, the array to read it into {destination.shape}.")
        copy_into(destination, self.file.reader(tensor.name), tensor, name.transposed_in(self.layout))
        if branch := self.branches.get(key):
            destination += branch.delta(np.result_type(np.float32, destination))
        check_finite(tensor, destination)

    def read_all(self, destinations: Mapping[str, np.ndarray]) -> None:
        """`read_into` for many tensors, a few at a time, so that reading one and transposing another overlap."""
        pool = ThreadPoolExecutor(min(4, os.cpu_count() or 1))
        try:
            for _ in pool.map(self.read_into, destinations.keys(), destinations.values()):
                pass
        finally:
            pool.shutdown(cancel_futures=True)

    def read(self, key: str, dtype: str | np.dtype) -> np.ndarray:
        """A tensor as a new array."""
        array = np.empty(self.names[key].shape, dtype)
        self.read_into(key, array)
        return array

    def close(self) -> None:
        self.file.close()

    def __enter__(self) -> "Checkpoint":
        return self

    def __exit__(self, *exception) -> None:
        self.close()


def check_finite(tensor: StoredTensor, values: np.ndarray, dtype: str = "float64") -> None:
    """Refuse NaN, infinity, and what this dtype cannot hold."""
    if fault := fault_of(values, dtype):
        raise CheckpointError(
            f"{tensor} {fault} (read as {values.dtype}), which is no weight of a working model; take an earlier checkpoint, "
            "or fetch the file again."
        )
