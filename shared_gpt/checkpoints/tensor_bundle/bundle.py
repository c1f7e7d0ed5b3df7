"""A "tensor bundle", TensorFlow's checkpoint format since version 2.

    model.ckpt.index                 a sorted string table: "" -> BundleHeaderProto, each name -> BundleEntryProto
    model.ckpt.data-00000-of-00001   the variables' bytes one after the other, little-endian

Source: tensorflow/core/protobuf/tensor_bundle.proto. Every checksum is checked: those of the index when it is opened, a
tensor's when its last byte has been read.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from shared_gpt.checkpoints.checksum import crc32c
from shared_gpt.checkpoints.stored import CheckedStretch, CheckpointError, Spec, StoredTensor
from shared_gpt.checkpoints.tensor_bundle.sstable import masked, read_table, unmasked, write_table
from shared_gpt.checkpoints.tensor_bundle.wire import BYTES, FIXED32, VARINT, WireError, read_fields, write_field
from shared_gpt.files import naming
from shared_gpt.json_values import short

NUMERIC_TYPES = {  # DataType in tensorflow/core/framework/types.proto; the rest (strings, quantised) cannot be weights
    1: "float32",
    2: "float64",
    3: "int32",
    4: "uint8",
    5: "int16",
    6: "int8",
    9: "int64",
    10: "bool",
    14: "bfloat16",
    17: "uint16",
    19: "float16",
    22: "uint32",
    23: "uint64",
}


MAX_INDEX = (
    4 << 20
)  # bytes; the largest GPT-2 takes a quarter of a megabyte, with its optimizer's state three times that


class BundleEntry(NamedTuple):
    """What the index says about one variable: its type and shape, where its bytes lie, and their masked CRC-32C."""

    data_type: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    nbytes: int
    checksum: int


class TensorBundle:
    """An open checkpoint, by its prefix (…/model.ckpt). `tensors` holds the numeric variables by name, `not_numeric` the names
    of the rest."""

    def __init__(self, prefix: str | Path):
        self.index = Path(f"{prefix}.index")
        self.tensors: dict[str, StoredTensor] = {}
        self.not_numeric: list[str] = []
        self.checksums: dict[str, int] = {}
        self.files: dict[Path, BinaryIO] = {}
        self.size = 0
        try:
            if (size := self.index.stat().st_size) > MAX_INDEX:
                raise WireError(f"has {size} bytes, too many for a GPT-2's index (at most {MAX_INDEX})")
            with naming(self.index):
                table = read_table(self.index.read_bytes())
            self.shards = decode_header(table.pop(b"", None))
            values = [decode_entry(value) for value in table.values()]
            entries = dict(zip([key.decode("utf-8") for key in table], values))
        except (WireError, UnicodeDecodeError) as error:
            raise CheckpointError(f"{self.index} {error}; fetch it again.") from error
        try:
            for name, entry in entries.items():
                self.add(str(prefix), name, entry)
        except BaseException:
            self.close()
            raise

    def add(self, prefix: str, name: str, entry: BundleEntry) -> None:
        """Keep an entry of the index once it agrees with the data file."""
        if entry.data_type not in NUMERIC_TYPES:
            self.not_numeric.append(name)
            return
        if not 0 <= entry.shard < self.shards:
            raise CheckpointError(
                f"{self.index}: tensor {short(name)} lies in data file {entry.shard} of {self.shards}; fetch it again."
            )
        path = Path(f"{prefix}.data-{entry.shard:05d}-of-{self.shards:05d}")
        if path not in self.files:
            if not path.is_file():
                raise FileNotFoundError(f"{path} is missing: it holds the weights that {self.index.name} lists.")
            self.files[path] = path.open("rb", buffering=0)
            self.size += path.stat().st_size
        tensor = StoredTensor(path, name, NUMERIC_TYPES[entry.data_type], entry.shape, entry.offset, entry.nbytes)
        if tensor.size * tensor.stored_dtype.itemsize != entry.nbytes:
            raise CheckpointError(
                f"{tensor} has {entry.nbytes} bytes for shape {entry.shape} of {tensor.dtype}; fetch the index again."
            )
        if (end := entry.offset + entry.nbytes) > (length := path.stat().st_size):
            raise CheckpointError(
                f"{tensor} should lie in bytes {entry.offset} to {end}, but the file has {length}: it is cut short, or "
                f"belongs to another {self.index.name}; fetch both again."
            )
        self.tensors[name] = tensor
        self.checksums[name] = unmasked(entry.checksum)

    def reader(self, name: str) -> CheckedStretch:
        tensor = self.tensors[name]
        return CheckedStretch(self.files[tensor.file], tensor, self.checksums[name])

    def close(self) -> None:
        for file in self.files.values():
            file.close()


def decode_header(data: bytes | None) -> int:
    """How many data files there are, from a BundleHeaderProto."""
    if data is None:
        raise WireError("has no header, so it is no checkpoint's index")
    fields = {number: value for number, _, value in read_fields(data)}
    if fields.get(2, 0) != 0:
        raise WireError("was written on a big-endian machine, which is not supported")
    if not isinstance(shards := fields.get(1, 1), int) or not 1 <= shards <= 99_999:
        raise WireError(f"counts {shards} data files")
    return shards


def decode_entry(data: bytes) -> BundleEntry:
    """What a BundleEntryProto says."""
    kinds = {1: VARINT, 2: BYTES, 3: VARINT, 4: VARINT, 5: VARINT, 6: FIXED32, 7: BYTES}
    fields: dict[int, int | bytes] = {}
    for number, kind, value in read_fields(data):
        if kinds.get(number, kind) != kind:
            raise WireError(f"has an entry whose field {number} is of wire type {kind}")
        if number == 7:
            raise WireError("has a variable in several slices, as only partitioned training leaves; save it whole")
        fields[number] = value
    data_type, shape, shard, offset, nbytes, checksum = (fields.get(n, b"" if n == 2 else 0) for n in range(1, 7))
    return BundleEntry(data_type, decode_shape(shape), shard, offset, nbytes, checksum)


def decode_shape(data: bytes) -> tuple[int, ...]:
    """The sizes in a TensorShapeProto."""
    shape = []
    for number, kind, dim in read_fields(data):
        if number == 2 and kind == BYTES:
            sizes = [value for field, kind, value in read_fields(dim) if field == 1 and kind == VARINT]
            if (size := sizes[-1] if sizes else 0) >= 2**63:
                raise WireError("has a shape with an unknown size")
            shape.append(size)
    return tuple(shape)


def write_tensor_bundle(
    index_file: BinaryIO, data_file: BinaryIO, specs: Mapping[str, Spec], get: Callable[[str], np.ndarray]
) -> None:
    """Write a bundle into two open files: get(name) gives the array that specs announce, and is called for one at a time."""
    codes = {dtype: code for code, dtype in NUMERIC_TYPES.items()}
    table = {b"": write_field(1, VARINT, 1) + write_field(3, BYTES, write_field(1, VARINT, 1))}  # one file; version 1
    offset = 0
    for name in sorted(specs):
        dtype, shape = specs[name]
        array = np.asarray(get(name), np.dtype(dtype).newbyteorder("<"), order="C").reshape(shape)
        data = memoryview(array.reshape(-1)).cast("B")
        data_file.write(data)
        dims = b"".join(write_field(2, BYTES, write_field(1, VARINT, size)) for size in shape)
        entry = write_field(1, VARINT, codes[dtype]) + write_field(2, BYTES, dims) + write_field(4, VARINT, offset)
        entry += write_field(5, VARINT, len(data)) + write_field(6, FIXED32, masked(crc32c(data)))
        table[name.encode()] = entry
        offset += len(data)
    index_file.write(write_table(table))


def bundle_prefix(path: Path) -> Path | None:
    """The prefix of the bundle that a path names (the prefix itself, its .index, .meta or a data file), or None."""
    prefix = path.with_name(re.sub(r"\.(index|meta|data-\d{5}-of-\d{5})$", "", path.name))
    return prefix if Path(f"{prefix}.index").is_file() else None
