"""Cross-entropy: the twins, PyTorch's and TensorFlow's own and central differences give the same loss and gradient."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import numpy_gpt
import torch_gpt
from parity_tests.optional import tf
from parity_tests.report.measure import (
    FLOAT64,
    TOLERANCE,
    assert_all_close,
    assert_close,
    central_differences,
    to_numpy,
)
from parity_tests.strategies import seeds, sizes

leading = st.lists(sizes, min_size=1, max_size=2).map(tuple)


def by_hand(logits, targets, ignore_index=-100, dloss=1.0):
    criterion = numpy_gpt.CrossEntropy(ignore_index)
    return {"loss": criterion(logits, targets), "dlogits": criterion.backward(dloss)}


def by_autograd(logits, targets, ignore_index=-100, dloss=1.0, criterion=None):
    criterion = criterion or torch_gpt.CrossEntropy(ignore_index)
    logits = torch.tensor(logits, requires_grad=True)
    loss = criterion(logits, torch.tensor(targets))
    loss.backward(torch.tensor(dloss, dtype=loss.dtype))
    return {"loss": to_numpy(loss), "dlogits": to_numpy(logits.grad)}


def torchs_own(ignore_index):
    def criterion(logits, targets):
        return torch.nn.functional.cross_entropy(logits.flatten(0, -2), targets.flatten(), ignore_index=ignore_index)

    return criterion


def by_tape(logits, targets, ignore_index=-100):
    logits = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        counted = targets != ignore_index
        each = tf.nn.sparse_softmax_cross_entropy_with_logits(targets[counted], tf.boolean_mask(logits, counted))
        loss = tf.reduce_mean(each)
    return {"loss": loss.numpy(), "dlogits": tf.convert_to_tensor(tape.gradient(loss, logits)).numpy()}


def problem(leading, V, seed, dtype="float64", ignore_index=-100, ignored=0.3, scale=3.0):
    """Logits, and targets of which about the share `ignored` is ignored, but not the first."""
    rng = np.random.default_rng(seed)
    logits = (scale * rng.standard_normal((*leading, V))).astype(dtype)
    targets = rng.integers(V, size=leading)
    drop = rng.random(leading) < ignored
    drop.flat[0] = False
    return logits, np.where(drop, ignore_index, targets)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("ignore_index", [-100, -1, 0])
@given(leading=leading, V=st.sampled_from([2, 3, 7, 31]), seed=seeds, dloss=st.sampled_from([1.0, 0.25]))
def test_judges_agree(dtype, ignore_index, leading, V, seed, dloss):
    logits, targets = problem(leading, V, seed, dtype, ignore_index)
    if (targets == ignore_index).all():  # ignore_index 0 is an id as well
        targets.flat[0] = 1
    ours = by_hand(logits, targets, ignore_index, dloss)
    assert {value.dtype for value in ours.values()} == {np.dtype(dtype)}
    judged = [by_autograd(logits, targets, ignore_index, dloss)]
    judged.append(by_autograd(logits, targets, ignore_index, dloss, torchs_own(ignore_index)))
    if dloss == 1:
        judged.append(by_tape(logits, targets, ignore_index))
    # Where the model is sure and right, log Σ exp z - z and p - 1 cancel to few digits: the scale is what cancels, the
    # logits for the loss and 1, times dloss / n, for the gradient.
    weight = dloss / (targets != ignore_index).sum()
    for theirs in judged:
        assert abs(ours["loss"] - theirs["loss"]) <= TOLERANCE[dtype] * np.abs(logits).max()
        assert np.abs(ours["dlogits"] - theirs["dlogits"]).max() <= TOLERANCE[dtype] * weight


@given(leading=leading, V=sizes, seed=seeds)
def test_central_differences(leading, V, seed):
    logits, targets = problem(leading, V, seed)
    ours = by_hand(logits, targets)
    criterion = numpy_gpt.CrossEntropy()
    with numpy_gpt.no_grad():
        differences = central_differences(lambda moved: float(criterion(moved, targets)), logits)
    assert np.abs(ours["dlogits"] - differences).max() < 1e-9


@given(leading=leading, V=sizes, seed=seeds)
def test_each_row_of_the_gradient_sums_to_zero(leading, V, seed):
    """Raising all logits of a position by one number changes nothing; ignored rows are exactly 0."""
    logits, targets = problem(leading, V, seed)
    dlogits = by_hand(logits, targets)["dlogits"]
    assert np.abs(dlogits.sum(axis=-1)).max() < 1e-15 * V
    assert not dlogits[targets == -100].any()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("run", [by_hand, by_autograd])
def test_large_logits_do_not_overflow(run, dtype):
    """Logits of ±1e4: the loss is their difference, where exp alone is infinite and a probability of 0 has no logarithm."""
    logits = np.array([[1e4, -1e4, 0.0], [1e4, -1e4, 0.0]], dtype)
    results = run(logits, np.array([0, 1]))
    assert results["loss"] == 1e4
    assert results["dlogits"].tolist() == [[0, 0, 0], [0.5, -0.5, 0]]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("run", [by_hand, by_autograd])
def test_with_every_target_ignored_loss_and_gradient_are_zero(run, dtype):
    results = run(np.ones((2, 3, 5), dtype), np.full((2, 3), -100))
    assert results["loss"] == 0
    assert not results["dlogits"].any()
    assert results["dlogits"].dtype == dtype


@pytest.mark.parametrize("run", [by_hand, by_autograd])
def test_uniform_logits_cost_the_logarithm_of_the_vocabulary(run):
    """Knowing nothing about 50,257 tokens costs ln 50,257 = 10.82."""
    assert run(np.zeros((2, 50257)), np.array([0, 50256]))["loss"] == pytest.approx(math.log(50257), abs=1e-12)


@pytest.mark.parametrize("run", [by_hand, by_autograd])
def test_a_vocabulary_of_one_token_holds_no_surprise(run):
    results = run(np.array([[3.0], [-2.0]]), np.array([0, 0]))
    assert results["loss"] == 0
    assert not results["dlogits"].any()


@pytest.mark.usefixtures("no_shape_checks")
@pytest.mark.parametrize("integers", ["int32", "uint8", "uint16"])  # uint16 as in token files
def test_targets_of_any_integer_type(integers):
    logits, targets = problem((2, 5), 7, seed=0, ignored=0)
    assert_all_close(by_hand(logits, targets.astype(integers)), by_hand(logits, targets), 0.0)
    if integers != "uint16":  # PyTorch has no minimum of uint16
        assert_all_close(by_autograd(logits, targets.astype(integers)), by_hand(logits, targets), FLOAT64)


@given(rows=st.lists(sizes, min_size=2, max_size=4), seed=seeds, dtype=st.sampled_from(["float64", "float32"]))
def test_weighted_parts_add_up_to_the_whole(rows, seed, dtype):
    """A batch cut into parts of unequal size, each weighted by its share of the counted targets: the same gradient."""
    logits, targets = problem((sum(rows),), 7, seed, dtype)
    whole = by_hand(logits, targets)
    counted = (targets != -100).sum()
    loss, parts = 0.0, []
    for part_logits, part_targets in zip(
        np.split(logits, np.cumsum(rows)[:-1]), np.split(targets, np.cumsum(rows)[:-1])
    ):
        share = float((part_targets != -100).sum() / counted)
        part = by_hand(part_logits, part_targets, dloss=share)
        loss += share * part["loss"]
        parts.append(part["dlogits"])
    assert_close(np.concatenate(parts), whole["dlogits"], TOLERANCE[dtype])
    assert_close(loss, whole["loss"], TOLERANCE[dtype])
