"""The cache: a text in any pieces gives what it gives at once, and costs no second allocation."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import numpy_gpt
import torch_gpt
from numpy_gpt import GPTConfig
from parity_tests.report.measure import FLOAT32, FLOAT64, TOLERANCE, assert_close, to_numpy, twins
from parity_tests.strategies import Problem, dtypes, problems
from parity_tests.transformers_gpt import as_transformers

CONFIG = GPTConfig(vocab_size=31, context_length=13, emb_dim=15, n_heads=3, n_layers=2)
KINDS = [(numpy_gpt, np.asarray), (torch_gpt, torch.from_numpy)]


def model_of(twin, config=CONFIG, dtype="float64"):
    return twins(config, 0, dtype)[twin is torch_gpt]


@given(problems(), dtypes, st.data())
def test_pieces_give_the_logits_of_the_whole(problem: Problem, dtype: str, data: st.DataObject):
    T = problem.ids.shape[1]
    cuts = sorted(data.draw(st.sets(st.integers(1, T)), label="cuts") | {T})
    pair = twins(problem.config, problem.seed, dtype)
    for model, (twin, array) in zip(pair, KINDS):
        with twin.no_grad():
            whole = model(array(problem.ids))
            cache = twin.KVCache(problem.config)
            pieces = [to_numpy(model(array(problem.ids[:, a:b]), cache)) for a, b in zip([0, *cuts], cuts)]
        assert cache.length == T
        assert_close(np.concatenate(pieces, axis=1), whole, TOLERANCE[dtype])


@given(problems(), dtypes, st.data())
def test_padding_changes_nothing(problem: Problem, dtype: str, data: st.DataObject):
    """A row behind filler, through the cache in two pieces, gives the logits of the row alone."""
    B, T = problem.ids.shape
    padding = np.array(data.draw(st.lists(st.integers(0, T - 1), min_size=B, max_size=B), label="padding"))
    cut = data.draw(st.integers(1, T), label="cut")
    pair = twins(problem.config, problem.seed, dtype)
    for model, (twin, array) in zip(pair, KINDS):
        with twin.no_grad():
            cache = twin.KVCache(problem.config)
            parts = [problem.ids[:, :cut], problem.ids[:, cut:]]
            logits = [to_numpy(model(array(part), cache, array(padding))) for part in parts if part.size]
            logits = np.concatenate(logits, axis=1)
            for row, n in enumerate(padding):
                alone = model(array(problem.ids[row : row + 1, n:]))
                assert_close(logits[row : row + 1, n:], alone, TOLERANCE[dtype])


@given(problems(), st.integers(1, 13))
def test_logits_of_the_last_positions(problem: Problem, last: int):
    T = problem.ids.shape[1]
    pair = twins(problem.config, problem.seed)
    for model, (_, array) in zip(pair, KINDS):
        some = model(array(problem.ids), last=min(last, T))
        assert_close(to_numpy(some), to_numpy(model(array(problem.ids)))[:, -min(last, T) :], FLOAT64)


@given(problems(narrowest=1))
def test_keys_and_values_are_those_of_transformers(problem: Problem):
    ours = twins(problem.config, problem.seed)[0]
    with numpy_gpt.no_grad(), torch.no_grad():
        cache = numpy_gpt.KVCache(problem.config)
        ours(problem.ids, cache)
        theirs = as_transformers(ours)(torch.from_numpy(problem.ids), use_cache=True).past_key_values
    T = problem.ids.shape[1]
    for layer, their_layer in zip(cache.layers, theirs.layers):
        assert_close(layer.keys[:, :, :T], their_layer.keys, FLOAT64)
        assert_close(layer.values[:, :, :T], their_layer.values, FLOAT64)


@pytest.mark.parametrize(("twin", "array"), KINDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_memory_is_allocated_once_and_lent_as_views(twin, array, dtype):
    model, ids = model_of(twin, dtype=dtype), np.arange(24).reshape(3, 8)
    cache = twin.KVCache(CONFIG, capacity=10)
    with twin.no_grad():
        model(array(ids), cache)
        first = cache[0].keys
        assert to_numpy(first).shape == (3, 3, 10, 5)
        assert to_numpy(first).dtype == dtype
        model(array(ids[:, :1]), cache)
        lent, _ = cache[0].append(first[:, :, :1], first[:, :, :1])
        assert cache[0].keys is first
        assert lent.shape[2] == 10
        assert np.shares_memory(to_numpy(lent), to_numpy(first))
        cache.reset()
        assert cache.length == 0
        assert_close(
            model(array(ids), cache), model(array(ids)), FLOAT32
        )  # what was there before is forgotten, not seen
        assert cache[0].keys is first


@pytest.mark.parametrize(("twin", "array"), KINDS)
def test_what_a_cache_has_no_place_for_is_refused(twin, array):
    model, ids = model_of(twin), np.arange(20).reshape(2, 10)
    cache = twin.KVCache(CONFIG, capacity=10)
    with twin.no_grad():
        model(array(ids[:, :8]), cache)
        before = to_numpy(cache[1].keys).copy()
        with pytest.raises(ValueError, match="room for 10 positions, not for 11"):
            model(array(ids[:, :3]), cache)
        with pytest.raises(ValueError, match="The batch has 1 rows but the cache was begun with 2"):
            model(array(ids[:1, :1]), cache)
        with pytest.raises(ValueError, match="6 tokens after 8 cached ones is longer than the context_length of 13"):
            model(array(ids[:, :6]), cache)
        assert cache.length == 8
        assert np.array_equal(to_numpy(cache[1].keys), before)
        assert_close(to_numpy(model(array(ids[:, 8:]), cache)), to_numpy(model(array(ids)))[:, 8:], FLOAT64)
