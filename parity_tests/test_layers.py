"""Each layer and function: the twins, PyTorch's own layers, TensorFlow's tape and central differences give the same."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import numpy_gpt
import torch_gpt
from numpy_gpt import GPTConfig, functional
from parity_tests import passes
from parity_tests.optional import tensorflow_gpt, tf
from parity_tests.report.measure import FLOAT32, FLOAT64, TOLERANCE, assert_all_close, assert_close
from parity_tests.strategies import seeds, sizes
from torch_gpt import functional as torch_functional

DIFFERENCES = 1e-7  # measured: 3e-9 at most
leading = st.lists(sizes, min_size=1, max_size=3).map(tuple)  # the axes before the last
widths = st.sampled_from([3, 5, 7, 11])
dtypes = st.sampled_from(["float64", "float32"])


def narrow(C: int, drop_rate: float = 0.0) -> GPTConfig:
    return GPTConfig(vocab_size=5, context_length=7, emb_dim=C, n_heads=1, n_layers=2, drop_rate=drop_rate)


LAYERS = {
    "Linear": lambda twin, C, rng, dtype: twin.Linear(C, C + 2, dtype=dtype),
    "Linear without bias": lambda twin, C, rng, dtype: twin.Linear(C, 1, bias=False, dtype=dtype),
    "LayerNorm": lambda twin, C, rng, dtype: twin.LayerNorm(C, dtype=dtype),
    "LayerNorm with another eps": lambda twin, C, rng, dtype: twin.LayerNorm(C, eps=0.1, dtype=dtype),
    "GELU": lambda twin, C, rng, dtype: twin.GELU(),
    "Dropout": lambda twin, C, rng, dtype: twin.Dropout(0.4, rng),
    "FeedForward": lambda twin, C, rng, dtype: twin.FeedForward(narrow(C), rng, dtype),
    "FeedForward with dropout": lambda twin, C, rng, dtype: twin.FeedForward(narrow(C, 0.4), rng, dtype),
    "TransformerBlock": lambda twin, C, rng, dtype: twin.TransformerBlock(narrow(C), rng, dtype),
    "TransformerBlock with dropout": lambda twin, C, rng, dtype: twin.TransformerBlock(narrow(C, 0.4), rng, dtype),
}
MODULES_OF_SEQUENCES = ("FeedForward", "TransformerBlock")  # they ask for (B, T, C)


def pair_of(name: str, C: int, seed: int, dtype: str = "float64"):
    """The layer in both twins with the same weights and dropout generators in the same state."""
    both = [LAYERS[name](twin, C, np.random.default_rng(seed), getattr(twin, dtype)) for twin in (numpy_gpt, torch_gpt)]
    return passes.randomized(*both, seed=seed) if list(both[0].parameters()) else both


def input_and_dy(name: str, layer, C: int, shape: tuple, seed: int, dtype: str = "float64"):
    """Numbers to send through: x, off-centre so that a forgotten mean shows, and dy of the output's shape."""
    rng = np.random.default_rng([seed, 3])
    shape = (2, 3) if name.startswith(MODULES_OF_SEQUENCES) and len(shape) != 2 else shape
    x = (1.5 * rng.standard_normal((*shape, C)) + 0.5).astype(dtype)
    out = layer.weight.shape[0] if isinstance(layer, numpy_gpt.Linear) else C
    return x, rng.standard_normal((*shape, out)).astype(dtype)


@pytest.mark.parametrize("name", LAYERS)
@given(leading=leading, C=widths, seed=seeds)
def test_twins_agree(name, leading, C, seed):
    layer, twin = pair_of(name, C, seed)
    x, dy = input_and_dy(name, layer, C, leading, seed)
    assert_all_close(passes.by_hand(layer, x, dy), passes.by_autograd(twin, x, dy), FLOAT64)


@pytest.mark.parametrize("name", LAYERS)
@given(leading=leading, seed=seeds)
def test_twins_agree_in_float32(name, leading, seed):
    layer, twin = pair_of(name, 13, seed, "float32")
    x, dy = input_and_dy(name, layer, 13, leading, seed, "float32")
    ours, theirs = passes.by_hand(layer, x, dy), passes.by_autograd(twin, x, dy)
    assert_all_close(ours, theirs, FLOAT32)
    assert {value.dtype for value in [*ours.values(), *theirs.values()]} == {np.dtype("float32")}


@pytest.mark.parametrize("name", [name for name in LAYERS if "ropout" not in name])
@pytest.mark.parametrize("C", [3, 5])
def test_central_differences(name, C):
    layer, _ = pair_of(name, C, seed=C)
    x, dy = input_and_dy(name, layer, C, (2, 3), seed=C)
    assert_all_close(passes.by_hand(layer, x, dy), passes.by_differences(layer, x, dy), DIFFERENCES)


TORCH_LAYERS = {
    "Linear": lambda C: torch.nn.Linear(C, C + 2, dtype=torch.float64),
    "Linear without bias": lambda C: torch.nn.Linear(C, 1, bias=False, dtype=torch.float64),
    "LayerNorm": lambda C: torch.nn.LayerNorm(C, eps=1e-5, dtype=torch.float64),
    "LayerNorm with another eps": lambda C: torch.nn.LayerNorm(C, eps=0.1, dtype=torch.float64),
    "GELU": lambda C: torch.nn.GELU(approximate="tanh"),
}


@pytest.mark.parametrize("name", TORCH_LAYERS)
@given(leading=leading, C=widths, seed=seeds)
def test_torchs_own_layers_agree(name, leading, C, seed):
    layer, _ = pair_of(name, C, seed)
    x, dy = input_and_dy(name, layer, C, leading, seed)
    judge = TORCH_LAYERS[name](C)
    judge.load_state_dict({key: torch.tensor(array) for key, array in layer.state_dict().items()})
    assert_all_close(passes.by_hand(layer, x, dy), passes.by_autograd(judge, x, dy), FLOAT64)


def tensorflow_linear(x, weight, bias=0.0):
    return tf.linalg.matvec(weight, x) + bias


def tensorflow_layer_norm(x, weight, bias, eps=1e-5):
    return (x - tf.reduce_mean(x, -1, keepdims=True)) / tf.sqrt(
        tf.math.reduce_variance(x, -1, keepdims=True) + eps
    ) * weight + bias


TENSORFLOW_LAYERS = {
    "Linear": tensorflow_linear,
    "Linear without bias": tensorflow_linear,
    "LayerNorm": tensorflow_layer_norm,
    "LayerNorm with another eps": lambda x, weight, bias: tensorflow_layer_norm(x, weight, bias, eps=0.1),
    "GELU": lambda x: tensorflow_gpt.layers.gelu(x),
}


@pytest.mark.parametrize("name", TENSORFLOW_LAYERS)
@given(leading=leading, C=widths, seed=seeds)
def test_tensorflows_tape_agrees(name, leading, C, seed):
    layer, _ = pair_of(name, C, seed)
    x, dy = input_and_dy(name, layer, C, leading, seed)
    judged = passes.by_tape(TENSORFLOW_LAYERS[name], layer.state_dict(), x, dy)
    assert_all_close(passes.by_hand(layer, x, dy), judged, FLOAT64)


@given(ids_shape=leading, rows=st.sampled_from([1, 2, 13]), C=sizes, seed=seeds, dtype=dtypes)
def test_embedding(ids_shape, rows, C, seed, dtype):
    both = [twin.Embedding(rows, C, getattr(twin, dtype)) for twin in (numpy_gpt, torch_gpt)]
    layer, twin = passes.randomized(*both, seed=seed)
    rng = np.random.default_rng(seed)
    ids = rng.integers(rows, size=ids_shape)  # with 1 or 2 rows, every row is named many times
    dy = rng.standard_normal((*ids_shape, C)).astype(dtype)
    ours = passes.by_hand(layer, ids, dy)
    assert_all_close(ours, passes.by_autograd(twin, ids, dy), TOLERANCE[dtype])
    assert_all_close(
        ours, passes.by_tape(lambda x, weight: tf.gather(weight, x), layer.state_dict(), ids, dy), TOLERANCE[dtype]
    )
    assert ours["weight"].dtype == dtype
    torchs_own = torch.nn.Embedding.from_pretrained(torch.tensor(layer.weight.data), freeze=False)
    assert_all_close(ours, passes.by_autograd(torchs_own, ids, dy), TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@given(leading=leading, S=sizes, seed=seeds)
def test_softmax(dtype, leading, S, seed):
    rng = np.random.default_rng(seed)
    x, dy = (3 * rng.standard_normal((2, *leading, S))).astype(dtype)
    p = functional.softmax(x)
    ours = {"output": p, "dx": functional.softmax_backward(dy, p)}
    tolerance = TOLERANCE[dtype]
    if S > 1:  # alone, a probability is 1 whatever x is: both gradients are rounding noise
        terms = np.abs(dy * p).max()  # dx is a difference of these, and rounded as they are
        judges = [passes.by_autograd(judge, x, dy) for judge in (torch_functional.softmax, torch.nn.Softmax(dim=-1))]
        for theirs in [*judges, passes.by_tape(tf.nn.softmax, {}, x, dy)]:
            assert_close(ours["output"], theirs["output"], tolerance)
            assert np.abs(ours["dx"] - theirs["dx"]).max() <= tolerance * terms
    assert_close(p.sum(axis=-1), np.ones(leading), tolerance)


@pytest.mark.parametrize("N", [1, 7, 8, 9, 17])  # more and fewer rows than are worked on at a time
@given(V=sizes, seed=seeds)
def test_logsumexp(N, V, seed):
    x = 5 * np.random.default_rng(seed).standard_normal((N, V))
    ours = functional.logsumexp(x)
    assert_close(ours, torch_functional.logsumexp(torch.tensor(x)), FLOAT64)
    assert_close(ours, torch.logsumexp(torch.tensor(x), dim=-1), FLOAT64)
    assert_close(ours, tf.reduce_logsumexp(x, axis=-1), FLOAT64)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_gelu_over_many_blocks(dtype):
    """More numbers than are worked on at a time, and not a multiple of them."""
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, 3, 50_021)).astype(dtype)
    ours = {"output": functional.gelu(x), "dx": functional.gelu_backward(dy, x)}
    assert_all_close(ours, passes.by_autograd(torch.nn.GELU(approximate="tanh"), x, dy), TOLERANCE[dtype])


def test_gelu_is_the_tanh_form():
    """The forms with tanh and with erf are up to 4.7e-4 apart; GPT-2 has the former."""
    x = np.linspace(-4, 4, 801)
    expected = [0.5 * v * (1 + math.tanh(math.sqrt(2 / math.pi) * (v + 0.044715 * v**3))) for v in x]
    assert_close(functional.gelu(x), expected, 1e-15)
    erf = torch.nn.functional.gelu(torch.tensor(x))
    assert 4.6e-4 < np.abs(functional.gelu(x) - erf.numpy()).max() < 4.8e-4


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_gelu_far_from_zero(dtype):
    """tanh saturates: large x passes unchanged, large -x gives 0, with gradients 1 and 0 and no overflow."""
    x = np.array([-1e4, -50.0, 50.0, 1e4], dtype)
    for y, dx in [
        (functional.gelu(x), functional.gelu_backward(np.ones_like(x), x)),
        passes.by_autograd(torch_functional.gelu, x, np.ones_like(x)).values(),
    ]:
        assert y.tolist() == [0, 0, 50, 1e4]
        assert dx.tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("name", LAYERS)
def test_strided_inputs(name):
    """Views with their axes swapped and stepped through backwards give what their copies give."""
    layer, same = pair_of(name, 5, seed=0)[0], pair_of(name, 5, seed=0)[0]
    x, dy = input_and_dy(name, layer, 5, (3, 2), seed=0)
    x, dy = (np.moveaxis(np.moveaxis(a, 0, -1).copy(), -1, 0)[::-1] for a in (x, dy))
    assert not x.flags.c_contiguous
    assert_all_close(passes.by_hand(layer, x, dy), passes.by_hand(same, x.copy(), dy.copy()), 1e-14)


@pytest.mark.parametrize("twin", [numpy_gpt, torch_gpt])
def test_dropout_is_what_it_says(twin):
    """Kept values are scaled by 1 / (1 - rate), the others 0, about the rate of them; in evaluation nothing happens."""
    layer = twin.Dropout(0.25, np.random.default_rng(1))
    through = passes.by_hand if twin is numpy_gpt else passes.by_autograd
    x, dy = np.random.default_rng(2).standard_normal((2, 100, 100))
    results = through(layer, x, dy)
    kept = results["output"] != 0
    assert abs(kept.mean() - 0.75) < 0.02
    assert_close(results["output"], x * kept / 0.75, 1e-15)
    assert_close(results["dx"], dy * kept / 0.75, 1e-15)
    results = through(layer.eval(), x, dy)
    assert np.array_equal(results["output"], x)
    assert np.array_equal(results["dx"], dy)


def test_dropout_draws_alike_in_both_precisions():
    masks = [
        numpy_gpt.Dropout(0.5, np.random.default_rng(3))(np.ones(50, dtype)) > 0 for dtype in ("float32", "float64")
    ]
    assert np.array_equal(*masks)


@given(seed=seeds, T=sizes)
def test_layer_norm_of_one_feature(seed, T):
    """One number less its mean is 0: the output is the bias, and no gradient passes."""
    layer, twin = pair_of("LayerNorm", 1, seed)
    x, dy = np.random.default_rng(seed).standard_normal((2, T, 1))
    for results in (passes.by_hand(layer, x, dy), passes.by_autograd(twin, x, dy)):
        assert np.array_equal(results["output"], np.broadcast_to(layer.bias.data, (T, 1)))
        assert not results["dx"].any()
        assert not results["weight"].any()
