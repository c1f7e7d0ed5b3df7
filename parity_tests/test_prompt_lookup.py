"""Prompt look-up: in both twins the tokens of greedy generation, in fewer passes where the text repeats itself."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import numpy_gpt
import torch_gpt
from numpy_gpt import GPTConfig, prompt_lookup
from parity_tests.report.measure import twins
from parity_tests.strategies import configs, seeds

PAIR = (numpy_gpt, torch_gpt)


@given(configs(), seeds, st.integers(1, 6), st.integers(1, 4), st.integers(0, 30), st.data())
def test_the_tokens_are_those_of_greedy_generation(config, seed, num_tokens, ngram, new, data):
    rng = np.random.default_rng(seed)
    prompt = rng.integers(min(config.vocab_size, 4), size=data.draw(st.integers(1, 20))).tolist()
    for twin, model in zip(PAIR, twins(config, seed)):
        (expected,) = twin.generate(model, [prompt], new)
        model.train()
        passes = list(twin.lookup_passes(model, prompt, new, num_tokens=num_tokens, ngram=ngram))
        assert model.training
        written = [token for step in passes for token in step.tokens]
        assert prompt + written == expected
        assert all(1 <= len(step.tokens) <= step.guessed + 1 <= num_tokens + 1 for step in passes)
        if new:
            end = data.draw(st.sampled_from(written))
            (expected,) = twin.generate(model, [prompt], new, eos_id=end)
            passes = twin.lookup_passes(model, prompt, new, num_tokens=num_tokens, ngram=ngram, eos_id=end)
            assert prompt + [token for step in passes for token in step.tokens] == expected


def counting_model(twin, vocab_size: int, context_length: int):
    """A model whose likeliest next token is always one more than the last: no block writes anything, and the head scores each
    token by the embedding of the one before it."""
    config = GPTConfig(
        vocab_size, context_length, emb_dim=vocab_size, n_heads=1, n_layers=1, drop_rate=0.0, tie_embeddings=False
    )
    model = twin.GPTModel(config, dtype=twin.float64)
    state = {name: np.zeros(array.shape) for name, array in model.state_dict().items()}
    state["wte.weight"] = np.eye(vocab_size)
    state["lm_head.weight"] = np.roll(np.eye(vocab_size), 1, axis=0)
    state["ln_f.weight"] = np.ones(vocab_size)
    model.load_state_dict(state if twin is numpy_gpt else {name: torch.tensor(array) for name, array in state.items()})
    return model


@pytest.mark.parametrize("twin", PAIR)
def test_a_text_that_repeats_itself_takes_few_passes(twin):
    """After one round of counting every guess is right: 4 tokens and the model's own, so 5 a pass."""
    model = counting_model(twin, 7, 100)
    passes = list(twin.lookup_passes(model, [0, 1, 2, 3, 4, 5, 6, 0], 40, num_tokens=4))
    assert [step.guessed for step in passes] == [4] * 8
    assert [len(step.tokens) for step in passes] == [5] * 8
    surprised = list(twin.lookup_passes(model, [3, 3], 3, num_tokens=4))  # it guesses 3 after 3, and the model goes on
    assert [(step.tokens, step.guessed) for step in surprised] == [([4], 1), ([5], 0), ([6], 0)]
    ended = list(twin.lookup_passes(model, [0, 1, 2, 3, 4, 5, 6, 0], 40, num_tokens=4, eos_id=3))
    assert [(step.tokens, step.guessed) for step in ended] == [([1, 2, 3], 4)]


@pytest.mark.parametrize("twin", PAIR)
def test_the_cache_holds_what_was_confirmed(twin):
    model, cache = counting_model(twin, 7, 100), twin.KVCache(GPTConfig(7, 100, 7, 1, 1))
    assert twin.prompt_lookup.confirm(model, [0, 1, 2], [3, 4, 0], cache) == [3, 4, 5]
    assert cache.length == 5
    cache.reset()
    assert twin.prompt_lookup.confirm(model, [0, 1, 2], [3, 4, 5, 0], cache) == [3, 4, 5, 6]
    assert cache.length == 6


@given(st.lists(st.integers(0, 2), min_size=1, max_size=12), st.integers(0, 4), st.integers(1, 4))
def test_guess_takes_what_followed_last_time(ids, most, ngram):
    def places(n):  # beginnings of earlier occurrences of the last n
        return [i for i in range(len(ids) - n) if ids[i : i + n] == ids[len(ids) - n :]]

    n = next((n for n in range(min(ngram, len(ids) - 1), 0, -1) if places(n)), 0)
    expected = ids[max(places(n)) + n :][:most] if n else []
    assert prompt_lookup.guess(ids, most, ngram) == expected == torch_gpt.prompt_lookup.guess(ids, most, ngram)


def test_the_cache_forgets_refused_tokens():
    config = GPTConfig(vocab_size=11, context_length=9, emb_dim=6, n_heads=2, n_layers=2)
    for twin, model in zip(PAIR, twins(config, 0)):
        cache, ids = twin.KVCache(config), [1, 2, 3]
        likeliest = twin.prompt_lookup.confirm(model, ids, [], cache)[0]
        ids.append(likeliest)
        wrong = (int(twin.generate(model, [ids], 1)[0][-1]) + 1) % 11
        confirmed = twin.prompt_lookup.confirm(model, ids, [wrong, wrong], cache)
        assert confirmed == twin.generate(model, [ids], 1)[0][-1:]
        assert cache.length == 4


@pytest.mark.parametrize("twin", PAIR)
@pytest.mark.parametrize("keywords", [{"num_tokens": 0}, {"num_tokens": 2.5}, {"ngram": 0}, {"eos_id": 99}])
def test_settings_that_make_no_sense_are_refused(twin, keywords, no_shape_checks):
    model = twin.GPTModel(GPTConfig(vocab_size=11, context_length=9, emb_dim=6, n_heads=2, n_layers=2))
    with pytest.raises(ValueError, match=next(iter(keywords))):
        twin.lookup_passes(model, [1, 2], 3, **keywords)
    with pytest.raises(ValueError, match="holds no token"):
        twin.lookup_passes(model, [], 3)
