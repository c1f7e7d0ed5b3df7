"""Laws that hold whatever the weights are: who can influence whom, and what must not change anything. For both twins."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import numpy_gpt
import torch_gpt
from numpy_gpt import functional
from parity_tests import passes
from parity_tests.report.measure import FLOAT64, TOLERANCE, assert_all_close, assert_close, gradients, to_numpy, twins
from parity_tests.strategies import configs, problems, seeds, sizes
from torch_gpt import functional as torch_functional

TWINS = pytest.mark.parametrize("which", [0, 1], ids=["numpy_gpt", "torch_gpt"])
DTYPES = pytest.mark.parametrize("dtype", ["float64", "float32"])
FUNCTIONS = pytest.mark.parametrize(
    ("functions", "array"), [(functional, np.array), (torch_functional, torch.tensor)], ids=["numpy_gpt", "torch_gpt"]
)


def run(model, ids: np.ndarray, cache=None, padding=None) -> np.ndarray:
    """Logits as an array, from either twin, nothing saved."""
    if isinstance(model, numpy_gpt.GPTModel):
        with numpy_gpt.no_grad():
            return model(ids, cache, padding)
    padding = None if padding is None else torch.tensor(padding)
    with torch.no_grad():
        return to_numpy(model(torch.tensor(ids), cache, padding))


# The model


@TWINS
@DTYPES
@given(problem=problems(narrowest=10), at=st.floats(0, 1, exclude_max=True))
def test_causality(which, dtype, problem, at):
    """Another token at position t changes no bit of the logits before t, in any row, and nothing in the other rows."""
    model = twins(problem.config, problem.seed, dtype)[which]
    t = int(at * problem.ids.shape[1])
    before = run(model, problem.ids)
    changed = problem.ids.copy()
    changed[0, t] = (changed[0, t] + 1) % problem.config.vocab_size
    after = run(model, changed)
    assert np.array_equal(before[0, :t], after[0, :t])
    assert np.array_equal(before[1:], after[1:])
    assert not np.array_equal(before[0, t], after[0, t])


@TWINS
@given(problem=problems())
def test_no_gradient_flows_back_from_the_future(which, problem):
    """A loss at position t reaches the position embeddings up to t and none behind."""
    model = twins(problem.config, problem.seed)[which]
    T = problem.ids.shape[1]
    dlogits = np.zeros((*problem.ids.shape, problem.config.vocab_size))
    dlogits[:, T // 2] = np.random.default_rng(problem.seed).standard_normal(problem.config.vocab_size)
    if which == 0:
        model(problem.ids)
        model.backward(dlogits)
    else:
        model(torch.tensor(problem.ids)).backward(torch.tensor(dlogits))
    rows = np.abs(gradients(model)["wpe.weight"]).sum(axis=1)
    assert not rows[T // 2 + 1 :].any()
    assert rows[T // 2] > 0


@TWINS
@DTYPES
@given(problem=problems(narrowest=10))
def test_a_row_does_not_depend_on_its_batch(which, dtype, problem):
    model = twins(problem.config, problem.seed, dtype)[which]
    together = run(model, problem.ids)
    for row, ids in zip(together, problem.ids):
        assert_close(run(model, ids[None])[0], row, TOLERANCE[dtype])


@TWINS
@given(config=configs(), seed=seeds)
def test_the_order_of_heads_does_not_matter(which, config, seed):
    """Heads moved in c_attn's rows (in q, k and v alike) and in c_proj's columns: the same logits."""
    model = twins(config, seed)[which]
    ids = np.random.default_rng(seed).integers(config.vocab_size, size=(2, config.context_length))
    before = run(model, ids)
    heads = np.random.default_rng(seed).permutation(config.n_heads)
    features = np.arange(config.emb_dim).reshape(config.n_heads, -1)[heads].reshape(-1)
    rows = np.concatenate([features + part * config.emb_dim for part in range(3)])
    state = {name: to_numpy(array).copy() for name, array in model.state_dict().items()}
    for name in state:
        if ".c_attn." in name:
            state[name] = state[name][rows]
        elif name.endswith("attn.c_proj.weight"):
            state[name] = state[name][:, features]
    model.load_state_dict(state)
    assert_close(run(model, ids), before, FLOAT64)


@TWINS
@DTYPES
@given(problem=problems(narrowest=10), data=st.data())
def test_the_cache_changes_nothing(which, dtype, problem, data):
    """The sequence in pieces through a KVCache: the logits of one pass over all of it."""
    model = twins(problem.config, problem.seed, dtype)[which]
    whole = run(model, problem.ids)
    T = problem.ids.shape[1]
    cuts = sorted(data.draw(st.sets(st.integers(1, max(T - 1, 1)), max_size=4)) & set(range(1, T)))
    cache = (numpy_gpt, torch_gpt)[which].KVCache(problem.config)
    for _ in range(2):
        pieces = [run(model, piece, cache) for piece in np.split(problem.ids, cuts, axis=1)]
        assert cache.length == T
        assert_close(np.concatenate(pieces, axis=1), whole, TOLERANCE[dtype])
        cache.reset()  # and from the start again, over what is left in memory
        assert cache.length == 0


@TWINS
@DTYPES
@given(problem=problems(narrowest=10), data=st.data())
def test_padding_on_the_left_changes_nothing(which, dtype, problem, data):
    """Rows of different length, filled up at the start with any token: each gets the logits it gets alone; with a cache too."""
    model = twins(problem.config, problem.seed, dtype)[which]
    B, T = problem.ids.shape
    padding = np.array(data.draw(st.lists(st.integers(0, T - 1), min_size=B, max_size=B)))
    padded = run(model, problem.ids, padding=padding)
    assert np.isfinite(padded).all()
    cache = (numpy_gpt, torch_gpt)[which].KVCache(problem.config)
    cut = T // 2
    pieces = [run(model, piece, cache, padding) for piece in (problem.ids[:, :cut], problem.ids[:, cut:]) if piece.size]
    for row, ids, fill, cached in zip(padded, problem.ids, padding, np.concatenate(pieces, axis=1)):
        alone = run(model, ids[None, fill:])[0]
        assert_close(row[fill:], alone, TOLERANCE[dtype])
        assert_close(cached[fill:], alone, TOLERANCE[dtype])


@TWINS
@given(problem=problems(context_length=7), fill=st.integers(1, 3))
def test_padding_gets_and_gives_no_gradient(which, problem, fill):
    """Filler is seen by no one: with no loss on it, the gradients are those of the row without it."""
    ids = np.resize(problem.ids[:1], (1, 7))
    padded, alone = (twins(problem.config, problem.seed)[which] for _ in range(2))
    dlogits = np.random.default_rng(problem.seed).standard_normal((1, 7, problem.config.vocab_size))
    dlogits[:, :fill] = 0
    if which == 0:
        padded(ids, padding=np.array([fill]))
        padded.backward(dlogits)
        alone(ids[:, fill:])
        alone.backward(dlogits[:, fill:])
    else:
        padded(torch.tensor(ids), padding=torch.tensor([fill])).backward(torch.tensor(dlogits))
        alone(torch.tensor(ids[:, fill:])).backward(torch.tensor(dlogits[:, fill:]))
    assert_all_close(gradients(padded), gradients(alone), FLOAT64)


# LayerNorm


@FUNCTIONS
@given(leading=st.lists(sizes, max_size=2).map(tuple), C=st.sampled_from([2, 3, 7, 31]), seed=seeds)
def test_layer_norms_laws(functions, array, leading, C, seed):
    """Shifting x changes nothing; scaling it, and eps with the square of the scale, changes nothing; -x gives -x̂."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((*leading, C))
    one, zero = np.ones(C), np.zeros(C)

    def normalized(x, eps=1e-5, weight=one, bias=zero):
        return to_numpy(functions.layer_norm(array(x), array(weight), array(bias), eps))

    y = normalized(x)
    variance, shift = x.var(axis=-1), 1000 * rng.standard_normal()
    # What rounding does to numbers near 1, made larger by the division.
    rounding = 10 * np.finfo(float).eps / np.sqrt(variance.min() + 1e-5)
    assert np.abs(normalized(x + shift) - y).max() < rounding * (np.abs(x).max() + abs(shift))
    for scale in (1e-4, 3.0, 1e4):
        assert_close(normalized(scale * x, eps=scale**2 * 1e-5), y, FLOAT64)
    assert_close(normalized(-x), -y, 1e-15)
    weight, bias = rng.standard_normal((2, C))
    assert_close(normalized(x, weight=weight, bias=bias), y * weight + bias, 1e-15)
    assert np.abs(y.mean(axis=-1)).max() < rounding * (np.abs(x).max() + 1)
    assert_close(y.var(axis=-1), variance / (variance + 1e-5), FLOAT64)  # biased, and eps under the root


@FUNCTIONS
@DTYPES
def test_a_constant_row_is_normalised_to_zero(functions, array, dtype):
    """No variance to divide by: the output is the bias, and the gradients are finite."""
    C = 7
    x = np.full((2, C), 3.0, dtype)
    weight, bias = np.full(C, 2.0, dtype), np.linspace(-1, 1, C).astype(dtype)
    y = functions.layer_norm(array(x), array(weight), array(bias))
    assert np.array_equal(to_numpy(y), np.broadcast_to(bias, (2, C)))
    both = passes.randomized(
        numpy_gpt.LayerNorm(C, dtype=np.dtype(dtype)), torch_gpt.LayerNorm(C, dtype=getattr(torch, dtype))
    )
    dy = np.random.default_rng(0).standard_normal((2, C)).astype(dtype)
    ours, theirs = passes.by_hand(both[0], x, dy), passes.by_autograd(both[1], x, dy)
    assert all(np.isfinite(value).all() for value in ours.values())
    assert_all_close(ours, theirs, TOLERANCE[dtype])


@FUNCTIONS
def test_a_large_mean_costs_layer_norm_few_digits(functions, array):
    """In float32, values around 1,000: the variance as E[x²] - E[x]² would have no digit left."""
    x = np.random.default_rng(0).standard_normal((5, 64))
    exact = functional.layer_norm(x, np.ones(64), np.zeros(64))
    rounded = functions.layer_norm(
        array((x + 1000).astype(np.float32)), array(np.ones(64, np.float32)), array(np.zeros(64, np.float32))
    )
    assert_close(rounded, exact, 1e-4)


# Softmax


@FUNCTIONS
@DTYPES
@given(leading=st.lists(sizes, max_size=2).map(tuple), S=sizes, seed=seeds)
def test_softmaxs_laws(functions, array, dtype, leading, S, seed):
    """Rows sum to 1; a shift by ±1e4 changes no bit (x on a grid on which float32 can shift exactly)."""
    x = (np.random.default_rng(seed).integers(-300, 300, size=(*leading, S)) / 64).astype(dtype)
    p = to_numpy(functions.softmax(array(x)))
    assert (p > 0).all()
    assert np.abs(p.sum(axis=-1) - 1).max() < {"float64": 1e-15, "float32": 1e-6}[dtype]
    for shift in (-1e4, 1e4):
        assert np.array_equal(to_numpy(functions.softmax(array(x + np.array(shift, dtype)))), p)


@FUNCTIONS
@DTYPES
def test_extreme_scores(functions, array, dtype):
    """Differences of 2e4: the smaller share is 0, nothing overflows."""
    x = np.array([[1e4, -1e4], [-1e4, -1e4], [1e4, -np.inf]], dtype)
    assert to_numpy(functions.softmax(array(x))).tolist() == [[1, 0], [0.5, 0.5], [1, 0]]


@FUNCTIONS
@DTYPES
@pytest.mark.parametrize("size", [1.0, 1e6])
def test_a_fully_masked_row_is_zero(functions, array, dtype, size):
    """-inf throughout: no share for anyone, and no NaN, however large the gradient that comes in."""
    x = np.array([[-np.inf] * 3, [0.0, -np.inf, 0.0]], dtype)
    dy = np.array([[size, -size, 2 * size]] * 2, dtype)
    p = to_numpy(functions.softmax(array(x)))
    assert p.tolist() == [[0, 0, 0], [0.5, 0, 0.5]]
    if functions is functional:
        dx = functional.softmax_backward(dy, p)
    else:
        dx = passes.by_autograd(torch_functional.softmax, x, dy)["dx"]
    assert dx.tolist() == [[0, 0, 0], [-size / 4, 0, size / 4]]
