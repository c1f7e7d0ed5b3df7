"""What every format of file offers: tensors by name, and a reader that hands out one tensor's bytes in order."""

import json
import os
import threading
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import numpy as np

BLOCK = 1 << 20  # bytes read at once: what is read is still in the cache when it is checked and put in place
STRIP = 16  # rows transposed at once: 16 float32 fill one line of the cache on the transposed side
SEEKING = threading.Lock()
MAX_JSON = 16 << 20  # bytes; a GPT-2's longest header takes 60 thousand


class CheckpointError(ValueError):
    """A file that is damaged, or is not what its name or its neighbours say."""


@dataclass(frozen=True)
class StoredTensor:
    """Where a tensor lies and what its bytes are; `dtype` is NumPy's name, or "bfloat16", which NumPy lacks."""

    file: Path
    name: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    nbytes: int

    def __post_init__(self):
        if not self.name.isprintable():
            raise CheckpointError(f"{self.file} names a tensor {self.name!a}, which is no plain text: damaged.")

    def __str__(self) -> str:
        return f"{self.file}: tensor {self.name}"

    @property
    def stored_dtype(self) -> np.dtype:
        """The dtype to read the bytes with; a bfloat16 is the upper half of a float32."""
        return np.dtype("<u2") if self.dtype == "bfloat16" else np.dtype(self.dtype).newbyteorder("<")

    @property
    def size(self) -> int:
        return prod(self.shape)


Spec = tuple[str, tuple[int, ...]]  # what a tensor to be written will be: dtype, shape


class TensorReader(Protocol):
    def readinto(self, buffer: memoryview) -> None:
        """Fill the buffer with the tensor's next bytes, or raise."""


class TensorFile(Protocol):
    """An open file (or several that belong together)."""

    tensors: dict[str, StoredTensor]
    size: int  # bytes on the disk

    def reader(self, name: str) -> TensorReader: ...

    def close(self) -> None: ...


class Stretch:
    """Reads the bytes of one tensor in an open file. Reading, not mapping: mapped pages would count as this process's
    memory, and a file that shrinks under a mapping kills the process."""

    def __init__(self, file: BinaryIO, tensor: StoredTensor):
        self.file, self.tensor, self.position = file, tensor, tensor.offset

    def readinto(self, buffer: memoryview) -> None:
        count = 0
        while count < len(buffer):
            if not (got := read_at(self.file, self.position + count, buffer[count:])):
                raise CheckpointError(
                    f"{self.tensor} ends after {self.position + count - self.tensor.offset} of {self.tensor.nbytes} "
                    "bytes: the file is cut short; fetch it again."
                )
            count += got
        self.position += count


def read_at(file: BinaryIO, position: int, buffer: memoryview) -> int:
    """Fill the buffer from a place in an unbuffered file, as far as one call does; the bytes read. Several threads may."""
    if hasattr(os, "preadv"):
        return os.preadv(file.fileno(), [buffer], position)
    with SEEKING:  # Windows cannot read at a place without moving the file's own
        file.seek(position)
        return file.readinto(buffer)


def copy_into(destination: np.ndarray, reader: TensorReader, tensor: StoredTensor, transposed: bool = False) -> None:
    """Put a stored tensor into an array of its shape (transposed: of the reversed shape), cast to the array's dtype.

    What lies in the file as it lies in the array is read in place; anything else passes through a megabyte at a time.
    """
    target = destination.T if transposed else destination
    if destination.flags.c_contiguous and not transposed and destination.dtype == tensor.stored_dtype:
        whole = memoryview(destination.reshape(-1)).cast("B")
        for start in range(0, len(whole), BLOCK):
            reader.readinto(whole[start : start + BLOCK])
        return
    target = target.reshape(1) if target.ndim == 0 else target
    row = target[0].size if len(target) else 0
    rows = max(1, BLOCK // max(1, row * tensor.stored_dtype.itemsize))
    block = np.empty((min(rows, len(target)), *target.shape[1:]), tensor.stored_dtype)
    for start in range(0, len(target), rows):
        part = block[: len(target) - start]
        reader.readinto(memoryview(part.reshape(-1)).cast("B"))
        values = widen(part) if tensor.dtype == "bfloat16" else part
        with np.errstate(over="ignore"):  # a number too large for the dtype becomes infinite, and is refused as such
            step = STRIP if transposed else len(values)
            for first in range(0, len(values), step):
                strip = values[first : first + step]
                target[start + first : start + first + len(strip)] = strip


def widen(bfloat16: np.ndarray) -> np.ndarray:
    """float32 from the bits of bfloat16, exactly."""
    return (bfloat16.astype("<u4") << 16).view("<f4")


def read_array(file: TensorFile, name: str) -> np.ndarray:
    """A whole tensor as a new array, as it is stored (bfloat16 as float32)."""
    tensor = file.tensors[name]
    array = np.empty(tensor.shape, np.float32 if tensor.dtype == "bfloat16" else tensor.stored_dtype)
    copy_into(array, file.reader(name), tensor)
    return array


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file."""
    if path.stat().st_size > MAX_JSON:
        raise CheckpointError(
            f"{path} has {path.stat().st_size} bytes, more than any GPT-2's ({MAX_JSON}); is it the right file?"
        )
    return parse_json(path.read_bytes(), str(path))


def parse_json(data: bytes, where: str) -> dict[str, Any]:
    try:
        value = json.loads(data.decode("utf-8"), object_pairs_hook=without_repeats)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{where} is not valid JSON ({error}); fetch it again.") from error
    if not isinstance(value, dict):
        raise CheckpointError(
            f"{where} holds a JSON {type(value).__name__} where an object is expected; fetch it again."
        )
    return value


def without_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(unique := dict(pairs)) < len(pairs):
        raise ValueError("a key comes twice")
    return unique
