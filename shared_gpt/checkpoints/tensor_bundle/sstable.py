"""A sorted string table (LevelDB's), the format of a TensorFlow checkpoint's index: keys and their values.

    block*  each: entries, restart offsets, their count (uint32); then its compression (1 byte), its masked CRC-32C (4)
    index   one more block: for each block, a key not before any of its own -> where the block lies
    footer  48 bytes: where the (unused) meta block and the index block lie, padded to 40; then the magic number

An entry says how much of its key it shares with the key before: varint shared, varint added, varint length of the value,
the added bytes, the value. At a restart nothing is shared. Source: github.com/google/leveldb, doc/table_format.md.
"""

from collections.abc import Iterator

from shared_gpt.checkpoints.checksum import crc32c
from shared_gpt.checkpoints.tensor_bundle.wire import WireError, read_varint, write_varint

MAGIC = 0xDB4775248B80FB57.to_bytes(8, "little")
FOOTER = 48
TRAILER = 5
RESTART_INTERVAL = 16
MOST_SHARED = 16  # bytes of keys for each byte of a block: thanks to shared prefixes a small file can claim gigabytes


def masked(crc: int) -> int:
    """A CRC-32C as LevelDB and TensorFlow store it: rotated, plus a constant, because a checksum of data that hold their
    own checksum would say little."""
    return (((crc >> 15) | (crc << 17)) + 0xA282EAD8) & 0xFFFFFFFF


def unmasked(stored: int) -> int:
    """The CRC-32C that is stored as this number."""
    rotated = (stored - 0xA282EAD8) & 0xFFFFFFFF
    return ((rotated << 15) | (rotated >> 17)) & 0xFFFFFFFF


def read_table(data: bytes) -> dict[bytes, bytes]:
    """All keys and values of a table. Every block's checksum is checked. WireError says what is damaged."""
    if len(data) < FOOTER or data[-8:] != MAGIC:
        raise WireError("does not end with the mark of an index: it is cut short, or another kind of file")
    footer = data[-FOOTER:-8]
    _, position = read_handle(footer, 0)
    index, _ = read_handle(footer, position)
    entries: dict[bytes, bytes] = {}
    last, read = None, 0
    for _, handle in read_block(data, *index):
        (offset, size), _ = read_handle(handle, 0)
        if (read := read + size + TRAILER) > len(data):
            raise WireError(f"counts blocks of {read} bytes where it has {len(data)}: some lie over one another")
        for key, value in read_block(data, offset, size):
            if last is not None and key <= last:
                raise WireError(f"holds the key {key[:99]!r} after {last[:99]!r}, out of order")
            entries[key] = value
            last = key
    return entries


def read_block(data: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """The keys and values of the block at a place in the table."""
    if offset + size + TRAILER > len(data) - FOOTER:
        raise WireError(f"has a block of {size} bytes at byte {offset}, past its end at {len(data) - FOOTER}")
    block, compression = data[offset : offset + size], data[offset + size]
    stored = int.from_bytes(data[offset + size + 1 : offset + size + TRAILER], "little")
    if (checksum := masked(crc32c(data[offset : offset + size + 1]))) != stored:
        raise WireError(f"has a block at byte {offset} whose checksum is {checksum:08x}, not {stored:08x}")
    if compression != 0:
        raise WireError(
            f"has a compressed block (kind {compression}), which TensorFlow has not written since version 1.1"
        )
    restarts = int.from_bytes(block[-4:], "little")
    end = len(block) - 4 * (1 + restarts)
    if len(block) < 4 or end < 0:
        raise WireError(f"has a block at byte {offset} too short for its {restarts} restarts")
    position, key, total = 0, b"", 0
    while position < end:
        shared, position = read_varint(block, position)
        added, position = read_varint(block, position)
        length, position = read_varint(block, position)
        if shared > len(key) or position + added + length > end:
            raise WireError(f"has an entry past the end of its block at byte {offset}")
        key = key[:shared] + block[position : position + added]
        if (total := total + len(key)) > MOST_SHARED * size:
            raise WireError(f"has a block at byte {offset} with more than {MOST_SHARED * size} bytes of keys in {size}")
        yield key, block[position + added : position + added + length]
        position += added + length


def read_handle(data: bytes, position: int) -> tuple[tuple[int, int], int]:
    """((offset, size) of a block, the position after them)."""
    offset, position = read_varint(data, position)
    size, position = read_varint(data, position)
    return (offset, size), position


def write_table(entries: dict[bytes, bytes]) -> bytes:
    """A table with one data block, which takes a quarter of a megabyte for the largest GPT-2."""
    keys = sorted(entries)
    data = write_block([(key, entries[key]) for key in keys])
    data_handle = write_varint(0) + write_varint(len(data) - TRAILER)
    meta = write_block([])
    meta_handle = write_varint(len(data)) + write_varint(len(meta) - TRAILER)
    index = write_block([(bytes([keys[-1][0] + 1]), data_handle)])  # the shortest key after the last one
    index_handle = write_varint(len(data) + len(meta)) + write_varint(len(index) - TRAILER)
    return data + meta + index + (meta_handle + index_handle).ljust(FOOTER - 8, b"\0") + MAGIC


def write_block(entries: list[tuple[bytes, bytes]]) -> bytes:
    """A block with its trailer."""
    out, restarts, last = bytearray(), [0], b""
    for number, (key, value) in enumerate(entries):
        shared = 0
        if number % RESTART_INTERVAL:
            while shared < min(len(key), len(last)) and key[shared] == last[shared]:
                shared += 1
        elif number:
            restarts.append(len(out))
        out += write_varint(shared) + write_varint(len(key) - shared) + write_varint(len(value)) + key[shared:] + value
        last = key
    for restart in [*restarts, len(restarts)]:
        out += restart.to_bytes(4, "little")
    out += b"\0"  # not compressed
    return bytes(out) + masked(crc32c(out)).to_bytes(4, "little")
