"""Numbers that are none: one check, at every door through which weights come in or go out."""

import warnings

import numpy as np
import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import numpy_gpt
import torch_gpt
from numpy_gpt import GPTConfig
from parity_tests.refusals import assert_refused
from parity_tests.report.measure import assert_all_close, to_numpy, twins
from shared_gpt.checkpoints import CheckpointError, load_tensors, save_tensors
from shared_gpt.checkpoints.adapters import WEIGHTS
from shared_gpt.checkpoints.safetensors_file import write_safetensors
from shared_gpt.checks.numbers import LARGEST, fault_of, is_number, is_whole

CONFIG = GPTConfig(vocab_size=11, context_length=5, emb_dim=6, n_heads=3, n_layers=1)
PAIR = [numpy_gpt, torch_gpt]
both = pytest.mark.parametrize("twin", PAIR, ids=["numpy_gpt", "torch_gpt"])


def filled(shape, value) -> np.ndarray:
    """Zeros of the value's kind, and the value in the last place."""
    array = np.zeros(shape, np.asarray(value).dtype)
    array.reshape(-1)[-1] = value
    return array


NO_NUMBERS = {
    "NaN": (np.nan, "holds nan at "),
    "infinity": (np.inf, "holds inf at "),
    "minus infinity": (np.float32(-np.inf), "holds -inf at "),
    "more than float32 holds": (1e300, r"holds 1e\+300 at .*, too large for float32"),
    "complex": (1 + 0j, "is complex128 where floating-point numbers are expected"),
    "booleans": (True, "is bool where"),
    "integers": (7, "is int64 where"),
}
each_kind = pytest.mark.parametrize(("value", "says"), NO_NUMBERS.values(), ids=NO_NUMBERS)


# The check


@given(
    arrays.arrays(
        st.sampled_from([np.float16, np.float32, np.float64]),
        arrays.array_shapes(min_dims=0, min_side=0, max_side=4),
        elements={"allow_nan": True, "allow_infinity": True},
    ),
    st.sampled_from(["float16", "float32", "float64"]),
)
@example(np.full(70_000, 3e38, np.float32), "float32")  # the sum is infinite, no number is
@example(np.array(np.finfo(np.float32).max, np.float64), "float32")
def test_the_fault_is_what_the_copy_would_hold(array, dtype):
    """An array has a fault exactly if its copy in the dtype is not finite, or would not be but for rounding."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        faults = fault_of(array, dtype), fault_of(torch.from_numpy(array.copy()), dtype)
    assert faults[0] == faults[1]
    with np.errstate(over="ignore"):
        fits = bool(np.all(np.abs(array.astype(np.float64)) <= float(np.finfo(dtype).max)))
    assert (faults[0] == "") == fits


def test_the_largest_numbers():
    for dtype, largest in LARGEST.items():
        assert torch.finfo(getattr(torch, dtype)).max == largest


def test_numbers_and_whole_numbers():
    numbers = [0, -1, 0.5, np.float32(2), np.int64(3), 10**300]
    assert all(map(is_number, numbers))
    none = [True, "1", None, [1], np.array([1]), 1j, float("nan"), float("-inf"), np.float32("inf"), 10**400]
    assert not any(map(is_number, none))
    assert [is_whole(x, 1) for x in (1, np.int64(7), 10**400)] == [True] * 3
    assert not any(is_whole(x, 1) for x in (0, -1, 1.0, True, "1", None, np.array([2]), torch.tensor(2), float("nan")))


# State dicts


@each_kind
@pytest.mark.parametrize("whose", ["its own", "the other twin's"])
def test_state_dicts(value, says, whose):
    """Nothing is changed, the key is named; and a float64 model takes what float32 could not hold."""
    models = []

    def action(twin, array):
        model = twin.GPTModel(CONFIG)
        models.append((model, {key: to_numpy(array).copy() for key, array in model.state_dict().items()}))
        kind = array if whose == "its own" else {np.asarray: torch.tensor}.get(array, np.asarray)
        model.load_state_dict(model.state_dict() | {"wpe.weight": kind(filled((5, 6), value))})

    assert_refused(action, f"1 differences.*wpe.weight {says}.*nothing was loaded")
    for model, before in models:
        assert_all_close({key: to_numpy(array) for key, array in model.state_dict().items()}, before, 0.0)
    if value == 1e300:
        for twin in PAIR:
            model = twin.GPTModel(CONFIG, dtype=twin.float64)
            model.load_state_dict(model.state_dict() | {"wpe.weight": filled((5, 6), value)})
            assert to_numpy(model.wpe.weight.data)[4, 5] == value


@pytest.mark.usefixtures("no_shape_checks")
def test_state_dicts_of_other_things():
    def load(state):
        return lambda twin, _: twin.Linear(2, 3).load_state_dict(state)

    weights = {"weight": np.zeros((3, 2)), "bias": np.zeros(3)}
    assert_refused(load("model.safetensors"), "The state dict is a str; give arrays by key, as state_dict")
    assert_refused(load(weights | {"bias": [1.0, 2.0, 3.0]}), "bias is a list where an array is expected")
    assert_refused(load(weights | {"bias": np.array(["a", "b", "c"])}), "bias is <U1 where floating-point numbers")
    assert_refused(load({f"x{i}": np.zeros(1) for i in range(300)}), r"302 differences\).*; and 292 more\. Build")


def test_a_state_that_cannot_be_converted_changes_nothing():
    linear = numpy_gpt.Linear(2, 3)
    with pytest.raises(TypeError):  # NumPy has no bfloat16
        linear.load_state_dict({"weight": torch.ones(3, 2), "bias": torch.ones(3, dtype=torch.bfloat16)})
    assert not linear.weight.data.any()


@each_kind
@pytest.mark.parametrize("moment", ["m", "v"])
def test_optimizer_states(value, says, moment):
    def action(twin, _):
        optimizer = twin.AdamW(twin.Linear(2, 3).parameters())
        state = {"steps": 1, "m": [filled((3, 2), 0.0), filled(3, 0.0)], "v": [filled((3, 2), 0.0), filled(3, 0.0)]}
        state[moment][1] = filled(3, value)
        optimizer.load_state_dict(state)

    assert_refused(action, rf"The optimizer state's {moment}\[1\] {says}.*Nothing was loaded")


def test_lora_states():
    def action(twin, array):
        model = twin.GPTModel(CONFIG)
        twin.apply_lora(model, 2, 4.0)
        state = twin.lora_state_dict(model)
        name = next(iter(state))
        twin.load_lora(model, state | {name: array(filled(tuple(state[name].shape), np.nan))})

    assert_refused(action, "lora_A holds nan at ")


# Files


def lora_folder(folder, value):
    """An adapter in whose last matrix the value stands, and a base for it."""
    model = twins(CONFIG, 0, np.float32)[0]
    numpy_gpt.apply_lora(model, 2, 4.0)
    numpy_gpt.save_lora(model, folder)
    state, _ = read_safetensors(folder / WEIGHTS)
    name = list(state)[-1]
    state[name] = filled(state[name].shape, value)
    specs = {key: (array.dtype.name, array.shape) for key, array in state.items()}
    with (folder / WEIGHTS).open("wb") as file:
        write_safetensors(file, specs, state.__getitem__, {"format": "pt"})
    return name


def read_safetensors(path):
    from safetensors.numpy import load_file

    return load_file(path), None


@pytest.mark.parametrize("kind", [kind for kind in NO_NUMBERS if kind != "complex"])  # which safetensors cannot hold
def test_adapters(kind, tmp_path):
    """The file and the tensor are named, and the model has no branches afterwards."""
    value, says = NO_NUMBERS[kind]
    name = lora_folder(tmp_path, value)
    for twin, model in zip(PAIR, twins(CONFIG, 0, np.float32)):
        with pytest.raises(CheckpointError, match=f"{WEIGHTS}: tensor {name} {says.removesuffix(' where')}"):
            twin.load_lora(model, tmp_path)
        assert not twin.lora.adapted(model)


@both
@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("layout", ["huggingface", "openai"])
def test_such_models_are_not_saved(twin, layout, value, tmp_path):
    model = twin.GPTModel(CONFIG)
    model.ln_f.bias.data[2] = value
    with pytest.raises(ValueError, match=rf"ln_f.bias holds {value} at \[2\]; such a model cannot be loaded again"):
        twin.save_gpt2(model, tmp_path / "out", layout)
    assert not (tmp_path / "out").exists()
    twin.apply_lora(model, 2, 4.0)
    twin.lora_state_dict(model)["h.0.attn.c_attn.lora_A"][0, 0] = value
    with pytest.raises(ValueError, match=rf"h.0.attn.c_attn.lora_A holds {value} at \[0, 0\]; an adapter of such"):
        twin.save_lora(model, tmp_path / "adapter")
    assert not (tmp_path / "adapter").exists()


@pytest.mark.parametrize("name", ["model.wte.weight", "optimizer.v.wte.weight"])
def test_files_of_runs(name, tmp_path):
    """What --resume and classify read: the file and the tensor are named."""
    path = tmp_path / "last.safetensors"
    save_tensors(path, {name: filled((3, 2), np.nan), "order": np.arange(3)}, {"config": CONFIG.to_dict()})
    with pytest.raises(CheckpointError, match=rf"last.safetensors: tensor {name} holds nan at \[2, 1\]"):
        load_tensors(path)


# Models in memory


def test_answers_of_damaged_models():
    """A class, a token: the likeliest of NaN would be the first."""

    def damaged(twin, classes=0):
        model = twin.GPTModel(CONFIG)
        if classes:
            twin.add_class_head(model, classes)
        model.ln_f.bias.data[2] = np.nan
        return model

    ids, says = np.zeros((1, 3), int), "The model's logits hold nan; its weights are damaged or its training diverged"
    assert_refused(lambda twin, array: twin.predict_classes(damaged(twin, 2), array(ids), array([2])), says)
    assert_refused(lambda twin, array: twin.generate_text_simple(damaged(twin), array(ids), 1, 5), says)
    assert_refused(lambda twin, array: twin.generate(damaged(twin), array(ids), 1), says)
    assert_refused(lambda twin, array: twin.perplexity(damaged(twin), [1, 2, 3]), says)
