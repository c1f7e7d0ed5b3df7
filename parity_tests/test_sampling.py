"""From logits to a token: the cuts against transformers' own, the draw against its definition."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import RepetitionPenaltyLogitsProcessor, TopKLogitsWarper, TopPLogitsWarper

from numpy_gpt import sampling
from parity_tests.report.measure import FLOAT64, assert_close, to_numpy
from parity_tests.strategies import seeds
from torch_gpt import sampling as torch_sampling

ROOMS = [(sampling, np.asarray), (torch_sampling, torch.from_numpy)]
vocabularies = st.sampled_from([1, 2, 3, 31, 997])


def logits_for(seed: int, V: int, ties: bool = False) -> np.ndarray:
    z = 3 * np.random.default_rng(seed).standard_normal((3, V))
    return np.round(z) if ties else z


@given(seeds, vocabularies, st.sampled_from([0.2, 1.0, 3.0]), st.integers(1, 40), st.sampled_from([0.1, 0.5, 0.9, 1.0]))
def test_probabilities_are_those_of_transformers(seed, V, temperature, top_k, top_p):
    z = logits_for(seed, V)
    expected = TopKLogitsWarper(top_k)(None, torch.from_numpy(z) / temperature)
    expected = torch.softmax(expected if top_p == 1 else TopPLogitsWarper(top_p)(None, expected), dim=-1)
    for room, array in ROOMS:
        p = to_numpy(room.probabilities(array(z), temperature, top_k, top_p))
        assert p.dtype == np.float64
        assert np.array_equal(p > 0, to_numpy(expected) > 0)
        assert_close(p, expected, FLOAT64)


@given(seeds, vocabularies, st.integers(1, 40), st.sampled_from([0.1, 0.5, 0.9]))
def test_cuts_by_their_definitions(seed, V, top_k, top_p):
    """With many ties, of which the cut takes all or none."""
    z = logits_for(seed, V, ties=True)
    p = np.exp(z) / np.exp(z).sum(-1, keepdims=True)
    for room, array in ROOMS:
        for row, kept in zip(z, to_numpy(room.keep_top_k(array(z), top_k)) > -np.inf):
            assert np.array_equal(kept, [(row > x).sum() < top_k for x in row])
        cut = to_numpy(room.keep_top_p(array(p), top_p))
        for row, new in zip(p, cut):
            kept = new > 0
            assert row[kept].sum() >= top_p - 1e-12  # they reach top_p
            rarest = row[kept].min()
            assert row[row > rarest].sum() < top_p + 1e-12  # without the rarest of them they do not
            assert np.all(row[~kept] < rarest)
            assert_close(new[kept], row[kept] / row[kept].sum(), FLOAT64)


@given(seeds, vocabularies, st.sampled_from([0.5, 1.0, 1.3]))
def test_repetition_penalty_is_that_of_transformers(seed, V, penalty):
    z = logits_for(seed, V)
    rows = np.random.default_rng(seed).integers(V, size=(3, 5))
    expected = RepetitionPenaltyLogitsProcessor(penalty)(torch.from_numpy(rows), torch.from_numpy(z.copy()))
    for room, array in ROOMS:
        given_ = z.copy()
        assert_close(room.penalize_repetition(array(given_), rows.tolist(), penalty), expected, FLOAT64)
        assert np.array_equal(given_, z)


@given(seeds, vocabularies)
def test_draw_inverts_the_cumulative_distribution(seed, V):
    rng = np.random.default_rng(seed)
    p = rng.random((3, V)) * (rng.random((3, V)) < 0.5)  # many tokens that must never come
    p[:, rng.integers(V)] += 0.1
    p /= p.sum(-1, keepdims=True)
    for room, array in ROOMS:
        for u in (rng.random(3), np.zeros(3), np.full(3, np.nextafter(1, 0))):
            for row, token, level in zip(p, room.draw(array(p), u).tolist(), u):
                assert row[token] > 0
                assert row[:token].sum() <= level + 1e-12
                assert row[: token + 1].sum() > level - 1e-12


def test_draws_come_as_often_as_they_should():
    """20,000 draws in 3 rows: each token's count within 5 standard deviations."""
    p, n = np.array([[0.5, 0.0, 0.2, 0.3], [0.1, 0.2, 0.3, 0.4], [0.0, 0.0, 0.0, 1.0]]), 20_000
    u = np.random.default_rng(0).random((n, 3))
    for room, array in ROOMS:
        big = array(np.tile(p, (n, 1)))
        tokens = to_numpy(room.draw(big, u.reshape(-1))).reshape(n, 3)
        counts = np.stack([np.bincount(tokens[:, i], minlength=4) for i in range(3)])
        assert np.all(np.abs(counts - n * p) <= 5 * np.sqrt(n * p * (1 - p)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_extremes(dtype):
    """A tiny temperature picks the largest, a huge one levels all; -inf stays impossible; ties share."""
    z = np.array([[1.0, 3.0, 3.0, -np.inf], [-1e30, 1e30, 0.0, 5.0]], dtype)
    for room, array in ROOMS:
        cold = to_numpy(room.probabilities(array(z), 1e-30))
        assert np.array_equal(cold, [[0, 0.5, 0.5, 0], [0, 1, 0, 0]])
        assert_close(to_numpy(room.probabilities(array(z), 1e40))[0], [1 / 3, 1 / 3, 1 / 3, 0], FLOAT64)
        assert room.likeliest(array(cold), 3) == [[(1, 0.5), (2, 0.5)], [(1, 1.0)]]
