"""What the files of every format offer: tensors by name, and for each a reader that gives its bytes in order."""

import os
import threading
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import BinaryIO, Protocol

import numpy as np

from shared_gpt.checkpoints.checksum import crc32c
from shared_gpt.files import naming
from shared_gpt.json_values import short

BLOCK = 1 << 20  # bytes read at once, few enough to be in the cache still when they are checked and put in place
STRIP = 16  # rows transposed at once: 16 float32 fill one line of the cache on the transposed side
MOST_LETTERS, MOST_AXES = 500, 8  # of a tensor's name and shape: longer ones would only cost time, and fill messages
SEEKING = threading.Lock()  # held while a file's position is somewhere else


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
        if not self.name.isprintable() or len(self.name) > MOST_LETTERS:
            raise CheckpointError(
                f"{self.file} names a tensor {short(self.name)}, which is not plain text of at most {MOST_LETTERS} letters: the "
                "file is damaged; fetch it again."
            )
        if len(self.shape) > MOST_AXES:
            raise CheckpointError(
                f"{self} has {len(self.shape)} axes, more than any here (at most {MOST_AXES}); fetch it again."
            )

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
    """An open file, or several that belong together."""

    tensors: dict[str, StoredTensor]
    size: int  # bytes on the disk

    def reader(self, name: str) -> TensorReader: ...

    def close(self) -> None: ...


class Stretch:
    """Reads the bytes of one tensor in an open file. The file is not mapped: mapped pages would count as memory of this
    process, and a mapped file that shrinks kills it."""

    def __init__(self, file: BinaryIO, tensor: StoredTensor):
        self.file, self.tensor, self.position = file, tensor, tensor.offset

    def readinto(self, buffer: memoryview) -> None:
        count = 0
        while count < len(buffer):
            with naming(self.tensor.file):
                got = read_at(self.file, self.position + count, buffer[count:])
            if not got:
                raise CheckpointError(
                    f"{self.tensor} ends after {self.position + count - self.tensor.offset} of {self.tensor.nbytes} "
                    "bytes: the file is cut short; fetch it again."
                )
            count += got
        self.position += count


class CheckedStretch(Stretch):
    """A tensor's bytes, whose CRC-32C is compared with the expected one after the last of them."""

    def __init__(self, file: BinaryIO, tensor: StoredTensor, expected: int):
        super().__init__(file, tensor)
        self.expected, self.crc = expected, 0

    def readinto(self, buffer: memoryview) -> None:
        super().readinto(buffer)
        self.crc = crc32c(buffer, self.crc)
        if self.position == self.tensor.offset + self.tensor.nbytes and self.crc != self.expected:
            raise CheckpointError(
                f"{self.tensor} has the checksum {self.crc:08x} where {self.expected:08x} was noted when it was saved: the "
                "file is damaged; take another copy of it, or an earlier checkpoint."
            )


def read_at(file: BinaryIO, position: int, buffer: memoryview) -> int:
    """Fill the buffer from a position of an unbuffered file with what one read gives; how many bytes that was. Safe to call
    from several threads."""
    if hasattr(os, "preadv"):
        return os.preadv(file.fileno(), [buffer], position)
    with SEEKING:  # Windows cannot read at a position without moving the file's own there
        file.seek(position)
        return file.readinto(buffer)


def copy_into(destination: np.ndarray, reader: TensorReader, tensor: StoredTensor, transposed: bool = False) -> None:
    """Put a stored tensor into an array of its shape (transposed: of the reversed shape), cast to the array's dtype.

    Bytes that lie in the file as they do in the array are read straight into it, others through a buffer of a megabyte.
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
    """The float32 that the bits of a bfloat16 stand for, exactly."""
    return (bfloat16.astype("<u4") << 16).view("<f4")


def read_array(file: TensorFile, name: str) -> np.ndarray:
    """A whole tensor as a new array, as it is stored (bfloat16 as float32)."""
    tensor = file.tensors[name]
    array = np.empty(tensor.shape, np.float32 if tensor.dtype == "bfloat16" else tensor.stored_dtype)
    copy_into(array, file.reader(name), tensor)
    return array
