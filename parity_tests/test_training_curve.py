"""Whole training runs: from one seed, with dropout, the twins' losses are the same point by point; without, Keras' too."""

import numpy as np
import pytest
import torch

import numpy_gpt
import torch_gpt
from numpy_gpt import GPTConfig
from parity_tests.keras_judge import keras_judge
from parity_tests.optional import tensorflow_gpt
from parity_tests.report.measure import assert_all_close, key_bias, to_numpy, twins

STEPS = 25
MAX_NORM = 1.0
ADAMW = {"lr": 3e-3, "betas": (0.9, 0.95), "weight_decay": 0.1}
CURVE = {"float64": 1e-12, "float32": 5e-6}  # measured: 4e-16 and 3e-7


def config_with(drop_rate: float, tie_embeddings: bool = True) -> GPTConfig:
    return GPTConfig(
        vocab_size=29,
        context_length=13,
        emb_dim=20,
        n_heads=2,
        n_layers=2,
        drop_rate=drop_rate,
        tie_embeddings=tie_embeddings,
    )


def batches(config: GPTConfig):
    """A sequence that can be learned, in pieces drawn by a generator."""
    rng = np.random.default_rng(8)
    text = np.arange(500) ** 2 % config.vocab_size
    for _ in range(STEPS):
        starts = rng.integers(len(text) - config.context_length - 1, size=3)
        windows = text[starts[:, None] + np.arange(config.context_length + 1)]
        yield windows[:, :-1], windows[:, 1:]


def train_numpy(model) -> list[float]:
    criterion, optimizer = numpy_gpt.CrossEntropy(), numpy_gpt.AdamW(model.parameters(), **ADAMW)
    curve = []
    for ids, targets in batches(model.config):
        curve.append(float(criterion(model.train()(ids), targets)))
        optimizer.zero_grad()
        model.backward(criterion.backward())
        numpy_gpt.clip_grad_norm(model.parameters(), MAX_NORM)
        optimizer.step()
    return curve


def train_torch(model) -> list[float]:
    criterion, optimizer = torch_gpt.CrossEntropy(), torch_gpt.AdamW(model.parameters(), **ADAMW)
    curve = []
    for ids, targets in batches(model.config):
        loss = criterion(model.train()(torch.from_numpy(ids)), torch.from_numpy(targets))
        optimizer.zero_grad()
        loss.backward()
        torch_gpt.clip_grad_norm(model.parameters(), MAX_NORM)
        optimizer.step()
        curve.append(loss.item())
    return curve


def train_keras(model) -> list[float]:
    optimizer = tensorflow_gpt.AdamW(model.parameters(), **ADAMW)
    steps = tensorflow_gpt.train(model, optimizer, batches(model.config), STEPS, lambda step: ADAMW["lr"], 1, MAX_NORM)
    return [progress.loss for progress in steps]


def weights_without_key_bias(model) -> dict[str, np.ndarray]:
    """The key bias has no gradient but rounding noise, which AdamW makes steps of, without effect on anything else."""
    state = {name: to_numpy(array).copy() for name, array in model.state_dict().items()}
    for name, array in state.items():
        if array.ndim == 1:
            array[key_bias(name, len(array))] = 0
    return state


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("tie_embeddings", [True, False])
def test_twins_train_alike_with_dropout(tie_embeddings, dtype):
    pair = twins(config_with(0.2, tie_embeddings), 6, dtype)
    curve, their_curve = train_numpy(pair[0]), train_torch(pair[1])
    assert curve == pytest.approx(their_curve, rel=CURVE[dtype])
    assert curve[-1] < curve[0] - 0.5  # something was learned
    if dtype == "float64":
        assert_all_close(*map(weights_without_key_bias, pair), 1e-10)


def test_dropout_matters_to_the_curve():
    """The other way round: another seed for the masks, and the curves part at once."""
    pair = twins(config_with(0.2), 6)
    other, _ = twins(config_with(0.2), 6)
    for module in other.modules():
        if isinstance(module, numpy_gpt.Dropout):
            module.rng = np.random.default_rng(7)
    assert abs(train_numpy(pair[0])[0] - train_numpy(other)[0]) > 1e-3


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_three_curves_are_one(dtype):
    pair = twins(config_with(0.0), 6, dtype)
    third = train_keras(keras_judge(pair[0]))
    curve, their_curve = train_numpy(pair[0]), train_torch(pair[1])
    assert curve == pytest.approx(their_curve, rel=CURVE[dtype])
    assert third == pytest.approx(curve, rel=CURVE[dtype])
