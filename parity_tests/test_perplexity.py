"""Perplexity: each token once, from the context that the protocol promises, as in Hugging Face's guide."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import numpy_gpt
import torch_gpt
from numpy_gpt import GPTConfig
from parity_tests.report.measure import FLOAT64, TOLERANCE, assert_close, to_numpy, twins
from parity_tests.strategies import configs, dtypes, seeds
from parity_tests.transformers_gpt import as_transformers

CONFIG = GPTConfig(vocab_size=31, context_length=13, emb_dim=15, n_heads=3, n_layers=2)
PAIR = (numpy_gpt, torch_gpt)


@st.composite
def texts(draw, longest: int = 30):
    """(config, tokens, stride)."""
    config = draw(configs())
    N = draw(st.integers(2, longest))
    tokens = np.random.default_rng(draw(seeds)).integers(config.vocab_size, size=N)
    return config, tokens, draw(st.integers(1, config.context_length))


@given(texts(), seeds, dtypes)
@settings(max_examples=15)
def test_each_token_once_by_its_window(text, seed, dtype):
    """Token by token: the first window that predicts t is the first whose end reaches t."""
    config, tokens, stride = text
    pair = twins(config, seed, dtype)
    expected = []
    for t in range(1, len(tokens)):
        begin = next(b for b in range(0, len(tokens), stride) if b + config.context_length >= t)
        with torch.no_grad():
            logits = pair[1](torch.from_numpy(tokens[None, begin:t]))[0, -1].double()
        expected.append(float(-torch.log_softmax(logits, -1)[tokens[t]]))
    for twin, model in zip(PAIR, pair):
        losses = np.concatenate([to_numpy(loss) for loss in twin.token_losses(model, tokens, stride)])
        assert losses.dtype == np.float64
        assert_close(losses, expected, TOLERANCE[dtype])
        assert twin.perplexity(model, tokens, stride) == pytest.approx(math.exp(np.mean(expected)), rel=1e-4)


@given(texts(), seeds)
@settings(max_examples=15)
def test_it_is_that_of_hugging_face(text, seed):
    """Their guide's loop over their model, whose windows are one token longer because their last token is a label only.

    They must not exceed n_positions, so the model has one position more than ours looks at.
    """
    config, tokens, stride = text
    ours, theirs = twins(config, seed)
    wide = numpy_gpt.GPTModel(config.replace(context_length=config.context_length + 1), dtype=np.float64)
    state = ours.state_dict()
    state["wpe.weight"] = np.concatenate([state["wpe.weight"], np.zeros((1, config.emb_dim))])
    wide.load_state_dict(state)
    judge, max_length, total, counted, previous_end = as_transformers(wide), config.context_length + 1, 0.0, 0, 0
    for begin in range(0, len(tokens), stride):
        end = min(begin + max_length, len(tokens))
        ids = torch.from_numpy(tokens[None, begin:end])
        labels = ids.clone()
        labels[:, : -(end - previous_end)] = -100
        with torch.no_grad():  # by hand, since `judge(ids, labels=labels).loss` is computed in float32
            logits = judge(ids).logits[0, :-1]
        total += float(torch.nn.functional.cross_entropy(logits, labels[0, 1:], reduction="sum"))
        counted, previous_end = counted + int((labels[:, 1:] != -100).sum()), end
        if end == len(tokens):
            break
    assert counted == len(tokens) - 1
    for twin, model in zip(PAIR, (ours, theirs)):
        assert_close(twin.perplexity(model, tokens, stride), math.exp(total / counted), FLOAT64)


def test_an_untrained_model_guesses_among_all_tokens():
    config = GPTConfig.preset("classroom", context_length=8)
    for twin in PAIR:
        model = twin.GPTModel(config)
        assert twin.perplexity(model, np.arange(100)) == pytest.approx(config.vocab_size, rel=0.05)
        for parameter in model.parameters():
            parameter.data[...] = 0
        assert twin.perplexity(model, np.arange(100)) == pytest.approx(config.vocab_size, rel=1e-6)


def test_kinds_of_texts_and_the_default_stride():
    """Lists, memory-mapped token files' small integers and tensors alike; dropout off; the mode as before."""
    tokens = np.random.default_rng(0).integers(31, size=50)
    for twin, model in zip(PAIR, twins(CONFIG, 0)):
        model.train()
        expected = twin.perplexity(model, tokens.tolist(), 6)
        kinds = [tokens, tokens.astype(np.uint16), tokens.astype(np.int32)]
        kinds += [torch.from_numpy(tokens)] * (twin is torch_gpt)
        assert [twin.perplexity(model, kind) for kind in kinds] == [expected] * len(kinds)
        assert model.training


@pytest.mark.parametrize(
    ("tokens", "stride", "message"),
    [
        ([1], 1, "The text holds 1 tokens; give at least 2"),
        ([], 1, "The text holds 0 tokens"),
        ([1, 31], 1, "tokens hold 31, outside the vocabulary of 0 to 30"),
        (np.array([3, -1]), 1, "tokens hold -1"),
        (np.array([[1, 2]]), 1, r"tokens have shape \(1, 2\)"),
        (np.array([0.5, 1.5]), 1, "tokens are float64; give integers"),
        ([1, 2], 0, "stride is 0; give a whole number from 1 to the context_length of 13"),
        ([1, 2], 14, "stride is 14"),
        ([1, 2], 2.0, "stride is 2.0"),
    ],
)
def test_bad_input_is_refused_in_the_same_words(tokens, stride, message, no_shape_checks):
    for twin, model in zip(PAIR, twins(CONFIG, 1)):
        with pytest.raises(ValueError, match=message):
            twin.token_losses(model, tokens, stride)


def test_damaged_weights_are_named():
    for twin, model in zip(PAIR, twins(CONFIG, 1)):
        model.state_dict()["ln_f.bias"][2] = np.nan
        with pytest.raises(ValueError, match="its weights are damaged"):
            twin.perplexity(model, [1, 2, 3])
