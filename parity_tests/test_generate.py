"""Generation: the twins say the same, with and without the cache, alone and in a batch, and so does transformers."""

import itertools
from importlib import import_module
from unittest.mock import patch

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import numpy_gpt
import torch_gpt
from numpy_gpt import GPTConfig
from parity_tests.report.measure import FLOAT64, assert_close, to_numpy, twins
from parity_tests.strategies import configs, seeds
from parity_tests.transformers_gpt import as_transformers

CONFIG = GPTConfig(vocab_size=31, context_length=13, emb_dim=15, n_heads=3, n_layers=2)
PAIR = (numpy_gpt, torch_gpt)
CACHES = {twin: import_module(f"{twin.__name__}.kv_cache") for twin in PAIR}
short = configs().map(lambda config: config.replace(context_length=min(config.context_length, 5)))
few = settings(max_examples=10)
ways_to_sample = st.fixed_dictionaries(
    {
        "temperature": st.sampled_from([0.0, 0.3, 1.0, 1.7]),
        "top_k": st.sampled_from([None, 1, 2, 7, 100]),
        "top_p": st.sampled_from([None, 1e-9, 0.5, 0.9, 1.0]),
        "repetition_penalty": st.sampled_from([None, 0.8, 1.0, 1.3]),
    }
)


@st.composite
def prompts(draw, config: GPTConfig, longest: int | None = None, rows: int = 3) -> list[list[int]]:
    lengths = draw(st.lists(st.integers(1, longest or config.context_length + 2), min_size=1, max_size=rows))
    rng = np.random.default_rng(draw(seeds))
    return [rng.integers(config.vocab_size, size=n).tolist() for n in lengths]


def by_hand(model, prompt: list[int], n: int) -> list[int]:
    """Greedy generation by the rule of the docstring, one row, no cache, nothing shared with the code under test."""
    row, length = list(prompt), model.config.context_length
    window = row[-length:]
    for _ in range(n):
        with numpy_gpt.no_grad():
            token = int(np.argmax(model(np.array([window]))[0, -1]))
        row.append(token)
        window = [*window, token]
        if len(window) > length:
            window = window[-(length // 2 or 1) :]
    return row


@given(st.data(), st.integers(0, 9))
def test_generate_text_simple(data, n):
    config = data.draw(configs())
    size = data.draw(st.integers(1, config.context_length))
    ids = np.array(data.draw(prompts(config, rows=1)))
    ours, theirs = twins(config, 0)
    expected = ids[0].tolist()
    for _ in range(n):
        with torch.no_grad():
            expected.append(int(theirs(torch.tensor([expected[-size:]]))[0, -1].argmax()))
    assert numpy_gpt.generate_text_simple(ours, ids, n, size).tolist() == [expected]
    assert torch_gpt.generate_text_simple(theirs, torch.from_numpy(ids), n, size).tolist() == [expected]


@given(st.data(), ways_to_sample, seeds)
def test_twins_and_cache_agree(data, way, seed):
    config = data.draw(short)
    rows = data.draw(prompts(config))
    n = data.draw(st.integers(0, config.context_length + 3))
    pair = twins(config, seed)
    results = [
        twin.generate(model, rows, n, **way, rng=np.random.default_rng(seed), use_cache=use_cache)
        for twin, model in zip(PAIR, pair)
        for use_cache in (True, False)
    ]
    assert [result[: len(row)] for row, result in zip(rows, results[0])] == rows
    assert [len(result) for result in results[0]] == [len(row) + n for row in rows]
    assert all(result == results[0] for result in results)


@given(st.data(), seeds)
def test_a_row_does_not_feel_its_neighbours(data, seed):
    """Behind padding and alone, up to and far past the context length, by the documented rule."""
    config = data.draw(short)
    rows = data.draw(prompts(config))
    n = data.draw(st.integers(1, 2 * config.context_length + 2))
    pair = twins(config, seed)
    alone = [by_hand(pair[0], row, n) for row in rows]
    for twin, model in zip(PAIR, pair):
        assert twin.generate(model, rows, n) == alone
        assert twin.generate(model, rows, n, use_cache=False) == alone


@few
@given(st.data(), seeds)
def test_cached_logits_are_uncached_ones_to_rounding(data, seed):
    """Seen through all candidates' probabilities, beyond two slides of the window."""
    config = data.draw(short)
    rows = data.draw(prompts(config))
    n, V = 2 * config.context_length, config.vocab_size
    for twin, model in zip(PAIR, twins(config, seed)):
        cached, plain = (
            [
                dict(pairs)
                for step in twin.stream(model, rows, n, candidates=V, use_cache=use)
                for pairs in step.candidates
            ]
            for use in (True, False)
        )
        for a, b in zip(cached, plain, strict=True):
            assert_close([a.get(v, 0.0) for v in range(V)], [b.get(v, 0.0) for v in range(V)], FLOAT64)


@few
@given(st.data(), seeds, st.integers(1, 4), st.integers(1, 3))
def test_a_long_prompt_is_read_in_pieces(data, seed, piece, last):
    """Rows that begin with padding, too: the logits of reading all at once, and the weights of the last token over all keys."""
    config = data.draw(configs(context_length=9))
    T = data.draw(st.integers(last, 9))
    rows = [row[:T] for row in data.draw(prompts(config))]
    rng = np.random.default_rng(seed)
    ids = rng.integers(config.vocab_size, size=(2, T))
    for twin, model in zip(PAIR, twins(config, seed)):
        given = ids if twin is numpy_gpt else torch.tensor(ids)
        at_once = next(twin.stream(model, rows, 1, candidates=config.vocab_size, attention=True))
        with patch.object(CACHES[twin], "PIECE", piece), twin.no_grad():
            read = CACHES[twin].read_in_pieces(model, given, twin.KVCache(config), None, last)
            in_pieces = next(twin.stream(model, rows, 1, candidates=config.vocab_size, attention=True))
        assert_close(read, model(given)[:, -last:], FLOAT64)
        assert_close(in_pieces.attention, at_once.attention, FLOAT64)
        for ours, theirs in zip(in_pieces.candidates, at_once.candidates, strict=True):
            assert_close([p for _, p in sorted(ours)], [p for _, p in sorted(theirs)], FLOAT64)


@pytest.mark.parametrize("twin", PAIR)
def test_no_piece_is_longer_than_it_may_be(twin, monkeypatch):
    """And only the first is shorter: so the last holds all positions that are asked for."""
    room, model = CACHES[twin], twin.GPTModel(CONFIG)
    as_ids = np.asarray if twin is numpy_gpt else torch.tensor
    monkeypatch.setattr(room, "PIECE", 4)
    for T, last, expected in ((11, 1, [3, 4, 4]), (8, 4, [4, 4]), (4, 1, [4]), (13, 6, [1, 6, 6]), (1, 1, [1])):
        with patch.object(model, "forward", wraps=model.forward) as forward, twin.no_grad():
            room.read_in_pieces(model, as_ids(np.ones((1, T), int)), twin.KVCache(CONFIG), None, last)
        assert [call.args[0].shape[1] for call in forward.call_args_list] == expected


@few
@given(st.data(), seeds)
def test_greedy_is_that_of_transformers(data, seed):
    """A batch behind padding, with their attention mask, within the context length."""
    config = data.draw(configs(context_length=13))
    rows = data.draw(prompts(config, longest=8, rows=4))
    longest = max(map(len, rows))
    n = 13 - longest
    pair = twins(config, seed)
    theirs = as_transformers(pair[0])
    padding = [longest - len(row) for row in rows]
    ids = torch.tensor([[0] * k + row for k, row in zip(padding, rows)])
    mask = torch.tensor([[0] * k + [1] * len(row) for k, row in zip(padding, rows)])
    expected = theirs.generate(ids, attention_mask=mask, max_new_tokens=n, do_sample=False, pad_token_id=0).tolist()
    expected = [row[k:] for k, row in zip(padding, expected)]
    for twin, model in zip(PAIR, pair):
        assert twin.generate(model, rows, n) == expected


@few
@given(st.data(), seeds)
def test_repetition_penalty_is_that_of_transformers(data, seed):
    config = data.draw(configs(context_length=13))
    (row,) = data.draw(prompts(config, longest=5, rows=1))
    penalty = data.draw(st.sampled_from([0.7, 1.2, 5.0]))
    pair = twins(config, seed)
    options = {"max_new_tokens": 6, "do_sample": False, "pad_token_id": 0, "repetition_penalty": penalty}
    ids = torch.tensor([row])
    expected = as_transformers(pair[0]).generate(ids, attention_mask=torch.ones_like(ids), **options).tolist()
    for twin, model in zip(PAIR, pair):
        assert twin.generate(model, [row], 6, repetition_penalty=penalty) == expected


@pytest.mark.parametrize("use_cache", [True, False])
@pytest.mark.parametrize("twin", PAIR)
def test_each_row_ends_with_its_own_end_token(twin, use_cache):
    model = twins(CONFIG, 3)[twin is torch_gpt]
    rows = [[1, 2, 3], [4], [5, 6]]
    free = twin.generate(model, rows, 12, temperature=2.0, rng=np.random.default_rng(5))
    new = [row[len(prompt) :] for prompt, row in zip(rows, free)]
    eos = new[0][3]
    ends = [row.index(eos) + 1 if eos in row else 12 for row in new]
    assert len(set(ends)) > 1  # otherwise the test shows nothing
    options = {"temperature": 2.0, "eos_id": eos, "use_cache": use_cache}
    ended = twin.generate(model, rows, 12, rng=np.random.default_rng(5), **options)
    assert ended == [row[: len(prompt) + end] for prompt, row, end in zip(rows, free, ends)]
    steps = list(twin.stream(model, rows, 12, rng=np.random.default_rng(5), **options))
    assert len(steps) == max(ends)
    assert [sum(step.tokens[i] is not None for step in steps) for i in range(3)] == ends


@pytest.mark.parametrize("twin", PAIR)
def test_a_stream_comes_one_step_at_a_time(twin):
    """The first token is there before the second is computed; the model's mode and the prompts are as before."""
    model = twins(CONFIG, 1)[twin is torch_gpt].train()
    prompt, forwards = [[1, 2]], []
    forward = model.forward
    model.forward = lambda *args, **kwargs: forwards.append(model.training) or forward(*args, **kwargs)
    steps = twin.stream(model, prompt, 5)
    assert forwards == []
    next(steps)
    assert forwards == [False]  # in evaluation mode
    next(steps)
    assert len(forwards) == 2
    steps.close()
    assert model.training
    assert all(module.training for module in model.modules())
    assert prompt == [[1, 2]]
    assert len(list(twin.stream(model, prompt, 5))) == 5
    assert model.training


def test_generation_keeps_nothing_for_backward():
    model = twins(CONFIG, 1)[0]
    numpy_gpt.generate(model, [[1, 2], [3]], 20)
    assert all(module._saved.stack == [] for module in model.modules())
    theirs = twins(CONFIG, 1)[1]
    assert not torch_gpt.generate_text_simple(theirs, torch.tensor([[1]]), 2, 5).requires_grad
    assert next(torch_gpt.stream(theirs, [[1, 2]], 1, attention=True)).attention.grad_fn is None


@given(st.data(), ways_to_sample, seeds)
def test_candidates_are_what_is_drawn_from(data, way, seed):
    config = data.draw(configs())
    rows = data.draw(prompts(config))
    options = {**way, "candidates": 5}
    pair = twins(config, seed)
    ours, theirs = (
        list(twin.stream(model, rows, 4, rng=np.random.default_rng(seed), **options)) for twin, model in zip(PAIR, pair)
    )
    kept = min(way["top_k"] or 5, 5, config.vocab_size) if way["temperature"] else min(5, config.vocab_size)
    for a, b in zip(ours, theirs, strict=True):
        for token, mine, yours in zip(a.tokens, a.candidates, b.candidates, strict=True):
            assert [candidate for candidate, _ in mine] == [candidate for candidate, _ in yours]
            assert_close([p for _, p in mine], [p for _, p in yours], FLOAT64)
            chances = [p for _, p in mine]
            assert chances == sorted(chances, reverse=True)
            assert 0 < sum(chances) <= 1 + 1e-12
            assert len(mine) <= kept
            if way["temperature"] == 0:
                assert mine[0][0] == token


@few
@given(st.data(), seeds)
def test_attention_weights(data, seed):
    """Each position's weights sum to 1 and see no later one; transformers reports the same; a step's are its last row."""
    config = data.draw(configs(context_length=7))
    rng = np.random.default_rng(seed)
    ids = rng.integers(config.vocab_size, size=(2, 5))
    pair = twins(config, seed)
    theirs = as_transformers(pair[0])
    theirs.set_attn_implementation("eager")
    expected = torch.stack(theirs(torch.from_numpy(ids), output_attentions=True).attentions)
    for twin, model in zip(PAIR, pair):
        maps = twin.attention_maps(model, ids.tolist())
        assert to_numpy(maps).shape == (config.n_layers, 2, config.n_heads, 5, 5)
        assert_close(maps, expected, FLOAT64)
        assert np.all(np.triu(to_numpy(maps), 1) == 0)
        assert twin.attention.attention_record.maps is None
        for use_cache in (True, False):
            steps = list(twin.stream(model, ids.tolist(), 3, attention=True, use_cache=use_cache))
            assert [tuple(step.attention.shape[-2:]) for step in steps] == [(config.n_heads, 5 + i) for i in range(3)]
            assert_close(steps[0].attention, maps[:, :, :, -1], FLOAT64)
            assert next(twin.stream(model, ids.tolist(), 1, use_cache=use_cache)).attention is None


def test_padding_gets_no_attention():
    for twin, model in zip(PAIR, twins(CONFIG, 2)):
        first, second = itertools.islice(twin.stream(model, [[1, 2, 3, 4], [5]], 2, attention=True), 2)
        for step, padding in ((first, 3), (second, 3)):
            assert np.all(to_numpy(step.attention)[:, 1, :, :padding] == 0)
            assert np.allclose(to_numpy(step.attention).sum(-1), 1)


@pytest.mark.parametrize("twin", PAIR)
def test_fresh_numbers_without_a_generator(twin):
    model = twins(CONFIG, 1)[twin is torch_gpt]
    samples = {tuple(twin.generate(model, [[1]], 12, temperature=2.0)[0]) for _ in range(3)}
    assert len(samples) == 3


@pytest.mark.parametrize("twin", PAIR)
def test_kinds_of_prompts(twin, no_shape_checks):
    """Arrays, tensors, tuples and rows of NumPy's integers stand for the same lists."""
    model = twins(CONFIG, 1)[twin is torch_gpt]
    expected = twin.generate(model, [[1, 2], [3, 4]], 3)
    rows = np.array([[1, 2], [3, 4]])
    for kind in (rows, torch.from_numpy(rows), list(rows), ((1, 2), (3, 4)), [list(row) for row in rows]):
        assert twin.generate(model, kind, 3) == expected
    assert twin.generate(model, rows, 0) == [[1, 2], [3, 4]]


BAD = [
    ({"ids": []}, "give a list of id lists"),
    ({"ids": [1, 2]}, r"Prompts are \[1, 2\]; give a list of id lists, for one prompt \[ids\]"),
    ({"ids": "text"}, "Prompt 0 holds 't'; give integers"),
    ({"ids": [[1], []]}, "Prompt 1 holds no token"),
    ({"ids": [[1], [2.5]]}, "Prompt 1 holds 2.5; give integers"),
    ({"ids": [[1, 31]]}, "prompt 0 hold 31, outside the vocabulary of 0 to 30"),
    ({"ids": [[-1] + [1] * 20]}, "hold -1, outside"),  # also where the window does not reach
    ({"max_new_tokens": -1}, "max_new_tokens is -1"),
    ({"max_new_tokens": 1.5}, "max_new_tokens is 1.5"),
    ({"temperature": -0.1}, "temperature is -0.1"),
    ({"temperature": float("nan")}, "temperature is nan"),
    ({"temperature": float("inf")}, "temperature is inf"),
    ({"top_k": 0}, "top_k is 0"),
    ({"top_k": True}, "top_k is True"),
    ({"top_p": 0}, "top_p is 0"),
    ({"top_p": 1.1}, "top_p is 1.1"),
    ({"repetition_penalty": 0.0}, "repetition_penalty is 0.0"),
    ({"eos_id": 31}, "eos_id hold 31"),
]


@pytest.mark.parametrize(("change", "message"), BAD)
def test_bad_input_is_refused_in_the_same_words(change, message, no_shape_checks):
    """At the call, before the first step is asked for."""
    given_ = {"ids": [[1]], "max_new_tokens": 1, **change}
    for twin, model in zip(PAIR, twins(CONFIG, 1)):
        for function in (twin.generate, twin.stream):
            with pytest.raises(ValueError, match=message):
                function(model, **given_)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_damaged_weights_are_named(bad):
    for twin, model in zip(PAIR, twins(CONFIG, 1)):
        model.state_dict()["ln_f.bias"][2] = bad
        with pytest.raises(ValueError, match="its weights are damaged or its training diverged"):
            twin.generate(model, [[1]], 1)
        assert not model.training
