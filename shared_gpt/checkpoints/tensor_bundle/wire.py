"""The two encodings inside a TensorFlow checkpoint's index: varints, and the fields of protocol buffers.

Source: protobuf.dev/programming-guides/encoding.
"""

from collections.abc import Iterator

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5  # wire types of protocol buffers


class WireError(ValueError):
    """What is wrong with the bytes of an index; whoever opened the file puts its name in front."""


def read_varint(data: bytes, position: int) -> tuple[int, int]:
    """(a number below 2^64, stored seven bits to a byte with the lowest first; the position after it)."""
    number = 0
    for shift in range(0, 70, 7):
        if position >= len(data):
            raise WireError("ends inside a number")
        byte = data[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & (2**64 - 1), position
    raise WireError("holds a number of more than 64 bits")


def write_varint(number: int) -> bytes:
    """The inverse; a negative number is written as its 64-bit two's complement."""
    number &= 2**64 - 1
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def read_fields(data: bytes) -> Iterator[tuple[int, int, int | bytes]]:
    """(field number, wire type, value) for each field of a protocol buffer, in their order."""
    position = 0
    while position < len(data):
        tag, position = read_varint(data, position)
        number, kind = tag >> 3, tag & 7
        if kind == VARINT:
            value, position = read_varint(data, position)
        elif kind in (FIXED32, FIXED64, BYTES):
            length, position = read_varint(data, position) if kind == BYTES else (4 if kind == FIXED32 else 8, position)
            value, position = data[position : position + length], position + length
            if position > len(data):
                raise WireError(f"has an entry that is cut off in field {number}")
            value = value if kind == BYTES else int.from_bytes(value, "little")
        else:
            raise WireError(f"has an entry with a field of wire type {kind}")
        yield number, kind, value


def write_field(number: int, kind: int, value: int | bytes) -> bytes:
    """One field of a protocol buffer. A zero is expressed by leaving the field out."""
    if kind == VARINT and value == 0:
        return b""
    tag = write_varint(number << 3 | kind)
    if kind == VARINT:
        return tag + write_varint(value)
    return tag + (write_varint(len(value)) + value if kind == BYTES else value.to_bytes(4, "little"))
