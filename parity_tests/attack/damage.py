"""Ways to damage a file: blindly, byte by byte, or knowing its format, with a value that its reader may not expect."""

import io
import json
from collections.abc import Callable
from typing import Any

import numpy as np

Damage = Callable[[bytes, np.random.Generator], bytes]

ODD = [
    None, True, False, 0, -1, 1, 2, 7, 2**31, 2_000_000_000, 2**62, 2**64, 10**400, -(10**30), 0.5, -0.0, 1e308, float("nan"),
    float("inf"), "", "x", "\0", "\ud800", "é", "../../etc/passwd", "a" * 100_000, [], {}, [[]], [1], [2**62] * 1000, {"a": 1},
    {"a": {"b": []}}, ["a", 1, None],
]  # fmt: skip
TEXTS = [
    b"\xff",
    b"\xef\xbb\xbf",
    b"\0",
    b"\r",
    b"\n\n",
    b"\t",
    b",",
    b";",
    b'"',
    b"[",
    b"{" * 2000,
    b"9" * 5000,
    b"\x1a",
    b" ",
]


def bytes_at_random(data: bytes, rng: np.random.Generator) -> bytes:
    """Bytes overwritten, cut out, doubled or inserted somewhere; one bit flipped; or everything from somewhere on gone."""
    start = int(rng.integers(len(data) + 1))
    length = int(rng.choice([1, 2, 4, 8, 40, 400, len(data)]))
    piece, noise = data[start : start + length], rng.bytes(length)
    new = [noise[: len(piece)], b"", piece + piece, noise + piece, b"\0" * len(piece), b"\xff" * len(piece)]
    if rng.random() < 0.3 and start < len(data):
        return data[:start] + bytes([data[start] ^ 1 << rng.integers(8)]) + data[start + 1 :]
    return data[:start] + new[rng.integers(len(new))] + data[start + length :]


def text_at_random(data: bytes, rng: np.random.Generator) -> bytes:
    """Something that no text should hold, or a sign of its format, at one place or at many."""
    new = TEXTS[rng.integers(len(TEXTS))]
    if rng.random() < 0.2:
        old = TEXTS[rng.integers(len(TEXTS))]
        return data.replace(old, new)
    start = int(rng.integers(len(data) + 1))
    return data[:start] + new * int(rng.choice([1, 1, 2, 1000])) + data[start:]


def odd_value(value: Any, rng: np.random.Generator) -> Any:
    """The value with one place in it changed: another value there, a key or an item gone, renamed or doubled."""
    if isinstance(value, dict) and value and rng.random() < 0.85:
        key = list(value)[rng.integers(len(value))]
        choice = rng.random()
        if choice < 0.1:
            return {k: v for k, v in value.items() if k != key}
        if choice < 0.2:
            return {(f"{key}x" if k == key else k): v for k, v in value.items()}
        return {**value, key: odd_value(value[key], rng)}
    if isinstance(value, list) and value and rng.random() < 0.7:
        place = int(rng.integers(len(value)))
        if rng.random() < 0.2:
            return value[:place] + value[place + 1 :]
        return [*value[:place], odd_value(value[place], rng), *value[place + 1 :]]
    if isinstance(value, (int, float)) and not isinstance(value, bool) and rng.random() < 0.3:
        return value + [1, -1, 0.5, 1000][rng.integers(4)]
    return ODD[rng.integers(len(ODD))]


def json_at_random(data: bytes, rng: np.random.Generator) -> bytes:
    """A JSON file with an odd value in it, or of a depth that no reader goes down to."""
    if rng.random() < 0.02:
        return [b"[", b'{"a":'][rng.integers(2)] * 100_000
    value = odd_value(json.loads(data), rng)
    if rng.random() < 0.2:
        value = odd_value(value, rng)
    return as_json(value)


def json_lines_at_random(data: bytes, rng: np.random.Generator) -> bytes:
    """The same for a file of one JSON value on each line."""
    lines = data.splitlines()
    place = rng.integers(len(lines))
    return b"\n".join([*lines[:place], json_at_random(lines[place], rng), *lines[place + 1 :]])


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8", "replace")


def header_at_random(data: bytes, rng: np.random.Generator) -> bytes:
    """A safetensors file whose header holds an odd value; its length is right, and no checksum stands in the way."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    noted = header.pop("__metadata__", {})
    noted.pop("crc32c", None)
    if "json" in noted and rng.random() < 0.6:
        noted["json"] = as_json(odd_value(json.loads(noted["json"]), rng)).decode()
        text = as_json({"__metadata__": noted, **header})
    else:
        text = as_json(odd_value({"__metadata__": noted, **header}, rng))
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def numbers_at_random(data: bytes, rng: np.random.Generator) -> bytes:
    """A safetensors file without checksums, with other bits in its numbers: NaN, infinity and the like among them."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    header.get("__metadata__", {}).pop("crc32c", None)
    text, rest = as_json(header), bytearray(data[8 + length :])
    start = int(rng.integers(max(len(rest) // 4, 1))) * 4
    rest[start : start + 4] = [b"\xff\xff\xff\xff", b"\0\0\x80\x7f", b"\xff\xff\x7f\x7f", rng.bytes(4)][rng.integers(4)]
    return len(text).to_bytes(8, "little") + text + bytes(rest)


def state_at_random(data: bytes, rng: np.random.Generator) -> bytes:
    """A file of PyTorch's with a tensor gone, renamed, of another shape or type, or with something else in its place."""
    import torch

    state = torch.load(io.BytesIO(data), weights_only=True)
    name = list(state)[rng.integers(len(state))]
    tensor, choice = state.pop(name), rng.integers(6)
    others = [tensor[:1], tensor[:-1], tensor.int(), tensor * torch.nan, tensor.to_sparse(), tensor.sum(), tensor[None]]
    if choice == 1:
        state[f"{name}x"] = tensor
    elif choice == 2:
        state[name] = others[rng.integers(len(others))]
    elif choice == 3:
        state[name] = ["x", None, 7, 2**70, [tensor], {"a": tensor}][rng.integers(6)]
    elif choice == 4:
        state = {["model_state_dict", "model"][rng.integers(2)]: state}
    elif choice == 5:
        state |= {name: tensor.expand(2**30, *tensor.shape)}
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()


def index_at_random(data: bytes, rng: np.random.Generator) -> bytes:
    """A TensorFlow index with an entry that lies, all its checksums right."""
    from shared_gpt.checkpoints.tensor_bundle.sstable import read_table, write_table

    table = read_table(data)
    key = list(table)[rng.integers(len(table))]
    choice = rng.random()
    if choice < 0.1:
        del table[key]
    elif choice < 0.2:
        table[key + b"x" * int(rng.choice([1, 1000]))] = table[key]
    else:
        table[key] = bytes_at_random(table[key], rng)
    return write_table(table)
