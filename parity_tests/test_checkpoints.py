"""GPT-2's weights from every file they come in: written by transformers, PyTorch and TensorFlow, loaded into both twins,
the logits held against the programs that wrote them; and saved for those programs to load."""

import json
import os
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings

import numpy_gpt
from numpy_gpt import GPTConfig, weights
from parity_tests.checkpoint_files import (
    DEEP,
    deep_model,
    openai_logits,
    some_ids,
    transformers_logits,
    transformers_model,
    write_openai,
)
from parity_tests.optional import tf
from parity_tests.report.measure import FLOAT64, assert_all_close, assert_close, random_state, relative_error
from parity_tests.strategies import configs, seeds
from shared_gpt.checkpoints import CheckpointError, checkpoint, convert, fitting, names, open_checkpoint, stored
from shared_gpt.checkpoints.writers import save_checkpoint
from torch_gpt import weights as torch_weights

IDS = some_ids(DEEP)


def numpy_logits(source, ids: np.ndarray, dtype=np.float64) -> np.ndarray:
    with numpy_gpt.no_grad():
        return weights.load_gpt2(source, dtype)(ids)


def torch_logits(source, ids: np.ndarray, dtype=torch.float64) -> np.ndarray:
    with torch.no_grad():
        return torch_weights.load_gpt2(source, dtype)(torch.from_numpy(ids)).numpy()


def assert_loads(source, model, ids: np.ndarray) -> None:
    """Both twins, from the same file, give the logits of the transformers model that it came from."""
    expected = transformers_logits(model, ids)
    assert_close(numpy_logits(source, ids), expected, FLOAT64)
    assert_close(torch_logits(source, ids), expected, FLOAT64)


# What programs write: each writer gets a folder and gives what to load.


def openai(folder: Path) -> Path:
    return write_openai(folder, deep_model())


def openai_with_meta_and_vocabulary(folder: Path) -> Path:
    write_openai(folder, deep_model())
    for name in ("model.ckpt.meta", "encoder.json", "vocab.bpe"):
        (folder / name).write_bytes(b"{}")
    return folder


def openai_without_pointer(folder: Path) -> Path:
    write_openai(folder, deep_model())
    (folder / "checkpoint").unlink()
    return folder


def openai_pointer_of_another_machine(folder: Path) -> Path:
    write_openai(folder, deep_model())
    (folder / "checkpoint").write_text('model_checkpoint_path: "/root/run1/model.ckpt"\n', encoding="utf-8")
    return folder


def openai_after_training(folder: Path) -> Path:
    extra = {"model/h0/attn/c_attn/w/Adam": np.ones(3), "beta1_power": np.float32(0.9), "global_step": np.int64(7)}
    return write_openai(folder, deep_model(), **extra)


def openai_prefix(folder: Path) -> str:
    return f"{write_openai(folder, deep_model())}/model.ckpt"


def openai_index(folder: Path) -> Path:
    return write_openai(folder, deep_model()) / "model.ckpt.index"


def transformers_folder(folder: Path) -> Path:
    deep_model().save_pretrained(folder)
    return folder


def transformers_file(folder: Path) -> str:
    deep_model().save_pretrained(folder)
    return str(folder / "model.safetensors")


def transformers_shards(folder: Path) -> Path:
    deep_model().save_pretrained(folder, max_shard_size="20KB")
    assert len(list(folder.glob("model-*-of-*.safetensors"))) > 5
    return folder


def transformers_without_prefix(folder: Path) -> Path:
    deep_model().transformer.save_pretrained(folder)
    return folder


def old_names(state: dict) -> dict:
    """As files of before 2023 hold them: with the mask's buffers, and the head beside the embedding that it equals."""
    mask = torch.tril(torch.ones(DEEP.context_length, DEEP.context_length)).view(1, 1, *[DEEP.context_length] * 2)
    for i in range(DEEP.n_layers):
        state[f"transformer.h.{i}.attn.bias"] = mask.clone()
        state[f"transformer.h.{i}.attn.masked_bias"] = torch.tensor(-1e4)
    return state


def safetensors_with_buffers_and_head(folder: Path) -> Path:
    from safetensors.torch import save_file

    deep_model().save_pretrained(folder)
    state = {name: tensor.clone() for name, tensor in deep_model().state_dict().items()}
    assert "lm_head.weight" in state
    save_file(old_names(state), folder / "model.safetensors", metadata={"format": "pt"})
    return folder


def old_config(folder: Path) -> Path:
    """The dialect of 2019: n_ctx beside n_positions, no tie_word_embeddings, no activation_function."""
    deep_model().save_pretrained(folder)
    sizes = {"n_ctx": 11, "n_positions": 11, "n_embd": 12, "n_head": 3, "n_layer": 13, "vocab_size": 31}
    rest = {"initializer_range": 0.02, "layer_norm_epsilon": 1e-05, "architectures": ["GPT2LMHeadModel"]}
    (folder / "config.json").write_text(json.dumps(sizes | rest), encoding="utf-8")
    return folder


def config_with_n_ctx_alone(folder: Path) -> Path:
    old_config(folder)
    stated = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    del stated["n_positions"]
    (folder / "config.json").write_text(json.dumps(stated), encoding="utf-8")
    return folder


def pytorch_bin(folder: Path, **options) -> Path:
    deep_model().config.save_pretrained(folder)
    torch.save(old_names(dict(deep_model().state_dict())), folder / "pytorch_model.bin", **options)
    return folder


def pytorch_bin_of_before_2020(folder: Path) -> Path:
    return pytorch_bin(folder, _use_new_zipfile_serialization=False)


def pytorch_shards(folder: Path) -> Path:
    deep_model().config.save_pretrained(folder)
    state = dict(deep_model().transformer.state_dict())
    parts = {"pytorch_model-00001-of-00002.bin": list(state)[:50], "pytorch_model-00002-of-00002.bin": list(state)[50:]}
    for part, keys in parts.items():
        torch.save({key: state[key].clone() for key in keys}, folder / part)
    weight_map = {key: part for part, keys in parts.items() for key in keys}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"weight_map": weight_map}), encoding="utf-8")
    return folder


def state_dict_file(folder: Path) -> Path:
    deep_model().config.save_pretrained(folder)
    torch.save(deep_model().state_dict(), folder / "my_model.pt")
    return folder / "my_model.pt"


def run_of_this_project(folder: Path) -> Path:
    """By way of Hugging Face's files: what a run saves is held against another program, too."""
    from shared_gpt.checkpoints import save_tensors

    model = weights.load_gpt2(transformers_folder(folder / "source"), np.float64)
    tensors = {f"model.{key}": array for key, array in model.state_dict().items()}
    tensors |= {"optimizer.m.wte.weight": np.zeros(3), "optimizer.v.wte.weight": np.zeros(3)}
    save_tensors(folder / "last.safetensors", tensors, {"config": model.config.to_dict(), "step": 7})
    return folder


WRITERS = [
    openai,
    openai_with_meta_and_vocabulary,
    openai_without_pointer,
    openai_pointer_of_another_machine,
    openai_after_training,
    openai_prefix,
    openai_index,
    transformers_folder,
    transformers_file,
    transformers_shards,
    transformers_without_prefix,
    safetensors_with_buffers_and_head,
    old_config,
    config_with_n_ctx_alone,
    pytorch_bin,
    pytorch_bin_of_before_2020,
    pytorch_shards,
    state_dict_file,
    run_of_this_project,
]


@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
def test_both_twins_give_the_logits_of_the_program_that_wrote_the_file(tmp_path, write):
    """13 blocks: where names are sorted as text, h10 comes before h2."""
    assert_loads(write(tmp_path), deep_model(), IDS)


def test_openais_network_in_tensorflow_agrees(tmp_path):
    """The variables as TensorFlow reads them, through OpenAI's convolutions: no table of names in between."""
    folder = write_openai(tmp_path, deep_model())
    expected = openai_logits(folder, IDS)
    assert_close(transformers_logits(deep_model(), IDS), expected, FLOAT64)
    assert_close(numpy_logits(folder, IDS), expected, FLOAT64)
    assert_close(torch_logits(folder, IDS), expected, FLOAT64)


@settings(max_examples=10)
@given(configs(qkv_bias=True), seeds)
def test_any_size_from_transformers_and_back(tmp_path_factory, config, seed):
    """Sizes, tied or not: transformers writes and both twins load; each twin writes and transformers loads."""
    from transformers import GPT2LMHeadModel

    folder = tmp_path_factory.mktemp("any")
    model, ids = transformers_model(config, seed), some_ids(config, seed)
    model.save_pretrained(folder / "theirs")
    assert_loads(folder / "theirs", model, ids)
    weights.save_gpt2(weights.load_gpt2(folder / "theirs", np.float64), folder / "ours")
    theirs, ours = (json.loads((folder / name / "config.json").read_text("utf-8")) for name in ("theirs", "ours"))
    differing = {key for key in theirs.keys() & ours.keys() if theirs[key] != ours[key]}
    assert differing <= {"bos_token_id", "eos_token_id"}
    assert {"tie_word_embeddings", "n_head", "activation_function", "layer_norm_epsilon"} <= theirs.keys() & ours.keys()
    loaded = GPT2LMHeadModel.from_pretrained(folder / "ours", dtype=torch.float64).eval()
    assert_close(transformers_logits(loaded, ids), transformers_logits(model, ids), 1e-13)
    torch_weights.save_gpt2(torch_weights.load_gpt2(folder / "ours", torch.float64), folder / "twin's")
    assert (folder / "twin's" / "model.safetensors").read_bytes() == (
        folder / "ours" / "model.safetensors"
    ).read_bytes()


@settings(max_examples=10)
@given(configs(qkv_bias=True, tie_embeddings=True), seeds)
def test_any_size_from_openais_files(tmp_path_factory, config, seed):
    folder = write_openai(tmp_path_factory.mktemp("any"), model := transformers_model(config, seed))
    assert_loads(folder, model, some_ids(config, seed))


@settings(max_examples=15)
@given(configs(), seeds)
def test_round_trips_are_exact_between_the_twins_in_every_layout(tmp_path_factory, config, seed):
    """Every bit, in float32 and float64; also without bias for q, k and v, which those files have no way to leave out."""
    folder = tmp_path_factory.mktemp("round")
    for name in ("float32", "float64"):
        model = numpy_gpt.GPTModel(config, dtype=getattr(np, name))
        model.load_state_dict(random_state(model.state_dict(), seed))
        for layout in ("huggingface", "openai") if config.tie_embeddings else ("huggingface",):
            weights.save_gpt2(model, folder / layout / name, layout)
            twin = torch_weights.load_gpt2(folder / layout / name, getattr(torch, name))
            torch_weights.save_gpt2(twin, folder / layout / f"{name} again", layout)
            again = weights.load_gpt2(folder / layout / f"{name} again", getattr(np, name))
            if layout == "huggingface":
                assert again.config == twin.config == config
            expected = model.state_dict()
            assert all(again.state_dict()[key].tobytes() == expected[key].tobytes() for key in expected)
            assert not any(array.any() for key, array in again.state_dict().items() if key not in expected)


def test_openais_saver_restores_what_is_saved_here(tmp_path):
    """The variables of OpenAI's graph, restored as its program does it, from the folder's latest checkpoint."""
    from parity_tests.checkpoint_files import openai_variables

    model = weights.load_gpt2(write_openai(tmp_path / "theirs", deep_model()), np.float32)
    weights.save_gpt2(model, tmp_path / "ours", "openai")
    assert sorted(path.name for path in (tmp_path / "ours").iterdir()) == [
        "checkpoint",
        "hparams.json",
        "model.ckpt.data-00000-of-00001",
        "model.ckpt.index",
    ]
    expected = openai_variables(deep_model())
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        for name, array in expected.items():
            tf.compat.v1.get_variable(name, array.shape, tf.float32)
        tf.compat.v1.train.Saver().restore(session, tf.train.latest_checkpoint(str(tmp_path / "ours")))
        restored = {v.op.name: session.run(v) for v in tf.compat.v1.global_variables()}
    assert all(np.array_equal(restored[name], expected[name].astype(np.float32)) for name in expected)
    stated = json.loads((tmp_path / "ours" / "hparams.json").read_text(encoding="utf-8"))
    assert stated == {"n_vocab": 31, "n_ctx": 11, "n_embd": 12, "n_head": 3, "n_layer": 13}


TRANSPOSED = [row[0] for row in names.ROWS if row[3] == "yes"]


@pytest.mark.parametrize("layout", ["openai", "huggingface"])
@pytest.mark.parametrize("skipped", TRANSPOSED)
def test_a_skipped_transposition_is_caught(tmp_path, monkeypatch, skipped, layout):
    """Planted: the table forgets one "yes". Three weights are not square and do not fit; attn.c_proj does fit, and only
    the logits tell: they are far off."""
    assert len(TRANSPOSED) == 4
    source = openai(tmp_path) if layout == "openai" else transformers_folder(tmp_path)
    rows = [[*row[:3], "no", row[4]] if row[0] == skipped else row for row in names.ROWS]
    monkeypatch.setattr(names, "ROWS", rows)
    if "attn.c_proj" in skipped and layout == "huggingface":
        for logits in (numpy_logits(source, IDS), torch_logits(source, IDS)):
            assert relative_error(logits, transformers_logits(deep_model(), IDS)) > 0.01
    else:
        with pytest.raises(CheckpointError, match=r"h\W?0\W.*instead of"):
            weights.load_gpt2(source)


@pytest.mark.parametrize("write", [openai, transformers_folder, pytorch_bin], ids=lambda write: write.__name__)
def test_a_transposition_by_shape_is_caught(tmp_path, monkeypatch, write):
    """Planted: transpose where the shapes differ, which leaves the square attn.c_proj as it lies in the file."""

    def by_shape(destination, reader, tensor, transposed=False):
        stored.copy_into(destination, reader, tensor, destination.shape != tensor.shape[-destination.ndim :])

    monkeypatch.setattr(checkpoint, "copy_into", by_shape)
    source, expected = write(tmp_path), transformers_logits(deep_model(), IDS)
    assert relative_error(numpy_logits(source, IDS), expected) > 0.01
    assert relative_error(torch_logits(source, IDS), expected) > 0.01


# What a config may leave out or say differently.


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_narrower_numbers_are_widened_exactly(tmp_path, dtype):
    from safetensors.torch import save_file

    deep_model().config.save_pretrained(tmp_path)
    narrow = {key: tensor.to(getattr(torch, dtype)) for key, tensor in deep_model().transformer.state_dict().items()}
    save_file(narrow, tmp_path / "model.safetensors")
    c_fc = narrow["h.12.mlp.c_fc.weight"].double().numpy().T
    for wide in (np.float32, np.float64):
        assert np.array_equal(weights.load_gpt2(tmp_path, wide).h[12].mlp.c_fc.weight.data, c_fc.astype(wide))


def test_a_file_alone_says_its_sizes_but_not_its_heads(tmp_path, monkeypatch):
    source = Path(transformers_file(tmp_path))
    (tmp_path / "config.json").unlink()
    with pytest.raises(CheckpointError, match=r"config\.json does not say how many attention heads .*n_head"):
        weights.load_gpt2(source)
    known = {"gpt2-tiny": {"emb_dim": 12, "n_heads": 3, "n_layers": 13}}
    monkeypatch.setattr(fitting, "GPT2_SIZES", known)  # the four real sizes are too large for a test
    with open_checkpoint(source) as opened:
        assert opened.notes == [f"3 heads, as in GPT-2 of this width; {tmp_path / 'config.json'} does not say"]
    assert_loads(source, deep_model(), IDS)


def test_a_head_is_tied_or_not_by_the_config_or_else_by_comparing(tmp_path):
    from safetensors.torch import save_file

    model = transformers_model(DEEP.replace(tie_embeddings=False))
    model.save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    state = dict(model.state_dict())
    equal = state | {"lm_head.weight": state["transformer.wte.weight"].clone()}
    for stated, tensors, tied in [
        (False, state, False),
        (False, equal, False),
        (None, state, False),
        (None, equal, True),
        (True, equal, True),
        (True, state, "refused"),
    ]:
        save_file(tensors, tmp_path / "model.safetensors")
        said = {key: value for key, value in config.items() if key != "tie_word_embeddings"}
        said |= {} if stated is None else {"tie_word_embeddings": stated}
        (tmp_path / "config.json").write_text(json.dumps(said), encoding="utf-8")
        if tied == "refused":
            with pytest.raises(
                CheckpointError, match=r"lm_head\.weight differs from transformer\.wte\.weight, but .*tied"
            ):
                weights.load_gpt2(tmp_path)
        else:
            loaded = weights.load_gpt2(tmp_path, np.float64)
            assert loaded.config.tie_embeddings is tied
            assert ("lm_head.weight" in loaded.state_dict()) is not tied
            assert np.array_equal(loaded.lm_head.weight.data, tensors["lm_head.weight"].numpy())


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("activation_function", "gelu"),
        ("layer_norm_epsilon", 1e-6),
        ("n_inner", 17),
        ("scale_attn_weights", False),
        ("scale_attn_by_inverse_layer_idx", True),
        ("add_cross_attention", True),
        ("model_type", "gpt_neo"),
        ("n_head", 5),
        ("n_embd", "12"),
        ("n_layer", 10**12),
        ("n_layer", 12),
        ("vocab_size", 10**15),
        ("n_positions", 12),
        ("resid_pdrop", None),
    ],
)
def test_a_config_of_another_model_is_refused_by_its_name(tmp_path, key, value):
    transformers_folder(tmp_path)
    stated = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    (tmp_path / "config.json").write_text(json.dumps(stated | {key: value}), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"config\.json") as caught:
        weights.load_gpt2(tmp_path)
    assert str(value) in str(caught.value)


def test_a_context_that_only_n_ctx_states_is_held_against_the_tensors(tmp_path):
    config_with_n_ctx_alone(tmp_path)
    text = (tmp_path / "config.json").read_text(encoding="utf-8")
    (tmp_path / "config.json").write_text(text.replace('"n_ctx": 11', '"n_ctx": 13'), encoding="utf-8")
    with pytest.raises(CheckpointError, match=r"wpe\.weight is \(11, 12\) instead of \(13, 12\)"):
        weights.load_gpt2(tmp_path)


def test_different_rates_of_dropout_are_noted(tmp_path):
    transformers_folder(tmp_path)
    stated = json.loads((tmp_path / "config.json").read_text(encoding="utf-8"))
    (tmp_path / "config.json").write_text(json.dumps(stated | {"resid_pdrop": 0.3}), encoding="utf-8")
    with open_checkpoint(tmp_path) as opened:
        assert opened.config.drop_rate == 0.3
        assert "three rates of dropout" in opened.notes[0]


# Memory, and what loading leaves.


@pytest.mark.parametrize("layout", ["openai", "huggingface"])
def test_no_second_copy_is_held_while_loading(tmp_path, layout):
    """Peak of all that Python and NumPy allocate, for a model of 37 MB: its own bytes and 3 MB at most."""
    config = GPTConfig(vocab_size=5000, context_length=64, emb_dim=256, n_heads=4, n_layers=10)
    model = numpy_gpt.GPTModel(config)
    weights.save_gpt2(model, tmp_path, layout)
    size = sum(array.nbytes for array in model.state_dict().values())
    weights.load_gpt2(tmp_path)  # what is imported or built once
    tracemalloc.start()
    try:
        loaded = weights.load_gpt2(tmp_path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    head = 4 * config.vocab_size * config.emb_dim  # made and let go by GPTModel, never touched
    assert size < peak < size + head + 3e6
    assert_all_close(loaded.state_dict(), model.state_dict(), 0)


@pytest.mark.parametrize("write", [openai, transformers_folder, transformers_shards], ids=lambda write: write.__name__)
def test_models_come_back_in_evaluation_mode_and_files_closed(tmp_path, write):
    source = write(tmp_path)
    assert not weights.load_gpt2(source).training
    assert not torch_weights.load_gpt2(source).training
    with open_checkpoint(source) as opened:
        opened.read("wte.weight", np.float32)
    with pytest.raises(ValueError, match="closed file"):
        opened.read("wte.weight", np.float32)


# Saving.


def test_a_head_of_its_own_has_no_place_in_openais_layout(tmp_path):
    model = numpy_gpt.GPTModel(DEEP.replace(tie_embeddings=False))
    with pytest.raises(ValueError, match="no place for a head of its own; save with layout='huggingface'"):
        weights.save_gpt2(model, tmp_path / "new", "openai")
    assert not (tmp_path / "new").exists()


def test_saving_again_replaces_and_another_layout_is_refused(tmp_path):
    first, second = (numpy_gpt.GPTModel(DEEP, np.random.default_rng(seed)) for seed in (1, 2))
    weights.save_gpt2(first, tmp_path)
    weights.save_gpt2(second, tmp_path)
    assert_all_close(weights.load_gpt2(tmp_path).state_dict(), second.state_dict(), 0)
    with pytest.raises(ValueError, match=r"already holds model\.safetensors; save into another folder"):
        weights.save_gpt2(first, tmp_path, "openai")
    with pytest.raises(ValueError, match="no layout 'gguf'; choose one of huggingface, openai"):
        weights.save_gpt2(first, tmp_path / "x", "gguf")


@pytest.mark.parametrize("layout", ["openai", "huggingface"])
def test_saving_that_breaks_off_leaves_what_was_there(tmp_path, layout):
    model = numpy_gpt.GPTModel(DEEP)
    weights.save_gpt2(model, tmp_path / "old", layout)

    class Broken(dict):
        def __getitem__(self, key):
            if key == "h.7.mlp.c_fc.weight":
                raise OSError(28, "No space left on device")
            return super().__getitem__(key)

    before = {path.name: path.read_bytes() for path in (tmp_path / "old").iterdir()}
    for folder in ("old", "new"):
        with pytest.raises(OSError, match=f"No space left on device.*{folder}"):
            save_checkpoint(tmp_path / folder, DEEP, Broken(model.state_dict()), layout)
    assert {path.name: path.read_bytes() for path in (tmp_path / "old").iterdir()} == before
    assert not (tmp_path / "new").exists()


def test_adapters_and_missing_tensors_are_not_dropped_in_silence(tmp_path):
    state = numpy_gpt.GPTModel(DEEP).state_dict()
    with pytest.raises(ValueError, match=r"no place for h\.0\.attn\.c_attn\.lora_A; merge adapters"):
        save_checkpoint(tmp_path, DEEP, state | {"h.0.attn.c_attn.lora_A": np.ones((2, 12))})
    del state["h.3.ln_2.bias"]
    with pytest.raises(ValueError, match=r"lacks h\.3\.ln_2\.bias"):
        save_checkpoint(tmp_path, DEEP, state)
    assert not os.listdir(tmp_path)


# Runs.


def test_a_runs_state_comes_back_bit_by_bit(tmp_path):
    from shared_gpt.checkpoints import load_tensors, save_tensors

    rng = np.random.default_rng(0)
    tensors = {
        "model.x": rng.standard_normal((3, 5)),
        "optimizer.m.x": np.array([1e-45, 3.4e38, -0.0], np.float32),
        "order": rng.integers(0, 99, 7),
        "flags": np.array([True, False]),
        "one": np.array(3.5),
        "none": np.zeros((0, 4), np.float16),
        "turned": rng.standard_normal((3, 5)).T,
    }
    metadata = {"config": {"emb_dim": 12}, "rng": rng.bit_generator.state, "step": 7, "name": "naïve ☃", "null": None}
    save_tensors(tmp_path / "last.safetensors", tensors, metadata)
    loaded, stated = load_tensors(tmp_path / "last.safetensors")
    assert stated == metadata
    assert loaded.keys() == tensors.keys()
    for name, array in tensors.items():
        assert (loaded[name].dtype, loaded[name].shape, loaded[name].tobytes()) == (
            array.dtype,
            array.shape,
            array.tobytes(),
        )
    again = np.random.default_rng()
    again.bit_generator.state = stated["rng"]
    assert again.random() == rng.random()
    assert os.listdir(tmp_path) == ["last.safetensors"]


def test_the_library_reads_a_runs_file(tmp_path):
    from safetensors.numpy import load_file

    from shared_gpt.checkpoints import save_tensors

    arrays = {"a": np.arange(3, dtype=np.int8), "b": np.arange(6.0).reshape(2, 3)}
    save_tensors(tmp_path / "x.safetensors", arrays, {})
    loaded = load_file(tmp_path / "x.safetensors")
    assert all(
        np.array_equal(loaded[name], arrays[name]) and loaded[name].dtype == arrays[name].dtype for name in arrays
    )


def test_load_run_takes_the_best_in_its_own_dtype(tmp_path):
    from shared_gpt.checkpoints import save_tensors

    for name, seed in [("last", 1), ("best", 2)]:
        model = numpy_gpt.GPTModel(DEEP, np.random.default_rng(seed), np.float64)
        tensors = {f"model.{key}": array for key, array in model.state_dict().items()}
        save_tensors(tmp_path / f"{name}.safetensors", tensors, {"config": DEEP.to_dict()})
        loaded = weights.load_run(tmp_path)
        assert_all_close(loaded.state_dict(), model.state_dict(), 0)
        assert loaded.wte.weight.data.dtype == np.float64
        assert torch_weights.load_run(tmp_path).wte.weight.dtype == torch.float64
    with pytest.raises(CheckpointError, match="no run of this project; load it with load_gpt2"):
        torch_weights.load_run(transformers_folder(tmp_path / "theirs"))


def test_metadata_that_json_cannot_say_is_refused_before_a_file_is_touched(tmp_path):
    from shared_gpt.checkpoints import save_tensors

    for metadata in ({"rng": np.random.default_rng()}, {"loss": float("nan")}):
        with pytest.raises(ValueError, match=r"metadata for .* cannot be written as JSON"):
            save_tensors(tmp_path / "last.safetensors", {}, metadata)
    assert not os.listdir(tmp_path)


# Conversion.


def test_conversion_keeps_every_bit_and_brings_the_vocabulary(tmp_path):
    write_openai(tmp_path / "openai", deep_model())
    (tmp_path / "openai" / "encoder.json").write_bytes(b'{"a": 0}')
    (tmp_path / "openai" / "vocab.bpe").write_bytes(b"#version: 0.2\n")
    files = convert.convert(tmp_path / "openai", tmp_path / "hf", "huggingface")
    assert files == ["config.json", "merges.txt", "model.safetensors", "vocab.json"]
    assert (tmp_path / "hf" / "vocab.json").read_bytes() == b'{"a": 0}'
    convert.convert(tmp_path / "hf", tmp_path / "back", "openai")
    for path in (tmp_path / "openai").iterdir():
        if path.name != "hparams.json":
            assert (tmp_path / "back" / path.name).read_bytes() == path.read_bytes(), path.name
    convert.convert(tmp_path / "hf", tmp_path / "half", "huggingface", "float16")
    with open_checkpoint(tmp_path / "half") as opened:
        assert {tensor.dtype for tensor in opened.tensors.values()} == {"float16"}
