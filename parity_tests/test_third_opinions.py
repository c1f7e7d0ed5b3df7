"""The whole model against programs that share no line with the twins: transformers' GPT-2, and the TensorFlow model."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import GPT2Config, GPT2LMHeadModel

from numpy_gpt import GPTConfig, no_grad
from parity_tests.keras_judge import keras_judge, loss_and_gradients
from parity_tests.report.measure import TOLERANCE, assert_all_close, assert_close, gradients, losses, to_numpy, twins
from parity_tests.strategies import problems

ORDINARY = GPTConfig(vocab_size=101, context_length=23, emb_dim=42, n_heads=3, n_layers=2, drop_rate=0.0)


def gpt2_of_transformers(
    config: GPTConfig, state: dict[str, np.ndarray], dtype: str, attention: str
) -> GPT2LMHeadModel:
    """transformers' GPT-2 with our weights. Its Conv1D layers hold (in, out), the transpose of ours."""
    model = GPT2LMHeadModel(
        GPT2Config(
            vocab_size=config.vocab_size,
            n_positions=config.context_length,
            n_embd=config.emb_dim,
            n_head=config.n_heads,
            n_layer=config.n_layers,
            tie_word_embeddings=config.tie_embeddings,
            attn_implementation=attention,
            resid_pdrop=0.0,
            embd_pdrop=0.0,
            attn_pdrop=0.0,
        )
    ).to(getattr(torch, dtype))
    theirs = {their_key(key): torch.tensor(to_their_layout(key, array)) for key, array in state.items()}
    missing, unexpected = model.load_state_dict(theirs, strict=False)
    assert not unexpected
    assert missing == (["lm_head.weight"] if config.tie_embeddings else [])
    return model


def their_key(key: str) -> str:
    return key if key.startswith("lm_head") else f"transformer.{key}"


def to_their_layout(key: str, array: np.ndarray) -> np.ndarray:
    """The transpose of a layer's weight; the same again brings it back."""
    return array.T if key.startswith("h.") and array.ndim == 2 else array


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("tie_embeddings", [True, False])
def test_transformers_agrees(tie_embeddings, dtype, attention):
    """Logits, loss and every gradient; the loss by PyTorch's function, since transformers' own is float32 always."""
    config = ORDINARY.replace(tie_embeddings=tie_embeddings)
    pair = twins(config, 11, dtype)
    judge = gpt2_of_transformers(config, pair[0].state_dict(), dtype, attention)
    rng = np.random.default_rng(11)
    ids, targets = rng.integers(config.vocab_size, size=(2, 3, config.context_length))
    targets[0, :4] = -100
    logits = judge(torch.tensor(ids)).logits
    with no_grad():
        assert_close(pair[0](ids), logits, TOLERANCE[dtype], "logits")

    loss, _ = losses(pair, ids, targets)
    their_loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), torch.tensor(targets).flatten())
    their_loss.backward()
    assert loss == pytest.approx(their_loss.item(), rel=TOLERANCE[dtype])
    theirs = {their_key(key): to_their_layout(key, g) for key, g in gradients(pair[0]).items()}
    judged = {name: to_numpy(p.grad) for name, p in judge.named_parameters()}
    assert_all_close(theirs, {name: judged[name] for name in theirs}, TOLERANCE[dtype])
    assert set(theirs) == set(judged)

    with torch.no_grad():  # its own loss, which shifts the labels itself: they are the ids
        own = float(judge(torch.tensor(ids), labels=torch.tensor(ids)).loss)
    shifted = np.concatenate([ids[:, 1:], np.full((len(ids), 1), -100)], axis=1)
    loss, _ = losses(pair, ids, shifted)
    assert loss == pytest.approx(own, rel=TOLERANCE["float32"])


@settings(max_examples=10)
@given(problem=problems(narrowest=10), dtype=st.sampled_from(["float64", "float32"]))
def test_tensorflow_agrees(problem, dtype):
    pair = twins(problem.config, problem.seed, dtype)
    judge = keras_judge(pair[0])
    with no_grad():
        assert_close(pair[0](problem.ids), judge(problem.ids), TOLERANCE[dtype], "logits")
    loss, _ = losses(pair, problem.ids, problem.targets)
    their_loss, judged = loss_and_gradients(judge, problem.ids, problem.targets)
    assert loss == pytest.approx(their_loss, rel=TOLERANCE[dtype], abs=TOLERANCE[dtype])
    for model in pair:
        assert_all_close(gradients(model), judged, TOLERANCE[dtype])
