"""Attention: the twins, PyTorch's two own attentions and central differences give the same; who sees whom is as it should."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import numpy_gpt
import torch_gpt
from numpy_gpt import GPTConfig
from numpy_gpt.attention import hidden_keys, merge_heads, split_heads
from parity_tests import passes
from parity_tests.report.measure import FLOAT32, FLOAT64, assert_all_close, assert_close
from parity_tests.strategies import configs, seeds, sizes
from torch_gpt.attention import hidden_keys as torch_hidden_keys

batches = st.sampled_from([1, 2, 3])


def pair_of(config: GPTConfig, seed: int, dtype: str = "float64"):
    """MultiHeadAttention in both twins with the same weights and dropout generators in the same state."""
    both = [
        twin.MultiHeadAttention(config, np.random.default_rng(seed), getattr(twin, dtype))
        for twin in (numpy_gpt, torch_gpt)
    ]
    return passes.randomized(*both, seed=seed)


def input_and_dy(config: GPTConfig, B: int, T: int, seed: int, dtype: str = "float64"):
    return np.random.default_rng([seed, 3]).standard_normal((2, B, T, config.emb_dim)).astype(dtype)


def scaled_dot_product(layer: numpy_gpt.MultiHeadAttention):
    """The same attention with PyTorch's kernel in the middle, and its parameters' names ours."""

    class Judge(torch.nn.Module):
        def __init__(self):
            super().__init__()
            for name, array in layer.state_dict().items():
                self.register_parameter(name.replace(".", "_"), torch.nn.Parameter(torch.tensor(array)))

        def forward(self, x):
            qkv = torch.nn.functional.linear(x, self.c_attn_weight, getattr(self, "c_attn_bias", None))
            q, k, v = (part.unflatten(-1, (layer.n_heads, -1)).movedim(-2, 1) for part in qkv.tensor_split(3, dim=-1))
            context = torch.nn.functional.scaled_dot_product_attention(q, k, v, is_causal=True)
            return torch.nn.functional.linear(context.movedim(1, -2).flatten(-2), self.c_proj_weight, self.c_proj_bias)

    return Judge()


def renamed(results: passes.Results) -> passes.Results:
    return {name.replace(".", "_"): value for name, value in results.items()}


@pytest.mark.parametrize("drop_rate", [0.0, 0.3])
@given(data=st.data(), B=batches, seed=seeds)
def test_twins_agree(drop_rate, data, B, seed):
    config = data.draw(configs(drop_rate, narrowest=1))
    T = data.draw(st.integers(1, config.context_length))
    layer, twin = pair_of(config, seed)
    x, dy = input_and_dy(config, B, T, seed)
    assert_all_close(passes.by_hand(layer, x, dy), passes.by_autograd(twin, x, dy), FLOAT64)


@given(config=configs(drop_rate=0.2, narrowest=10), B=batches, seed=seeds)
def test_twins_agree_in_float32(config, B, seed):
    layer, twin = pair_of(config, seed, "float32")
    x, dy = input_and_dy(config, B, config.context_length, seed, "float32")
    ours, theirs = passes.by_hand(layer, x, dy), passes.by_autograd(twin, x, dy)
    assert_all_close(ours, theirs, FLOAT32)
    assert {value.dtype for value in [*ours.values(), *theirs.values()]} == {np.dtype("float32")}


@given(config=configs(narrowest=1), B=batches, seed=seeds)
def test_torchs_kernel_agrees(config, B, seed):
    layer, _ = pair_of(config, seed)
    x, dy = input_and_dy(config, B, config.context_length, seed)
    judged = passes.by_autograd(scaled_dot_product(layer), x, dy)
    assert_all_close(renamed(passes.by_hand(layer, x, dy)), judged, FLOAT64)


@given(config=configs(narrowest=1, qkv_bias=True), B=batches, seed=seeds)
def test_torchs_module_agrees(config, B, seed):
    """torch.nn.MultiheadAttention: its in_proj is our c_attn, its out_proj our c_proj."""
    layer, _ = pair_of(config, seed)
    T = config.context_length
    judge = torch.nn.MultiheadAttention(config.emb_dim, config.n_heads, batch_first=True, dtype=torch.float64)
    names = {"in_proj_weight": "c_attn.weight", "in_proj_bias": "c_attn.bias"}
    names |= {"out_proj.weight": "c_proj.weight", "out_proj.bias": "c_proj.bias"}
    judge.load_state_dict({theirs: torch.tensor(layer.state_dict()[ours]) for theirs, ours in names.items()})
    x, dy = input_and_dy(config, B, T, seed)
    ours = passes.by_hand(layer, x, dy)
    tensor = torch.tensor(x, requires_grad=True)
    y, _ = judge(tensor, tensor, tensor, attn_mask=torch.ones(T, T, dtype=torch.bool).triu(1), need_weights=False)
    y.backward(torch.tensor(dy))
    assert_close(ours["output"], y, FLOAT64)
    assert_close(ours["dx"], tensor.grad, FLOAT64)
    judged = {names[name]: parameter.grad for name, parameter in judge.named_parameters()}
    assert_all_close({name: ours[name] for name in judged}, judged, FLOAT64)


@pytest.mark.parametrize(("n_heads", "head_dim"), [(1, 3), (3, 2), (2, 1)])
def test_central_differences(n_heads, head_dim):
    config = GPTConfig(
        vocab_size=5, context_length=5, emb_dim=n_heads * head_dim, n_heads=n_heads, n_layers=1, drop_rate=0
    )
    layer, _ = pair_of(config, seed=n_heads)
    x, dy = input_and_dy(config, 2, 5, seed=head_dim)
    assert_all_close(passes.by_hand(layer, x, dy), passes.by_differences(layer, x, dy), 1e-8)


@given(config=configs(narrowest=1, qkv_bias=True), seed=seeds)
def test_the_key_bias_has_no_gradient(config, seed):
    """It adds one number to all scores of a query, which softmax does not feel."""
    layer, _ = pair_of(config, seed)
    x, dy = input_and_dy(config, 2, config.context_length, seed)
    db = passes.by_hand(layer, x, dy)["c_attn.bias"]
    C = config.emb_dim
    assert np.abs(db[C : 2 * C]).max() <= 1e-13 * np.abs(db).max()
    if config.context_length > 2:
        assert np.abs(db[:C]).max() > 1e-6 * np.abs(db).max()  # unlike the query bias


@given(n_heads=sizes, D=sizes, T=sizes, B=batches, seed=seeds)
def test_split_and_merge_heads(n_heads, D, T, B, seed):
    """Feature h D + d of position t becomes feature d of position t of head h, and back."""
    x = np.random.default_rng(seed).standard_normal((B, T, n_heads * D))
    heads = split_heads(x, n_heads)
    h, d, t = n_heads - 1, D // 2, T // 2
    assert np.array_equal(heads[:, h, t, d], x[:, t, h * D + d])
    assert np.array_equal(merge_heads(heads), x)


@pytest.mark.parametrize(("hidden", "kind"), [(hidden_keys, np.array), (torch_hidden_keys, torch.tensor)])
def test_hidden_keys(hidden, kind):
    """One mask for training (T = S) and for the cache (T < S): the last query sees every key."""
    assert np.asarray(hidden(3, 3)).tolist() == [[False, True, True], [False, False, True], [False, False, False]]
    assert np.asarray(hidden(2, 4)).tolist() == [[False, False, False, True], [False, False, False, False]]
    assert np.asarray(hidden(1, 5)).tolist() == [[False] * 5]
    padded = np.asarray(hidden(2, 2, kind([0, 1])))
    assert padded.shape == (2, 1, 2, 2)
    assert padded[0, 0].tolist() == [[False, True], [False, False]]
    assert padded[1, 0].tolist() == [[True, True], [True, False]]


def test_scores_are_scaled_by_the_root_of_the_head_width():
    """The second position scores itself 1 / √D and the first 0: it takes the share 1 / (1 + exp(-1/√D)) of its own value."""
    config = GPTConfig(vocab_size=5, context_length=2, emb_dim=4, n_heads=1, n_layers=1, drop_rate=0)
    layer = numpy_gpt.MultiHeadAttention(config, np.random.default_rng(0), np.float64)
    select = np.eye(4)
    layer.c_attn.weight.data[0] = layer.c_attn.weight.data[4] = select[0]  # q and k hear feature 0
    layer.c_attn.weight.data[8] = select[1]  # v hears feature 1
    layer.c_proj.weight.data[...] = select
    x = np.array([[[0.0, 0.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0]]])
    assert layer(x)[0, 1, 0] == pytest.approx(1 / (1 + math.exp(-1 / 2)), abs=1e-15)
