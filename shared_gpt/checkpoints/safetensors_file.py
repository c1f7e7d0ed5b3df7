"""Safetensors: a header in JSON that says where each tensor lies, then the tensors.

    8 bytes   length of the header, little-endian
    header    {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …, "__metadata__": {text: text}}
    the rest  the tensors' bytes; offsets count from here, leave no hole and share no byte

The format has no place for checksums: a flipped bit in a weight gives a slightly different weight, and nothing can tell. So
files written here hold them in the metadata, under "crc32c": eight hexadecimal digits for the header (with zeros in their own
place), then eight for each tensor in the header's order. Other programs pass over them, and files without them are read.

Source: github.com/huggingface/safetensors. It is read and written here and not through the library, whose NumPy side
copies every tensor once more each way.
"""

import json
import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np

from shared_gpt.checkpoints.checksum import crc32c
from shared_gpt.checkpoints.stored import BLOCK, CheckedStretch, CheckpointError, Spec, StoredTensor, Stretch
from shared_gpt.files import naming, parse_json
from shared_gpt.json_values import short

CHECKSUMS, DIGITS = "crc32c", 8
MAX_HEADER = 16 << 20  # bytes; the longest of a GPT-2 takes 60 thousand
DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "U8": "uint8",
    "BOOL": "bool",
}


class SafetensorsFile:
    """An open file. `tensors` says what it holds, `metadata` is what its writer noted, texts by name."""

    def __init__(self, path: str | Path):
        self.path = Path(path)
        self.file = self.path.open("rb", buffering=0)
        try:
            with naming(self.path):
                self.size = self.path.stat().st_size
                self.tensors, self.metadata = self.read_header()
        except BaseException:
            self.close()
            raise

    def read_header(self) -> tuple[dict[str, StoredTensor], dict[str, str]]:
        """(tensors, metadata), once every claim of the header has been checked against the file's size."""
        length = int.from_bytes(self.file.read(8), "little")
        if self.size < 8 or length > self.size - 8:
            raise CheckpointError(
                f"{self.path} has {self.size} bytes but claims a header of {length}: it is cut short, or no "
                "safetensors file; fetch it again."
            )
        if length > MAX_HEADER:
            raise CheckpointError(
                f"{self.path} has a header of {length} bytes, too long for a GPT-2 (at most {MAX_HEADER})."
            )
        try:
            entries = parse_json(text := self.file.read(length))
        except ValueError as error:
            raise CheckpointError(f"{self.path}: the header {error}; fetch the file again.") from error
        metadata = entries.pop("__metadata__", {})
        if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
            raise CheckpointError(f"{self.path}: the header's __metadata__ is not all text; fetch the file again.")
        tensors = {name: read_entry(self.path, name, entry, 8 + length) for name, entry in entries.items()}
        end = 8 + length
        for tensor in sorted(tensors.values(), key=lambda tensor: (tensor.offset, tensor.nbytes)):
            if tensor.offset != end:
                raise CheckpointError(
                    f"{tensor} starts at byte {tensor.offset} where byte {end} comes next: the header is wrong; "
                    "fetch the file again."
                )
            end += tensor.nbytes
        if end != self.size:
            raise CheckpointError(
                f"{self.path} should have {end} bytes by its header, but has {self.size}; fetch it again."
            )
        self.checksums = read_checksums(self.path, text, metadata, tensors)
        return tensors, metadata

    @property
    def checksum(self) -> str | None:
        """That of the header, and so, by the checksums in it, of the whole file; None where the writer noted none."""
        return self.metadata[CHECKSUMS][:DIGITS] if self.checksums else None

    def reader(self, name: str) -> Stretch:
        if name in self.checksums:
            return CheckedStretch(self.file, self.tensors[name], self.checksums[name])
        return Stretch(self.file, self.tensors[name])

    def close(self) -> None:
        self.file.close()


def read_entry(path: Path, name: str, entry: object, start: int) -> StoredTensor:
    """One tensor of a header, whose data_offsets count from byte `start` of the file."""
    fields = entry if isinstance(entry, dict) else {}
    dtype, shape, offsets = (fields.get(key) for key in ("dtype", "shape", "data_offsets"))
    numbers = [*shape, *offsets] if isinstance(shape, list) and isinstance(offsets, list) else [None]
    if not all(type(number) is int and 0 <= number < 2**63 for number in numbers) or len(offsets) != 2:
        raise CheckpointError(
            f"{path}: tensor {short(name)} has no whole numbers for shape and two data_offsets; fetch the file again."
        )
    if not isinstance(dtype, str) or dtype not in DTYPES:
        raise CheckpointError(
            f"{path}: tensor {short(name)} is of type {short(dtype)}; the types read are {', '.join(DTYPES)}."
        )
    tensor = StoredTensor(path, name, DTYPES[dtype], tuple(shape), start + offsets[0], offsets[1] - offsets[0])
    if tensor.size * tensor.stored_dtype.itemsize != tensor.nbytes:
        raise CheckpointError(
            f"{tensor} of shape {tensor.shape}, {tensor.dtype}, does not take the {tensor.nbytes} bytes between its "
            f"data_offsets {offsets}: the header is wrong; fetch the file again."
        )
    return tensor


def read_checksums(
    path: Path, header: bytes, metadata: Mapping[str, str], tensors: Mapping[str, StoredTensor]
) -> dict[str, int]:
    """The checksum of each tensor, where the writer noted them. That of the header is checked here."""
    if not (digits := metadata.get(CHECKSUMS)):
        return {}
    start = header.find(f'"{CHECKSUMS}":"{digits}"'.encode()) + len(CHECKSUMS) + 4
    blank = header[:start] + b"0" * DIGITS + header[start + DIGITS :]
    noted = [digits[i : i + DIGITS] for i in range(0, len(digits), DIGITS)]
    fits = len(noted) == 1 + len(tensors) and re.fullmatch("[0-9a-f]*", digits)
    if not fits or noted[0] != f"{crc32c(blank):08x}":
        raise CheckpointError(
            f"{path} has a header whose checksum is {crc32c(blank):08x} where {noted[0][:99]!a} was noted when it was saved: "
            "the file is damaged, or another program wrote it anew with the old metadata; take another copy of it."
        )
    return {name: int(crc, 16) for name, crc in zip(tensors, noted[1:])}


def write_safetensors(
    file: BinaryIO, specs: Mapping[str, Spec], get: Callable[[str], np.ndarray], metadata: Mapping[str, str]
) -> str:
    """Write into an open file: get(name) gives the array that specs announce, and is called for one at a time. Returns the
    file's checksum."""
    codes = {dtype: code for code, dtype in DTYPES.items()}
    header: dict[str, object] = {"__metadata__": {CHECKSUMS: "0" * DIGITS * (1 + len(specs)), **metadata}}
    names = sorted(specs, key=lambda name: (-np.dtype(specs[name][0]).itemsize, name))  # wide types first: all aligned
    end = 0
    for name in names:
        dtype, shape = specs[name]
        start, end = end, end + prod(shape) * np.dtype(dtype).itemsize
        header[name] = {"dtype": codes[dtype], "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode("utf-8")
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little") + text)
    noted = []
    with ThreadPoolExecutor(1) as beside:
        for name in names:
            dtype, shape = specs[name]
            array = np.asarray(get(name), np.dtype(dtype).newbyteorder("<"), order="C")
            if array.shape != tuple(shape):
                raise ValueError(f"{name} has shape {array.shape} where {tuple(shape)} was announced.")
            data = memoryview(array.reshape(-1)).cast("B")
            crc = beside.submit(crc32c, data)  # which lets go of the interpreter's lock, as writing does
            for start in range(0, len(data), BLOCK):
                file.write(data[start : start + BLOCK])
            noted.append(f"{crc.result():08x}")
    return note_checksums(file, text, noted)


def note_checksums(file: BinaryIO, header: bytes, noted: list[str]) -> str:
    """Put the tensors' checksums into the header that was written, and that of the header; returns the latter."""
    start = header.index(f'"{CHECKSUMS}":"'.encode()) + len(CHECKSUMS) + 4
    digits = "".join(noted).encode()
    tail = header[start + DIGITS + len(digits) :]
    whole = f"{crc32c(header[: start + DIGITS] + digits + tail):08x}"
    file.seek(8 + start)
    file.write(whole.encode() + digits)
    return whole
