"""Files that are damaged, or lie, or do not belong together: one clear error that names the file, never a crash, never
memory taken because a header said so; or no harm at all.

What no test can ask: safetensors has no place for a checksum, so in another program's file a flipped bit in a weight is just
another weight. Files written here carry checksums in their metadata, TensorFlow's format has its own: every flip is found.
"""

import gc
import json
import os
import pickle
import sys
import tracemalloc
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import numpy_gpt
from numpy_gpt import GPTConfig, weights
from parity_tests.report.measure import random_state
from parity_tests.strategies import seeds
from shared_gpt.checkpoints import CheckpointError, load_tensors, open_checkpoint, save_tensors, writers
from shared_gpt.checkpoints.source import open_contents
from torch_gpt import weights as torch_weights

TINY = GPTConfig(vocab_size=3, context_length=2, emb_dim=4, n_heads=2, n_layers=1)
LIMIT = 8e6  # bytes that Python and NumPy may hold at once while they look at a file of a few thousand
WEIGHTS = {"huggingface": "model.safetensors", "openai": "model.ckpt.data-00000-of-00001", "bin": "pytorch_model.bin"}


@cache
def tiny_state() -> dict[str, np.ndarray]:
    return random_state(numpy_gpt.GPTModel(TINY).state_dict(), seed=0)


@cache
def good_files(layout: str) -> dict[str, bytes]:
    """The files of a tiny model, by name."""
    import tempfile

    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        model = numpy_gpt.GPTModel(TINY)
        model.load_state_dict(tiny_state())
        weights.save_gpt2(model, folder, "openai" if layout == "openai" else "huggingface")
        if layout.startswith("bin"):
            from safetensors.torch import load_file

            state = load_file(folder / "model.safetensors")
            (folder / "model.safetensors").unlink()
            torch.save(state, folder / "pytorch_model.bin", _use_new_zipfile_serialization=layout == "bin")
        return {path.name: path.read_bytes() for path in folder.iterdir()}


def lay(folder: Path, layout: str, **changed: bytes | None) -> Path:
    """The files of a tiny model in a folder, some of them changed ("model.ckpt.index" is said model_ckpt_index) or left out."""
    folder.mkdir(exist_ok=True)
    files = dict(good_files(layout))
    for name, data in changed.items():
        (match,) = [file for file in files if file.replace(".", "_").replace("-", "_") == name]
        files[match] = data
    for name, data in files.items():
        if data is not None:
            (folder / name).write_bytes(data)
    return folder


def read_all(source: Path) -> tuple[GPTConfig, dict[str, np.ndarray]]:
    """What both twins do to load a model, without the model."""
    with open_checkpoint(source) as opened:
        return opened.config, {key: opened.read(key, np.float32) for key in opened.tensors}


def read_with(twin):
    def load(source: Path) -> tuple[GPTConfig, dict[str, np.ndarray]]:
        model = twin.load_gpt2(source)
        return model.config, {name: np.asarray(array) for name, array in model.state_dict().items()}

    return load


TWINS = (read_with(weights), read_with(torch_weights))


def outcome(source: Path, load=read_all) -> str:
    """ "whole" where loading gave the true weights, "other" where it gave others, or the text of its one clear error."""
    error = None
    tracemalloc.start()
    try:
        config, state = load(source)
    except (CheckpointError, FileNotFoundError) as caught:
        error = str(caught)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < LIMIT
    if error is None:
        same = all(state[name].tobytes() == array.tobytes() for name, array in tiny_state().items())
        return "whole" if same and config == TINY else "other"
    assert str(source) in error
    assert error.isprintable()
    assert len(error) < 1200
    return error


def flipped(data: bytes, position: int, bits: int) -> bytes:
    return data[:position] + bytes([data[position] ^ bits]) + data[position + 1 :]


def damaged(data: bytes, rng: np.random.Generator) -> bytes:
    """Bytes overwritten, cut out, doubled or inserted somewhere; or everything from somewhere on."""
    start = int(rng.integers(len(data)))
    length = int(rng.choice([1, 2, 4, 8, 40, len(data)]))
    piece, noise = data[start : start + length], rng.bytes(length)
    new = [noise[: len(piece)], b"", piece + piece, noise + piece, b"\0" * len(piece), b"\xff" * len(piece)]
    return data[:start] + new[rng.integers(len(new))] + data[start + length :]


@pytest.mark.parametrize("layout", ["openai", "huggingface", "bin", "bin before 2020"])
def test_the_good_files_are_good(tmp_path, layout):
    assert outcome(lay(tmp_path, layout)) == "whole"


# Byte by byte.


def test_every_flip_in_the_data_of_a_tensorflow_checkpoint_is_found(tmp_path):
    data = good_files("openai")["model.ckpt.data-00000-of-00001"]
    lay(tmp_path, "openai")
    for position in range(len(data)):
        bits = 1 << position % 8
        (tmp_path / "model.ckpt.data-00000-of-00001").write_bytes(flipped(data, position, bits))
        with pytest.raises(CheckpointError, match="has the checksum"):
            read_all(tmp_path)


def test_every_flip_in_the_index_of_a_tensorflow_checkpoint_is_found_or_harmless(tmp_path):
    """Harmless are the meta block, which nobody reads, and the padding of the footer."""
    index = good_files("openai")["model.ckpt.index"]
    lay(tmp_path, "openai")
    harmless = []
    for position in range(len(index)):
        (tmp_path / "model.ckpt.index").write_bytes(flipped(index, position, 1 << position % 8))
        if (result := outcome(tmp_path)) == "whole":
            harmless.append(position)
        else:
            assert result != "other", position
    data_block = len(index) - 48 - 40  # the index block, the meta block and the footer come behind it
    assert not [position for position in harmless if position < data_block]
    assert len(harmless) < 60


def test_every_flip_in_a_safetensors_header_is_refused_or_harmless(tmp_path):
    """Only the metadata and blanks can change unseen: no name, type, shape or offset."""
    data = good_files("huggingface")["model.safetensors"]
    header = 8 + int.from_bytes(data[:8], "little")
    lay(tmp_path, "huggingface")
    for position in range(header):
        changed = flipped(data, position, 1 << position % 8)
        (tmp_path / "model.safetensors").write_bytes(changed)
        assert outcome(tmp_path) != "other", changed[:header]


def test_every_flip_in_a_pytorch_weight_is_found(tmp_path):
    """Its zip holds a checksum for each tensor."""
    data = good_files("bin")["pytorch_model.bin"]
    lay(tmp_path, "bin")
    for array in tiny_state().values():
        position = data.index(array.reshape(-1)[:1].tobytes())  # the first number lies first, transposed or not
        (tmp_path / "pytorch_model.bin").write_bytes(flipped(data, position, 4))
        assert "the checksum of 'pytorch_model/data/" in outcome(tmp_path)


def test_every_flip_in_a_safetensors_weight_is_found(tmp_path):
    """The files written here, which hold checksums."""
    data = good_files("huggingface")["model.safetensors"]
    header = 8 + int.from_bytes(data[:8], "little")
    lay(tmp_path, "huggingface")
    for position in range(header, len(data)):
        (tmp_path / "model.safetensors").write_bytes(flipped(data, position, 1 << position % 8))
        with pytest.raises(CheckpointError, match="has the checksum"):
            read_all(tmp_path)


def test_every_flip_in_a_runs_file_is_found_or_harmless(tmp_path):
    """Harmless is one in the key of the checksums itself: the file is then read as one of before there were any."""
    path = tmp_path / "last.safetensors"
    state = {"model.wte.weight": np.arange(12, dtype=np.float32).reshape(3, 4), "empty": np.ones((0, 2))}
    save_tensors(path, state, {"step": 3})
    data, harmless = path.read_bytes(), 0
    for position in range(len(data)):
        path.write_bytes(flipped(data, position, 1 << position % 8))
        try:
            tensors, metadata = load_tensors(path)
        except CheckpointError:
            continue
        assert metadata == {"step": 3}
        assert all(tensors[name].tobytes() == array.tobytes() for name, array in state.items())
        harmless += 1
    assert harmless <= len("crc32c")


def test_a_flip_in_another_programs_safetensors_is_another_weight(tmp_path):
    """The format's limit, stated: no checksum. What is seen is a number that no weight can be."""
    saved(tmp_path, lambda s: None)
    data = (tmp_path / "model.safetensors").read_bytes()
    (tmp_path / "model.safetensors").write_bytes(flipped(data, len(data) - 4, 1))
    assert outcome(tmp_path) == "other"


@pytest.mark.parametrize("layout", ["openai", "huggingface", "bin", "bin before 2020"])
def test_a_file_cut_anywhere_is_refused(tmp_path, layout):
    lay(tmp_path, layout)
    for name in [WEIGHTS[layout.split()[0]], *(["model.ckpt.index"] if layout == "openai" else ["config.json"])]:
        data = good_files(layout)[name]
        for length in [*range(0, len(data), len(data) // 60), len(data) - 1]:
            (tmp_path / name).write_bytes(data[:length])
            assert outcome(tmp_path) not in ("whole", "other"), (name, length)
        (tmp_path / name).write_bytes(data)


@settings(max_examples=100)
@given(st.sampled_from(["openai", "huggingface", "bin", "bin before 2020"]), seeds)
def test_random_damage_is_refused_or_harmless(tmp_path_factory, layout, seed):
    """ "other" is allowed where no checksum could tell: a weight of its own kind, or another dropout in config.json."""
    rng = np.random.default_rng(seed)
    folder = lay(tmp_path_factory.mktemp("damaged"), layout)
    name = str(rng.choice(sorted(good_files(layout))))
    new = damaged(good_files(layout)[name], rng)
    (folder / name).write_bytes(new)
    for load in TWINS:
        result = outcome(folder, load)
        if result == "other":
            assert layout == "bin before 2020" or name.endswith(".json")


# Headers that lie.


def header_of(change) -> bytes:
    """A safetensors file whose header `change` rewrites; right in everything else."""
    data = good_files("huggingface")["model.safetensors"]
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    del header["__metadata__"]["crc32c"]  # so that the lie itself is judged
    text = change(header)
    text = text if isinstance(text, bytes) else json.dumps(header if text is None else text).encode("utf-8")
    return len(text).to_bytes(8, "little") + text + data[8 + length :]


def lie(name: str, **claims):
    return lambda header: header[name].update(claims)


WTE, BIAS = "transformer.wte.weight", "transformer.ln_f.bias"
LIES = {
    "a terabyte of rows": (lie(WTE, shape=[2**38, 4]), "transformer.wte.weight of shape (274877906944, 4)"),
    "a terabyte in the file": (lie(WTE, shape=[2**38, 4], data_offsets=[0, 2**42]), ""),
    "sizes whose product is past any integer": (lie(WTE, shape=[2**62, 2**62]), "transformer.wte.weight of shape"),
    "a negative size": (lie(WTE, shape=[-3, -4]), "transformer.wte.weight"),
    "half a row": (lie(WTE, shape=[1.5, 8]), "transformer.wte.weight"),
    "true rows": (lie(WTE, shape=[True, 12]), "transformer.wte.weight"),
    "a shape that is no list": (lie(WTE, shape="3x4"), "transformer.wte.weight"),
    "three offsets": (lie(WTE, data_offsets=[0, 1, 2]), "transformer.wte.weight"),
    "offsets that run backwards": (lie(WTE, data_offsets=[48, 0]), "transformer.wte.weight"),
    "an offset of 10^4000": (lie(WTE, data_offsets=[0, 10**4000]), "transformer.wte.weight"),
    "two tensors in one place": (
        lambda h: h[BIAS].update(data_offsets=h["transformer.ln_f.weight"]["data_offsets"]),
        "",
    ),
    "a type from the future": (lie(WTE, dtype="F4"), "transformer.wte.weight"),
    "integers for weights": (lie(WTE, dtype="I32"), "transformer.wte.weight is int32"),
    "a name that rings": (lambda h: h.update({"\x07": h.pop(BIAS)}), "'\\x07'"),
    "a name of half a character": (lambda h: h.update({"\ud800": h.pop(BIAS)}), "'\\ud800'"),
    "a name of a million letters": (lambda h: h.update({"a" * 1_000_000: h.pop(BIAS)}), "plain text of at most 500"),
    "twenty thousand axes": (lie(WTE, shape=[2**62] * 20_000), "has 20000 axes"),
    "a type that is a list": (lie(WTE, dtype=[]), "is of type a list of 0"),
    "a type of a million letters": (lie(WTE, dtype="F" * 1_000_000), "is of type 'FFF"),
    "offsets of a million digits": (lambda h: json.dumps(h).replace("[0, 48]", f"[0, {'9' * 4000}]").encode(), ""),
    "a tensor that is a list": (lambda h: h.update({WTE: [1]}), "transformer.wte.weight"),
    "metadata that are a number": (lambda h: h.update(__metadata__=7), "__metadata__"),
    "a header that is a list": (lambda h: [1], "list"),
    "a header without end": (lambda h: b"[" * 100_000, "JSON"),
    "a header of digits": (lambda h: b'{"a":' + b"9" * 10_000 + b"}", "JSON"),
    "a header in Latin-1": (lambda h: '{"ä": 1}'.encode("latin-1"), "JSON"),
    "the same name twice": (lambda h: b'{"a": 1, "a": 2}', "twice"),
    "nothing": (lambda h: {}, ""),
}


@pytest.mark.parametrize("claim", LIES)
def test_a_safetensors_header_that_lies_is_one_clear_error(tmp_path, claim):
    change, named = LIES[claim]
    result = outcome(lay(tmp_path, "huggingface", model_safetensors=header_of(change)))
    assert result not in ("whole", "other")
    assert named in result
    assert "model.safetensors" in result


@pytest.mark.parametrize("length", [2**16, 2**33, 2**63, 2**64 - 1])
def test_the_length_of_a_header_is_held_against_the_file(tmp_path, length):
    data = length.to_bytes(8, "little") + good_files("huggingface")["model.safetensors"][8:]
    result = outcome(lay(tmp_path, "huggingface", model_safetensors=data))
    assert f"claims a header of {length}" in result


def test_a_long_header_is_refused_unread(tmp_path):
    with open(tmp_path / "model.safetensors", "wb") as file:
        file.write((2**30).to_bytes(8, "little"))
        file.truncate(2**30 + 8)  # sparse: takes no room on the disk
    assert "header of 1073741824 bytes" in outcome(tmp_path)


def test_tensors_of_a_pickle_may_not_show_more_than_the_file_holds(tmp_path):
    """A stride of 0 makes a terabyte of four bytes."""
    good = dict(torch.load(lay(tmp_path, "bin") / "pytorch_model.bin"))
    torch.save(good | {WTE: torch.zeros(1).expand(2**38, 4)}, tmp_path / "pytorch_model.bin")
    assert "tensor 'transformer.wte.weight' shows 4398046511104 bytes" in outcome(tmp_path)
    shared = torch.zeros(12, 4)
    both = {WTE: shared[:3], "transformer.h.0.mlp.c_fc.bias": torch.zeros(16)}
    more = {
        f"transformer.h.0.attn.c_{part}.weight": shared.view(4, 12)[:, :n] for part, n in [("attn", 12), ("proj", 4)]
    }
    torch.save(good | both | more, tmp_path / "pytorch_model.bin")  # views of one storage are real weights, if odd ones
    assert outcome(tmp_path) == "other"


@pytest.mark.parametrize("dtype", ["float8_e4m3fn", "complex64", "int8"])
def test_biases_of_a_type_that_no_weight_has(tmp_path, dtype):
    """Also where the model has no biases for q, k and v, and they would be left out if they were zero."""
    good = dict(torch.load(lay(tmp_path, "bin") / "pytorch_model.bin"))
    name = "transformer.h.0.attn.c_attn.bias"
    torch.save(good | {name: torch.zeros(12).to(getattr(torch, dtype))}, tmp_path / "pytorch_model.bin")
    stated = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    for qkv_bias in (True, False):
        (tmp_path / "config.json").write_text(json.dumps(stated | {"qkv_bias": qkv_bias}), encoding="utf-8")
        assert f"{name} is {dtype} instead of one of float16" in outcome(tmp_path)


def test_one_storage_may_not_stand_for_many_blocks(tmp_path):
    """Sizes that fit, a config that fits, and a file of 80 kB that would fill 60 MB: each tensor is there, but shared."""
    config = GPTConfig(vocab_size=3, context_length=2, emb_dim=40, n_heads=2, n_layers=200)
    model = numpy_gpt.GPTModel(config.replace(n_layers=1))
    weights.save_gpt2(model, tmp_path)
    from safetensors.torch import load_file

    state = load_file(tmp_path / "model.safetensors")
    os.remove(tmp_path / "model.safetensors")
    block = {name: tensor for name, tensor in state.items() if ".h.0." in name}
    state |= {name.replace(".h.0.", f".h.{i}."): tensor for i in range(200) for name, tensor in block.items()}
    torch.save(state, tmp_path / "pytorch_model.bin")
    stated = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    (tmp_path / "config.json").write_text(json.dumps(stated | {"n_layer": 200}), encoding="utf-8")
    tracemalloc.start()
    with pytest.raises(CheckpointError, match=r"pytorch_model\.bin has \d+ bytes but claims \d+ of weights"):
        weights.load_gpt2(tmp_path)
    assert tracemalloc.get_traced_memory()[1] < LIMIT
    tracemalloc.stop()


# Weights that do not belong together.


def saved(folder: Path, change, config: GPTConfig = TINY) -> Path:
    """A tiny model in safetensors after `change` has changed its tensors."""
    from safetensors.numpy import load_file, save_file

    lay(folder, "huggingface")
    state = load_file(folder / "model.safetensors")
    change(state)
    save_file(state, folder / "model.safetensors")
    return folder


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: s.pop(BIAS), "ln_f.bias (4,) is missing"),
        (lambda s: s.update(extra=np.ones(3, np.float32)), "extra is unexpected"),
        (lambda s: s.update({WTE: s[WTE].T}), "transformer.wte.weight is (4, 3) instead of (3, 4)"),
        (lambda s: s.update({WTE: s[WTE][:2]}), "transformer.wte.weight is (2, 4) instead of (3, 4)"),
        (lambda s: s.update({WTE: s[WTE].astype(np.int8)}), "transformer.wte.weight is int8 instead of"),
        (lambda s: s.update({"transformer.h.1.ln_1.bias": s[BIAS]}), "transformer.h.1.ln_1.bias is unexpected"),
        (lambda s: s.update({"wte.weight": s[WTE]}), "wte.weight is unexpected"),
        (lambda s: s.clear(), "holds no tensor of a GPT-2, but nothing"),
        (lambda s: [s.pop(name) for name in list(s) if ".h.0." in name], "holds 0 blocks"),
    ],
)
def test_tensors_that_do_not_fit_are_named_with_what_was_expected(tmp_path, change, message):
    result = outcome(saved(tmp_path, change))
    assert message in result
    assert "model.safetensors" in result


def test_many_problems_are_counted_in_one_error(tmp_path):
    result = outcome(saved(tmp_path, lambda s: [s.pop(name) for name in list(s) if "ln_" in name]))
    assert result.count("is missing") == 3
    assert "and 3 more" in result


@pytest.mark.parametrize("layout", ["openai", "huggingface", "bin", "run"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_names_its_tensor_and_place(tmp_path, layout, value, monkeypatch):
    monkeypatch.setattr(writers, "fault_of", lambda array, dtype: "")  # which refuses to save such a model
    model = numpy_gpt.GPTModel(TINY)
    model.h[0].mlp.c_fc.weight.data[5, 2] = value
    if layout == "run":
        tensors = {f"model.{key}": array for key, array in model.state_dict().items()}
        save_tensors(tmp_path / "last.safetensors", tensors, {"config": TINY.to_dict()})
    else:
        weights.save_gpt2(model, tmp_path, "openai" if layout == "openai" else "huggingface")
    if layout == "bin":
        from safetensors.torch import load_file

        torch.save(load_file(tmp_path / "model.safetensors"), tmp_path / "pytorch_model.bin")
        os.remove(tmp_path / "model.safetensors")
    for load in TWINS:
        result = outcome(tmp_path, load)
        assert "c_fc" in result
        assert f"holds {value} at [5, 2] (read as float32)" in result


def test_a_number_too_large_for_the_dtype_is_no_weight(tmp_path):
    model = numpy_gpt.GPTModel(TINY, dtype=np.float64)
    model.wpe.weight.data[1, 3] = 1e300
    weights.save_gpt2(model, tmp_path)
    assert weights.load_gpt2(tmp_path, np.float64).wpe.weight.data[1, 3] == 1e300
    assert "wpe.weight holds inf at [1, 3] (read as float32)" in outcome(tmp_path)


def test_a_large_finite_weight_is_a_weight(tmp_path):
    """The sum of these is infinite, none of them is."""
    model = numpy_gpt.GPTModel(TINY)
    model.wpe.weight.data[...] = 3e38
    weights.save_gpt2(model, tmp_path)
    assert (weights.load_gpt2(tmp_path).wpe.weight.data == np.float32(3e38)).all()


# Pickles with code in them.


class Payload:
    """Unpickled by a careless reader, it makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "before 2020"])
@pytest.mark.parametrize("where", ["as the file", "among the tensors", "plain pickle"])
def test_a_pickle_with_code_in_it_is_refused_and_not_run(tmp_path, where, legacy):
    marker = tmp_path / "was here"
    lay(tmp_path, "bin")
    path, payload = tmp_path / "pytorch_model.bin", Payload(marker)
    if where == "plain pickle":
        path.write_bytes(pickle.dumps({"wte.weight": payload}))
    else:
        value = payload if where == "as the file" else {"wte.weight": payload, "wpe.weight": torch.ones(2)}
        torch.save(value, path, _use_new_zipfile_serialization=not legacy)
    for load in TWINS:
        assert "or could run code (" in (result := outcome(tmp_path, load))
        assert "refused; fetch the model as .safetensors" in result
    assert not marker.exists()


@pytest.mark.parametrize("value", [[torch.ones(2)], {"model": {"wte.weight": torch.ones(2)}}, {1: torch.ones(2)}, 7])
def test_a_pickle_of_something_else_is_refused(tmp_path, value):
    lay(tmp_path, "bin")
    torch.save(value, tmp_path / "pytorch_model.bin")
    assert "save model.state_dict()" in outcome(tmp_path)


def test_without_torch_a_pickle_says_what_it_takes(tmp_path, monkeypatch):
    lay(tmp_path, "bin")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(
        ImportError, match=r"pytorch_model\.bin is a pickle .*pip install 'numpy-gpt\[torch\]'.*safetensors"
    ):
        weights.load_gpt2(tmp_path)


# Paths.


def test_a_path_that_is_not_there_says_so(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nothing is no file and no folder; .* gpt2, gpt2-medium"):
        weights.load_gpt2(tmp_path / "nothing")


def test_an_empty_folder_says_what_is_expected(tmp_path):
    (tmp_path / "notes.txt").write_text("hello", encoding="utf-8")
    with pytest.raises(FileNotFoundError, match=r"holds no weights; expected is one of: .*model\.safetensors"):
        weights.load_gpt2(tmp_path)


def test_a_folder_with_several_models_asks_which(tmp_path):
    lay(tmp_path, "huggingface")
    lay(tmp_path, "openai")
    with pytest.raises(CheckpointError, match=r"holds several models \(.*model\.safetensors.*\); name one"):
        weights.load_gpt2(tmp_path)
    lay(tmp_path, "bin")
    for name in ("model.safetensors", "pytorch_model.bin", "model.ckpt"):
        assert weights.load_gpt2(tmp_path / name).config == TINY


def test_a_clone_of_a_hub_repository_loads_its_safetensors(tmp_path):
    """As transformers does; and inspect says so."""
    lay(tmp_path, "bin")
    lay(tmp_path, "huggingface")
    assert outcome(tmp_path) == "whole"
    with open_checkpoint(tmp_path) as opened:
        assert opened.path.name == "model.safetensors"
        assert opened.notes == ["pytorch_model.bin beside it was not read; safetensors come first, as in transformers"]
    (tmp_path / "other.safetensors").write_bytes(b"x")
    with pytest.raises(CheckpointError, match="holds several models"):
        weights.load_gpt2(tmp_path)


def test_several_checkpoints_of_tensorflow_need_a_pointer(tmp_path):
    lay(tmp_path, "openai")
    for ending in ("index", "data-00000-of-00001"):
        (tmp_path / f"other.ckpt.{ending}").write_bytes((tmp_path / f"model.ckpt.{ending}").read_bytes())
    assert weights.load_gpt2(tmp_path).config == TINY
    (tmp_path / "checkpoint").unlink()
    with pytest.raises(
        CheckpointError, match=r"several checkpoints \(model\.ckpt, other\.ckpt\) and no file `checkpoint`"
    ):
        weights.load_gpt2(tmp_path)
    (tmp_path / "checkpoint").write_text("hello", encoding="utf-8")
    with pytest.raises(CheckpointError, match="has no line model_checkpoint_path"):
        weights.load_gpt2(tmp_path)
    (tmp_path / "checkpoint").write_text('model_checkpoint_path: "third.ckpt"', encoding="utf-8")
    with pytest.raises(FileNotFoundError, match=r"checkpoint names 'third\.ckpt', but 'third\.ckpt\.index' is not"):
        weights.load_gpt2(tmp_path)


@pytest.mark.parametrize(
    ("index", "message"),
    [
        ({"weight_map": {"wte.weight": "../../etc/passwd"}}, "'../../etc/passwd', which does not lie beside it"),
        ({"weight_map": {"wte.weight": "gone.safetensors"}}, "'gone.safetensors', which does not lie beside it"),
        ({"weight_map": {"what": "model-00001-of-00001.safetensors"}}, "looks for 'what' in"),
        ({"weight_map": ["wte.weight"]}, "'weight_map' is a list of 1, where an object"),
        ({"weight_map": {"wte.weight": 3}}, "'weight_map' is an object of 1, where an object"),
        ({"weight_map": {"wte.weight": "a" * 100_000}}, "which does not lie beside it"),
        ({"weight_map": {"wte.weight": "a\0b"}}, "which does not lie beside it"),
        ({"weight_map": {"w" * 100_000: "model-00001-of-00001.safetensors"}}, "which lacks it"),
        ({}, "no key 'weight_map'"),
        ([], "a JSON list where an object is expected"),
    ],
)
def test_an_index_of_shards_that_lies(tmp_path, index, message):
    lay(tmp_path, "huggingface")
    os.rename(tmp_path / "model.safetensors", tmp_path / "model-00001-of-00001.safetensors")
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    assert message in outcome(tmp_path)


def test_a_name_that_says_nothing_lists_the_forms(tmp_path):
    (tmp_path / "weights.h5").write_bytes(b"x")
    with pytest.raises(
        CheckpointError, match=r"weights\.h5 has a name that says nothing about its format; known are: "
    ):
        weights.load_gpt2(tmp_path / "weights.h5")


def test_json_that_is_no_config(tmp_path):
    for text in (b"", b"{", b"[]", b"\xff", b"[" * 99_999, b'{"n_embd": ' + b"9" * 5000 + b"}"):
        lay(tmp_path, "huggingface", config_json=text)
        assert "config.json" in outcome(tmp_path)


@pytest.mark.parametrize("layout", ["openai", "huggingface"])
def test_a_file_that_shrinks_after_it_was_opened_is_an_error(tmp_path, layout):
    with open_checkpoint(lay(tmp_path, layout)) as opened:
        key, last = max(opened.tensors.items(), key=lambda item: item[1].offset)
        os.truncate(last.file, last.offset + last.nbytes - 3)
        with pytest.raises(CheckpointError, match=f"ends after {last.nbytes - 3} of {last.nbytes} bytes"):
            opened.read(key, np.float32)


def test_nothing_stays_open_after_an_error(tmp_path):
    """Python warns when it has to close a file that nobody closed."""
    folders = [lay(tmp_path / layout, layout) for layout in ("openai", "huggingface", "bin", "bin before 2020")]
    shards = lay(tmp_path / "shards", "huggingface")
    os.rename(shards / "model.safetensors", shards / "model-00001-of-00001.safetensors")
    index = {"weight_map": {WTE: "model-00001-of-00001.safetensors", "gone": "gone.safetensors"}}
    (shards / "model.safetensors.index.json").write_text(json.dumps(index), encoding="utf-8")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for folder in [*folders, shards]:
            for damage in ("config", "weights"):
                if damage == "weights" and folder != shards:
                    name = WEIGHTS[folder.name.split()[0]]
                    (folder / name).write_bytes(good_files(folder.name)[name][:-9])
                elif damage == "config":
                    (folder / ("hparams.json" if folder.name == "openai" else "config.json")).write_text("{", "utf-8")
                with pytest.raises(CheckpointError if folder != shards else (CheckpointError, FileNotFoundError)):
                    weights.load_gpt2(folder)
                gc.collect()
    assert not [str(warning.message) for warning in caught if issubclass(warning.category, ResourceWarning)]


# Runs.


def test_a_runs_file_that_is_none_is_refused(tmp_path):
    lay(tmp_path, "huggingface")
    with pytest.raises(CheckpointError, match="was not saved by a run of this project; load it with load_gpt2"):
        load_tensors(tmp_path / "model.safetensors")
    save_tensors(tmp_path / "last.safetensors", {"model.wte.weight": np.ones((3, 4))}, {"step": 3})
    with pytest.raises(CheckpointError, match="does not hold the model's config"):
        open_checkpoint(tmp_path / "last.safetensors")
    save_tensors(tmp_path / "last.safetensors", {"model.wte.weight": np.ones((3, 4))}, {"config": {"depth": 3}})
    with pytest.raises(CheckpointError, match="depth"):
        open_checkpoint(tmp_path / "last.safetensors")


def test_contents_can_be_listed_even_where_they_do_not_fit(tmp_path):
    saved(tmp_path, lambda s: s.update(extra=np.ones(3, np.float32)))
    contents = open_contents(tmp_path / "model.safetensors")
    assert contents.unexpected == ["extra"]
    contents.file.close()
