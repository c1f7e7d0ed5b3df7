"""AdamW and clipping: the twins, PyTorch's own and Keras' own take the same steps."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import numpy_gpt
import torch_gpt
from parity_tests.optional import keras, tensorflow_gpt, tf
from parity_tests.report.measure import TOLERANCE, assert_all_close, assert_close, to_numpy
from parity_tests.strategies import seeds, sizes

STEPS = 20
dtypes = st.sampled_from(["float64", "float32"])
adamw_settings = st.fixed_dictionaries(
    {
        "lr": st.sampled_from([1e-4, 1e-2, 0.3]),
        "betas": st.sampled_from([(0.9, 0.999), (0.9, 0.95), (0.0, 0.5)]),
        "eps": st.sampled_from([1e-8, 1e-3]),
        "weight_decay": st.sampled_from([0.0, 0.1]),
    }
)


def start(shapes, seed, dtype):
    """Weights, and a gradient for each of 20 steps: of very different sizes, and now and then exactly 0."""
    rng = np.random.default_rng(seed)
    weights = [rng.standard_normal(shape).astype(dtype) for shape in shapes]
    scales = 10.0 ** rng.uniform(-4, 2, size=len(shapes))
    gradients = [
        [
            (scale * rng.standard_normal(shape) * (rng.random(shape) < 0.9)).astype(dtype)
            for scale, shape in zip(scales, shapes)
        ]
        for _ in range(STEPS)
    ]
    return weights, gradients


def by_hand(weights, gradients, twin=numpy_gpt, **settings):
    """The weights after all steps, by either twin."""
    array = np.array if twin is numpy_gpt else torch.tensor
    params = [twin.Parameter(array(w)) for w in weights]
    optimizer = twin.AdamW(params, **settings)
    for step in gradients:
        for p, g in zip(params, step):
            p.grad = array(g)
        optimizer.step()
    return {str(i): to_numpy(p) for i, p in enumerate(params)}


def by_pytorch(weights, gradients, weight_decay, **settings):
    """torch.optim.AdamW, with decay for the parameters of two or more dimensions alone: its two usual groups."""
    params = [torch.nn.Parameter(torch.tensor(w)) for w in weights]
    groups = [
        {"params": [p for p in params if p.dim() >= 2], "weight_decay": weight_decay},
        {"params": [p for p in params if p.dim() < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW([group for group in groups if group["params"]], **settings)
    for step in gradients:
        for p, g in zip(params, step):
            p.grad = torch.tensor(g)
        optimizer.step()
    return {str(i): to_numpy(p) for i, p in enumerate(params)}


def by_keras(weights, gradients, **settings):
    variables = [keras.Variable(w, dtype=w.dtype.name) for w in weights]
    optimizer = tensorflow_gpt.AdamW(map(tensorflow_gpt.parameters.Parameter, variables), **settings)
    for step in gradients:
        optimizer.apply(step)
    return {str(i): variable.numpy() for i, variable in enumerate(variables)}


@settings(max_examples=10)
@given(
    shapes=st.lists(st.lists(sizes, min_size=1, max_size=3).map(tuple), min_size=1, max_size=4),
    seed=seeds,
    dtype=dtypes,
    chosen=adamw_settings,
)
def test_twenty_steps(shapes, seed, dtype, chosen):
    weights, gradients = start(shapes, seed, dtype)
    ours = by_hand(weights, gradients, **chosen)
    assert {w.dtype for w in ours.values()} == {np.dtype(dtype)}
    for judged in (
        by_hand(weights, gradients, torch_gpt, **chosen),
        by_pytorch(weights, gradients, **chosen),
        by_keras(weights, gradients, **chosen),
    ):
        assert_all_close(ours, judged, TOLERANCE[dtype])


def test_a_parameter_larger_than_the_cache():
    """More numbers than are worked on at a time, and not a multiple of them."""
    rng = np.random.default_rng(0)
    weights, gradients = [rng.standard_normal((3, 50_021))], [[rng.standard_normal((3, 50_021))] for _ in range(2)]
    settings = {"lr": 0.01, "weight_decay": 0.1}
    assert_all_close(by_hand(weights, gradients, **settings), by_pytorch(weights, gradients, **settings), 1e-12)


@pytest.mark.parametrize("twin", [numpy_gpt, torch_gpt])
def test_the_first_step_by_arithmetic(twin):
    """At step 1 both corrections cancel the averages: each weight moves by lr · sign(g), whatever the size of g."""
    weights, gradients = (
        [np.array([[2.0, 2.0, 2.0]]), np.array([2.0])],
        [[np.array([[5.0, -0.01, 0.0]]), np.array([-3.0])]],
    )
    after = by_hand(weights, gradients, twin, lr=0.1, weight_decay=0.5)
    decayed = 2.0 * (1 - 0.1 * 0.5)
    assert after["0"].tolist() == [pytest.approx([decayed - 0.1, decayed + 0.1, decayed], abs=1e-6)]
    assert after["1"].tolist() == pytest.approx([2.1], abs=1e-6)  # a bias does not decay


@pytest.mark.parametrize(("twin", "array"), [(numpy_gpt, np.array), (torch_gpt, torch.tensor)])
def test_frozen_and_unused_parameters_stay(twin, array):
    frozen, unused, used = (twin.Parameter(array([[1.0, 2.0]])) for _ in range(3))
    frozen.requires_grad = False
    optimizer = twin.AdamW([frozen, unused, used], lr=0.1, weight_decay=0.1)
    used.grad = array([[1.0, 1.0]])
    optimizer.step()
    assert optimizer.params[0] is unused
    assert optimizer.params[1] is used
    assert to_numpy(frozen).tolist() == to_numpy(unused).tolist() == [[1, 2]]
    assert to_numpy(used).tolist() == [pytest.approx([0.89, 1.88], abs=1e-6)]
    optimizer.zero_grad()
    assert used.grad is None


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_state_saved_and_loaded_goes_on_alike(dtype):
    """Seven steps, the state moved to the other twin by way of its arrays, thirteen more: the same as twenty."""
    weights, gradients = start([(3, 5), (7,)], seed=0, dtype=dtype)
    settings = {"lr": 0.01, "weight_decay": 0.1}
    whole = by_hand(weights, gradients, **settings)
    first = [numpy_gpt.Parameter(w.copy()) for w in weights]
    optimizer = numpy_gpt.AdamW(first, **settings)
    for step in gradients[:7]:
        for p, g in zip(first, step):
            p.grad = g
        optimizer.step()
    for twin, array in [(numpy_gpt, np.array), (torch_gpt, torch.tensor)]:
        params = [twin.Parameter(array(p.data)) for p in first]
        later = twin.AdamW(params, **settings)
        later.load_state_dict(optimizer.state_dict())
        assert later.steps == 7
        for step in gradients[7:]:
            for p, g in zip(params, step):
                p.grad = array(g)
            later.step()
        after = {str(i): to_numpy(p) for i, p in enumerate(params)}
        assert_all_close(after, whole, 0.0 if twin is numpy_gpt else TOLERANCE[dtype])
    assert optimizer.steps == 7  # what was loaded elsewhere did not move this one


def grads_of(twin, gradients):
    array = np.array if twin is numpy_gpt else torch.tensor
    params = [twin.Parameter(array(np.zeros_like(g))) for g in gradients]
    for p, g in zip(params, gradients):
        p.grad = array(g)
    return params


@given(
    shapes=st.lists(st.lists(sizes, max_size=3).map(tuple), min_size=1, max_size=4),
    seed=seeds,
    dtype=dtypes,
    max_norm=st.sampled_from([1e-3, 1.0, 1e3]),
)
def test_clipping(shapes, seed, dtype, max_norm):
    rng = np.random.default_rng(seed)
    gradients = [np.asarray(3 * rng.standard_normal(shape)).astype(dtype) for shape in shapes]
    judge = grads_of(torch_gpt, gradients)
    their_norm = float(torch.nn.utils.clip_grad_norm_(judge, max_norm))
    clipped, tensorflow_norm = tf.clip_by_global_norm([tf.constant(g) for g in gradients], max_norm)
    for twin in (numpy_gpt, torch_gpt):
        params = grads_of(twin, gradients)
        unused = twin.Parameter(params[0].data)
        norm = twin.clip_grad_norm(iter([*params, unused]), max_norm)
        assert unused.grad is None
        assert isinstance(norm, float)
        assert norm == pytest.approx(their_norm, rel=TOLERANCE[dtype])
        assert norm == pytest.approx(float(tensorflow_norm), rel=TOLERANCE[dtype])
        for p, theirs, rounded in zip(params, judge, clipped):
            assert p.grad.dtype == theirs.grad.dtype if twin is torch_gpt else p.grad.dtype == dtype
            assert_close(p.grad, theirs.grad, TOLERANCE[dtype])
            assert_close(p.grad, rounded, 1e-2 if max_norm < 1 else 1e-5)  # TensorFlow adds no 1e-6 to the norm
        after = math.sqrt(sum(float((to_numpy(p.grad).astype(np.float64) ** 2).sum()) for p in params))
        assert after <= max_norm * (1 + 1e-6)


@pytest.mark.parametrize("twin", [numpy_gpt, torch_gpt])
def test_clipping_leaves_small_gradients_alone(twin):
    params = grads_of(twin, [np.array([3.0, 4.0])])
    assert twin.clip_grad_norm(params, 5.1) == 5.0
    assert to_numpy(params[0].grad).tolist() == [3, 4]
    assert twin.clip_grad_norm(params, 1.0) == 5.0
    assert to_numpy(params[0].grad).tolist() == pytest.approx([0.6, 0.8], rel=1e-6)
    assert twin.clip_grad_norm([], 1.0) == 0.0


def test_clipping_reaches_a_tied_weight_once():
    """The tied head and embedding are one parameter: its gradient counts once and is scaled once."""
    config = numpy_gpt.GPTConfig(vocab_size=5, context_length=3, emb_dim=4, n_heads=1, n_layers=1)
    model = numpy_gpt.GPTModel(config)
    for p in model.parameters():
        p.grad = np.ones_like(p.data)
    assert numpy_gpt.clip_grad_norm(model.parameters(), 1.0) == pytest.approx(math.sqrt(model.num_parameters()))
    assert np.unique(model.wte.weight.grad).tolist() == pytest.approx([1 / math.sqrt(model.num_parameters())])
