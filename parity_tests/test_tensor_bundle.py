"""TensorFlow's checkpoint format without TensorFlow, TensorFlow the judge: what either writes the other reads, bit by bit."""

import struct
from pathlib import Path

import numpy as np
import pytest
from crc32c import crc32c
from hypothesis import example, given
from hypothesis import strategies as st

from parity_tests.checkpoint_files import save_bundle
from parity_tests.optional import tf
from parity_tests.strategies import seeds
from shared_gpt.checkpoints.stored import CheckpointError, read_array
from shared_gpt.checkpoints.tensor_bundle import TensorBundle, bundle_prefix, sstable, write_tensor_bundle
from shared_gpt.checkpoints.tensor_bundle.bundle import NUMERIC_TYPES
from shared_gpt.checkpoints.tensor_bundle.sstable import (
    FOOTER,
    MAGIC,
    TRAILER,
    masked,
    read_table,
    write_block,
    write_table,
)
from shared_gpt.checkpoints.tensor_bundle.wire import BYTES, VARINT, WireError, read_varint, write_field, write_varint

NUMPY_DTYPES = sorted(set(NUMERIC_TYPES.values()) - {"bfloat16"})
names = st.text(st.sampled_from("abh/019_é"), min_size=1, max_size=20)
shapes = st.lists(st.sampled_from([0, 1, 2, 3, 7]), max_size=3).map(tuple)
bundles = st.dictionaries(names, st.tuples(st.sampled_from(NUMPY_DTYPES), shapes), min_size=1, max_size=40)


def random_array(rng: np.random.Generator, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """Every bit pattern of the type, NaN among them."""
    if dtype == "bool":
        return np.asarray(rng.random(shape) < 0.5)
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    return np.frombuffer(rng.bytes(size), dtype).reshape(shape)


def test_the_checksum_is_the_published_one():
    """RFC 3720, section B.4: the library that is installed computes CRC-32C and no other."""
    assert crc32c(bytes(32)) == 0x8A9136AA
    assert crc32c(b"\xff" * 32) == 0x62A8AB43
    assert crc32c(bytes(range(32))) == 0x46DD794E
    assert crc32c(bytes(reversed(range(32)))) == 0x113FDB5C
    assert crc32c(b"123456789") == 0xE3069283
    assert crc32c(b"") == 0


@given(st.sampled_from([0, 1, 3, 4, 5, 1000, 65535, 65536, 65537, 131072, 200_003]), st.integers(0, 200_003), seeds)
def test_crc32c_is_tensorflows_and_can_be_taken_in_pieces(tmp_path_factory, size, cut, seed):
    """TensorFlow's record files hold the masked checksum of each record behind it."""
    data = np.random.default_rng(seed).bytes(size)
    path = tmp_path_factory.mktemp("records") / "one"
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(data)
    (expected,) = struct.unpack("<I", path.read_bytes()[-4:])
    assert masked(crc32c(data)) == expected
    assert masked(crc32c(data[cut:], crc32c(data[:cut]))) == expected


@given(st.integers(0, 2**64 - 1))
def test_varints_come_back(number):
    assert read_varint(write_varint(number), 0) == (number, len(write_varint(number)))


@given(bundles, seeds)
@example({f"model/h{i}/b": ("float32", (i % 5,)) for i in range(50)}, 0)
def test_reads_what_tensorflow_writes_and_writes_the_same_bytes(tmp_path_factory, specs, seed):
    rng = np.random.default_rng(seed)
    arrays = {name: random_array(rng, dtype, shape) for name, (dtype, shape) in specs.items()}
    folder = tmp_path_factory.mktemp("bundle")
    save_bundle(folder / "theirs", arrays)
    bundle = TensorBundle(folder / "theirs")
    assert set(bundle.tensors) == set(arrays)
    for name, array in arrays.items():
        ours = read_array(bundle, name)
        assert (ours.dtype, ours.shape, ours.tobytes()) == (array.dtype, array.shape, array.tobytes())
    bundle.close()
    with open(folder / "ours.index", "wb") as index, open(folder / "ours.data-00000-of-00001", "wb") as data:
        write_tensor_bundle(index, data, specs, arrays.__getitem__)
    for ending in ("index", "data-00000-of-00001"):
        assert (folder / f"ours.{ending}").read_bytes() == (folder / f"theirs.{ending}").read_bytes()


def test_an_index_of_several_blocks_is_read_whole(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {rng.bytes(99).hex(): np.float32(i) for i in range(3000)}
    save_bundle(tmp_path / "many", arrays)
    assert (tmp_path / "many.index").stat().st_size > 2 * 262144  # TensorFlow starts a new block at 256 KiB
    bundle = TensorBundle(tmp_path / "many")
    assert set(bundle.tensors) == set(arrays)
    assert all(read_array(bundle, name) == arrays[name] for name in list(arrays)[::97])


def test_several_data_files_are_one_checkpoint(tmp_path):
    save_bundle(tmp_path / "one", {"a": np.arange(5.0)})
    save_bundle(tmp_path / "two", {"b": np.arange(7)})
    parts = [str(tmp_path / "one"), str(tmp_path / "two")]
    tf.raw_ops.MergeV2Checkpoints(checkpoint_prefixes=parts, destination_prefix=str(tmp_path / "both"))
    assert (tmp_path / "both.data-00001-of-00002").exists()
    bundle = TensorBundle(tmp_path / "both")
    np.testing.assert_array_equal(read_array(bundle, "a"), np.arange(5.0))
    np.testing.assert_array_equal(read_array(bundle, "b"), np.arange(7))


def test_bfloat16_becomes_float32_exactly(tmp_path):
    values = tf.cast(tf.constant(np.random.default_rng(0).standard_normal((5, 3))), tf.bfloat16)
    save_bundle(tmp_path / "b", {"x": values})
    bundle = TensorBundle(tmp_path / "b")
    assert bundle.tensors["x"].dtype == "bfloat16"
    np.testing.assert_array_equal(read_array(bundle, "x"), tf.cast(values, tf.float32).numpy())


def test_text_among_the_variables_is_named_and_left_alone(tmp_path):
    save_bundle(tmp_path / "b", {"x": np.arange(3), "graph": tf.constant("text")})
    bundle = TensorBundle(tmp_path / "b")
    assert (list(bundle.tensors), bundle.not_numeric) == (["x"], ["graph"])


def test_a_prefix_is_found_from_any_of_its_files(tmp_path):
    save_bundle(tmp_path / "model.ckpt", {"x": np.arange(3)})
    for ending in ("", ".index", ".meta", ".data-00000-of-00001"):
        assert bundle_prefix(Path(f"{tmp_path}/model.ckpt{ending}")) == tmp_path / "model.ckpt"
    assert bundle_prefix(tmp_path / "model") is None


def test_slices_of_partitioned_variables_are_refused(tmp_path):
    tf.raw_ops.SaveV2(
        prefix=str(tmp_path / "p"), tensor_names=["x"], shape_and_slices=["4 3 0,2:0,3"], tensors=[np.ones((2, 3))]
    )
    with pytest.raises(CheckpointError, match=r"p\.index has a variable in several slices"):
        TensorBundle(tmp_path / "p")


def rewrite(folder: Path, change) -> Path:
    """A good checkpoint whose index says something else, with right checksums: `change` gets and gives its entries."""
    save_bundle(folder / "b", {"x": np.arange(6.0).reshape(2, 3)})
    index = folder / "b.index"
    index.write_bytes(write_table(change(read_table(index.read_bytes()))))
    return folder / "b"


def entry(dim: int, nbytes: int) -> bytes:
    """The BundleEntryProto of a vector in float64 at the start of the data."""
    shape = write_field(2, BYTES, write_field(1, VARINT, dim))
    return write_field(1, VARINT, 2) + write_field(2, BYTES, shape) + write_field(5, VARINT, nbytes)


LIES = {
    "a big-endian machine": (lambda t: t | {b"": b"\x08\x01\x10\x01"}, "big-endian"),
    "no header": (lambda t: {b"x": t[b"x"]}, "no header"),
    "a million data files": (lambda t: t | {b"": b"\x08\xc0\x84\x3d"}, "1000000 data files"),
    "a data file that is not there": (lambda t: t | {b"": b"\x08\x02"}, "b.data-00000-of-00002 is missing"),
    "a third of one data file": (
        lambda t: t | {b"x": t[b"x"].replace(b"\x28\x30", b"\x18\x02\x28\x30")},
        "file 2 of 1",
    ),
    "more bytes than the shape": (
        lambda t: t | {b"x": t[b"x"].replace(b"\x28\x30", b"\x28\x31")},
        "49 bytes for shape",
    ),
    "an offset past the end": (
        lambda t: t | {b"x": t[b"x"].replace(b"\x28\x30", b"\x20\x01\x28\x30")},
        "bytes 1 to 49",
    ),
    "an offset of 2^63": (
        lambda t: t | {b"x": t[b"x"].replace(b"\x28\x30", b"\x20" + write_varint(2**63) + b"\x28\x30")},
        "bytes 9223372036854775808 to",
    ),
    "a terabyte": (
        lambda t: t | {b"x": entry(dim=2**37, nbytes=2**40)},
        "bytes 0 to 1099511627776, but the file has 48",
    ),
    "an unknown size": (lambda t: t | {b"x": entry(dim=2**64 - 1, nbytes=48)}, "unknown size"),
    "a wrong wire type": (lambda t: t | {b"x": b"\x0a\x01\x00"}, "wire type 2"),
    "a group": (lambda t: t | {b"x": b"\x0b"}, "wire type 3"),
    "a name that is no text": (lambda t: t | {b"\xfe\xfe": t[b"x"]}, "utf-8"),
    "a name that rings": (lambda t: t | {b"\x07": t[b"x"]}, "not plain text"),
}


@pytest.mark.parametrize("lie", LIES)
def test_an_index_that_lies_is_one_clear_error(tmp_path, lie):
    change, message = LIES[lie]
    prefix = rewrite(tmp_path, change)
    with pytest.raises((CheckpointError, FileNotFoundError), match=message) as caught:
        TensorBundle(prefix)
    assert str(tmp_path / "b") in str(caught.value)


def test_compressed_blocks_are_refused():
    table = bytearray(write_table({b"": b"", b"x": b"y"}))
    size = read_varint(bytes(table[-48:]), 0)[0] - 5  # the first block ends where the meta block begins
    table[size] = 1
    table[size + 1 : size + 5] = masked(crc32c(table[: size + 1])).to_bytes(4, "little")
    with pytest.raises(WireError, match="compressed block"):
        read_table(bytes(table))


def test_shared_prefixes_cannot_fill_the_memory(monkeypatch):
    """A few bytes that stand for a key of a thousand are refused when the keys' total passes a bound, not the memory."""
    table = write_table({b"a" * 1000 + i.to_bytes(2, "big"): b"" for i in range(1000)})
    assert len(table) < 100_000
    monkeypatch.setattr(sstable, "MOST_SHARED", 5)
    with pytest.raises(WireError, match=r"a block at byte 0 with more than \d+ bytes of keys in \d+"):
        read_table(table)


def test_handles_that_all_lead_to_one_block_are_refused():
    """A thousand of them would have it read a thousand times."""
    block = write_block([(b"a" * 300, b"")])
    place = write_varint(0) + write_varint(len(block) - TRAILER)
    index = write_block([(i.to_bytes(2, "big"), place) for i in range(1000)])
    handle = write_varint(len(block)) + write_varint(len(index) - TRAILER)
    with pytest.raises(WireError, match=r"some lie over one another|out of order"):
        read_table(block + index + (handle + handle).ljust(FOOTER - 8, b"\0") + MAGIC)
    # Empty blocks hold no keys that would be out of order; only the bytes can tell.
    block = write_block([])
    place = write_varint(0) + write_varint(len(block) - TRAILER)
    index = write_block([(i.to_bytes(2, "big"), place) for i in range(9000)])
    handle = write_varint(len(block)) + write_varint(len(index) - TRAILER)
    with pytest.raises(WireError, match="some lie over one another"):
        read_table(block + index + (handle + handle).ljust(FOOTER - 8, b"\0") + MAGIC)


def test_a_large_index_is_refused_unread(tmp_path):
    with open(tmp_path / "model.ckpt.index", "wb") as file:
        file.truncate(1 << 40)  # sparse: takes no room on the disk
    with pytest.raises(CheckpointError, match=r"model\.ckpt\.index has 1099511627776 bytes, too many"):
        TensorBundle(tmp_path / "model.ckpt")
