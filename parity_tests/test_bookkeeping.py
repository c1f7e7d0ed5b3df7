"""What stands around the maths: what forward saves and backward uses up, gradients that add up, names, dtypes, counts."""

import itertools
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import numpy_gpt
import torch_gpt
from numpy_gpt import GPTConfig, Parameter
from parity_tests import passes
from parity_tests.report.measure import FLOAT64, assert_all_close, assert_close, gradients, losses, to_numpy, twins
from parity_tests.strategies import problems, seeds

CONFIG = GPTConfig(vocab_size=17, context_length=7, emb_dim=12, n_heads=3, n_layers=2, drop_rate=0.3)


def some_ids(*shape: int, seed: int = 0, config: GPTConfig = CONFIG) -> np.ndarray:
    return np.random.default_rng(seed).integers(config.vocab_size, size=shape)


def some_dlogits(ids: np.ndarray, seed: int = 1, config: GPTConfig = CONFIG) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((*ids.shape, config.vocab_size))


def waiting(model) -> int:
    """How many saved forward passes lie in all modules together."""
    return sum(len(module._saved.stack) for module in model.modules())


# Forward and backward passes


def test_two_forwards_then_two_backwards():
    """Last in, first out: the second forward's backward comes first, and the gradients are those of both batches."""
    first, second = some_ids(2, 7), some_ids(3, 5, seed=2)
    model, twin = twins(CONFIG, 0)
    model(first), model(second)
    model.backward(some_dlogits(second)), model.backward(some_dlogits(first))
    for ids in (first, second):
        twin(torch.tensor(ids)).backward(torch.tensor(some_dlogits(ids)))
    assert_all_close(gradients(model), gradients(twin), FLOAT64)
    assert waiting(model) == 0


@pytest.mark.parametrize("name", ["Linear", "LayerNorm", "GELU", "Dropout"])
def test_a_layer_used_twice(name):
    """y = layer(layer(x)): each use has its own saved values, and a parameter collects both gradients."""
    build = {
        "Linear": lambda twin: twin.Linear(5, 5, dtype=twin.float64),
        "LayerNorm": lambda twin: twin.LayerNorm(5, dtype=twin.float64),
        "GELU": lambda twin: twin.GELU(),
        "Dropout": lambda twin: twin.Dropout(0.3, np.random.default_rng(0)),
    }[name]
    layer, twin = passes.randomized(build(numpy_gpt), build(torch_gpt))
    x, dy = np.random.default_rng(1).standard_normal((2, 4, 5))
    tensor = torch.tensor(x, requires_grad=True)
    y = twin(twin(tensor))
    y.backward(torch.tensor(dy))
    assert_close(layer(layer(x)), y, FLOAT64)
    assert_close(layer.backward(layer.backward(dy)), tensor.grad, FLOAT64)
    for parameter, theirs in zip(layer.parameters(), twin.parameters()):
        assert_close(parameter.grad, theirs.grad, FLOAT64)


def test_evaluation_between_forward_and_backward():
    """A look at the model under no_grad, in evaluation mode and on another batch, leaves the pending backward as it was."""
    ids, dlogits = some_ids(2, 7), some_dlogits(some_ids(2, 7))
    undisturbed, _ = twins(CONFIG, 0)
    undisturbed.train()(ids)
    undisturbed.backward(dlogits)
    model, _ = twins(CONFIG, 0)
    model.train()(ids)
    with numpy_gpt.no_grad():
        model.eval()(some_ids(3, 4, seed=5))
    model.train()
    model.backward(dlogits)
    assert_all_close(gradients(model), gradients(undisturbed), 0.0)


def test_evaluation_that_saves_is_still_answered_in_order():
    """Without no_grad, an evaluation forward waits for a backward of its own, and gets the one that comes first."""
    model, twin = twins(CONFIG, 0)
    first, second = some_ids(2, 7), some_ids(1, 3, seed=5)
    model(first), model(second)
    model.backward(some_dlogits(second))
    twin(torch.tensor(second)).backward(torch.tensor(some_dlogits(second)))
    assert_all_close(gradients(model), gradients(twin), FLOAT64)
    assert waiting(model) > 0


def test_no_grad_saves_nothing_and_changes_nothing():
    ids = some_ids(2, 7)
    model, _ = twins(CONFIG, 0)
    expected = model(ids)
    model.backward(some_dlogits(ids))
    with numpy_gpt.no_grad():
        quiet = model(ids)
        with numpy_gpt.no_grad():
            pass
        model(ids)  # leaving the inner one does not leave the outer one

    @numpy_gpt.no_grad()
    def decorated():
        return model(ids)

    assert np.array_equal(quiet, expected)
    assert np.array_equal(decorated(), expected)
    assert waiting(model) == 0
    with pytest.raises(RuntimeError, match=r"GPTModel.backward has no forward pass to answer"):
        model.backward(some_dlogits(ids))


@pytest.mark.parametrize("frozen", range(CONFIG.n_layers + 1))
def test_what_is_frozen_at_the_bottom_keeps_nothing_and_is_not_walked_back(frozen):
    model, twin = twins(CONFIG, 0)
    still = ("wte.", "wpe.", *(f"h.{i}." for i in range(frozen)))
    for one in (model, twin):
        for name, parameter in one.named_parameters():
            parameter.requires_grad = not name.startswith(still)
    ids = some_ids(2, 7)
    logits = model(ids)
    assert all(waiting(block) == 0 for block in [*model.h][:frozen])
    assert all(waiting(block) > 0 for block in [*model.h][frozen:])
    model.backward(some_dlogits(ids))
    assert waiting(model) == 0
    theirs = twin(torch.tensor(ids))
    theirs.backward(torch.tensor(some_dlogits(ids)))
    assert_close(logits, theirs, FLOAT64)
    for (name, ours), parameter in zip(model.named_parameters(), twin.parameters()):
        assert (ours.grad is None) == (parameter.grad is None) == name.startswith(still), name
        if ours.grad is not None:
            assert_close(ours.grad, parameter.grad, FLOAT64, name)


@pytest.mark.parametrize("learns", ["wte.", "wpe.", "h.0.attn.c_attn.bias"])
def test_what_learns_at_the_bottom_is_reached(learns):
    model, twin = twins(CONFIG, 0)
    for one in (model, twin):
        for name, parameter in one.named_parameters():
            parameter.requires_grad = name.startswith(learns)
    ids = some_ids(2, 7)
    model(ids)
    model.backward(some_dlogits(ids))
    twin(torch.tensor(ids)).backward(torch.tensor(some_dlogits(ids)))
    for (name, ours), parameter in zip(model.named_parameters(), twin.parameters()):
        assert (ours.grad is None) == (not name.startswith(learns)), name
        if ours.grad is not None:
            assert_close(ours.grad, parameter.grad, FLOAT64, name)
    assert waiting(model) == 0


def test_an_error_inside_no_grad_ends_it():
    layer = numpy_gpt.GELU()
    with pytest.raises(ZeroDivisionError), numpy_gpt.no_grad():
        1 / 0  # noqa: B018
    layer(np.ones(3))
    assert waiting(layer) == 1


@pytest.mark.parametrize(
    ("layer", "dy"),
    [
        (numpy_gpt.Linear(2, 3), np.ones((1, 3), np.float32)),
        (numpy_gpt.Embedding(2, 3), np.ones((1, 3), np.float32)),
        (numpy_gpt.LayerNorm(3), np.ones((1, 3), np.float32)),
        (numpy_gpt.GELU(), np.ones(3)),
        (numpy_gpt.Dropout(0.1, np.random.default_rng(0)), np.ones(3)),
        (numpy_gpt.MultiHeadAttention(CONFIG, np.random.default_rng(0)), np.ones((1, 2, 12), np.float32)),
        (numpy_gpt.CrossEntropy(), 1.0),
    ],
    ids=lambda value: type(value).__name__,
)
def test_backward_without_forward(layer, dy):
    with pytest.raises(
        RuntimeError, match=f"{type(layer).__name__}.backward has no forward pass to answer: call forward"
    ):
        layer.backward(dy)


def test_forward_passes_that_pile_up_are_reported_once():
    """A loop that forgets no_grad keeps all its activations: said at the sixteenth, not at each."""
    layer = numpy_gpt.GELU()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(15):
            layer(np.ones(2))
    with pytest.warns(UserWarning, match="16 forward passes of GELU .* no_grad"):
        layer(np.ones(2))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        layer(np.ones(2))


@given(problems(drop_rate=0.3))
def test_inputs_and_dy_stay_as_they_were(problem):
    model, _ = twins(problem.config, problem.seed)
    model.train()
    criterion = numpy_gpt.CrossEntropy()
    ids, targets = problem.ids.copy(), problem.targets.copy()
    before = {name: array.copy() for name, array in model.state_dict().items()}
    logits = model(ids)
    kept_logits = logits.copy()
    criterion(logits, targets)
    dlogits = criterion.backward()
    kept_dlogits = dlogits.copy()
    model.backward(dlogits)
    for now, kept in [(ids, problem.ids), (targets, problem.targets), (logits, kept_logits), (dlogits, kept_dlogits)]:
        assert np.array_equal(now, kept)
    assert_all_close(model.state_dict(), before, 0.0)


@pytest.mark.parametrize(
    "name", ["Linear", "LayerNorm", "GELU", "Dropout", "FeedForward", "TransformerBlock", "MultiHeadAttention"]
)
def test_layers_leave_x_and_dy_as_they_were(name):
    rng = np.random.default_rng(0)
    layer = {
        "Linear": lambda: numpy_gpt.Linear(12, 12, dtype=np.float64),
        "LayerNorm": lambda: numpy_gpt.LayerNorm(12, dtype=np.float64),
        "GELU": numpy_gpt.GELU,
        "Dropout": lambda: numpy_gpt.Dropout(0.3, rng),
    }.get(name, lambda: getattr(numpy_gpt, name)(CONFIG, rng, np.float64))()
    passes.randomized(layer)
    x, dy = rng.standard_normal((2, 2, 5, 12))
    for array in (x, dy):
        array.flags.writeable = False  # writing to them is an error
    results = passes.by_hand(layer, x, dy)
    assert not np.shares_memory(results["output"], x)
    again = results["output"].copy()
    results["dx"][...] = 7  # nor does backward hand out what is used elsewhere
    assert np.array_equal(results["output"], again)


# Parameters


def test_accumulate_adds_up():
    parameter = Parameter(np.zeros((2, 3)))
    first = np.ones((2, 3))
    parameter.accumulate(first)
    parameter.accumulate(np.full((2, 3), 2.0))
    assert (parameter.grad == 3).all()


def test_accumulate_by_rows_adds_every_occurrence():
    parameter = Parameter(np.zeros((4, 2)))
    parameter.accumulate(np.arange(12.0).reshape(2, 3, 2), rows=np.array([[1, 1, 3], [1, 0, 0]]))
    assert parameter.grad.tolist() == [[18, 20], [8, 11], [0, 0], [4, 5]]


@pytest.mark.usefixtures("no_shape_checks")
@pytest.mark.parametrize(
    ("g", "rows", "says"),
    [
        (np.zeros((3, 2)), None, r"shape \(3, 2\) and float64 .* takes \(2, 3\) and float64; look for a transpose"),
        (np.zeros((1, 3)), None, r"shape \(1, 3\)"),  # which += would broadcast
        (np.zeros((2, 3), np.float32), None, "float32 .* float64"),
        (np.zeros((5, 2)), np.zeros(5, int), r"takes \(5, 3\)"),
        (np.zeros((2, 3)), np.zeros(5, int), r"takes \(5, 3\)"),
    ],
)
def test_accumulate_refuses_what_does_not_fit(g, rows, says):
    parameter = Parameter(np.zeros((2, 3)))
    with pytest.raises(ValueError, match=says):
        parameter.accumulate(g, rows)
    assert parameter.grad is None


@pytest.mark.parametrize("tie_embeddings", [True, False])
def test_weight_tying(tie_embeddings):
    """Tied: one array under one key, in the count and in the optimizer once, with the gradients of both its uses."""
    config = CONFIG.replace(tie_embeddings=tie_embeddings)
    ids = some_ids(2, 7)
    for model, use in zip(twins(config, 0), (lambda m: m(ids), lambda m: m(torch.tensor(ids)))):
        assert (model.lm_head.weight is model.wte.weight) == tie_embeddings
        assert ("lm_head.weight" in model.state_dict()) == (not tie_embeddings)
        untied = config.vocab_size * config.emb_dim * (not tie_embeddings)
        assert model.num_parameters() == sum(to_numpy(p).size for p in model.parameters())
        assert model.num_parameters() == twins(CONFIG, 0)[0].num_parameters() + untied
        changed = {name: to_numpy(array).copy() for name, array in model.state_dict().items()}
        changed["wte.weight"][...] = 0
        model.load_state_dict(changed)
        assert (model.lm_head.weight is model.wte.weight) == tie_embeddings
        assert to_numpy(use(model)).any() == (not tie_embeddings)
    tied, _ = twins(CONFIG, 0)
    apart, _ = twins(CONFIG.replace(tie_embeddings=False), 0)
    apart.load_state_dict({**tied.state_dict(), "lm_head.weight": tied.wte.weight.data})
    for model in (tied, apart):
        model(ids)
        model.backward(some_dlogits(ids))
    assert_close(tied.wte.weight.grad, apart.wte.weight.grad + apart.lm_head.weight.grad, FLOAT64)


@given(seed=seeds, data=st.data())
def test_frozen_parameters_get_no_gradient(seed, data):
    """Whatever is frozen, the others' gradients are those of the free model."""
    free, _ = twins(CONFIG, seed)
    names = [name for name, _ in free.named_parameters()]
    frozen = set(data.draw(st.lists(st.sampled_from(names), unique=True)))
    pair = twins(CONFIG, seed)
    ids = some_ids(2, 7, seed=seed)
    losses((free, twins(CONFIG, seed)[1]), ids, ids)
    for model in pair:
        for name, parameter in model.named_parameters():
            parameter.requires_grad = name not in frozen
    if frozen != set(names):
        losses(pair, ids, ids)
    expected = gradients(free)
    for name, parameter in (item for model in pair for item in model.named_parameters()):
        if name in frozen or frozen == set(names):
            assert parameter.grad is None
        else:
            assert_close(parameter.grad, expected[name], FLOAT64, name)


def test_zero_grad_and_gradients_that_add_up():
    ids = some_ids(2, 7)
    model, _ = twins(CONFIG, 0)
    for _ in range(3):
        model(ids)
        model.backward(some_dlogits(ids))
    tripled = gradients(model)
    model.zero_grad()
    assert all(parameter.grad is None for parameter in model.parameters())
    model(ids)
    model.backward(some_dlogits(ids))
    assert_all_close({name: 3 * g for name, g in gradients(model).items()}, tripled, FLOAT64)


def test_gradients_are_the_parameters_own():
    """No two gradients share memory with each other or with anything that backward was handed."""
    ids = some_ids(2, 7)
    model, _ = twins(CONFIG, 0)
    dlogits = some_dlogits(ids)
    model(ids)
    model.backward(dlogits)
    arrays = [dlogits, *(p.grad for p in model.parameters()), *(p.data for p in model.parameters())]
    assert not any(np.shares_memory(a, b) for a, b in itertools.combinations(arrays, 2))


# Modes, names, counts


def test_train_and_eval_reach_every_module():
    for model in (numpy_gpt.GPTModel(CONFIG), torch_gpt.GPTModel(CONFIG)):
        assert model.training
        assert model.eval() is model
        assert not any(module.training for module in model.modules())
        assert model.train() is model
        assert all(module.training for module in model.modules())
        assert not any(module.training for module in model.train(False).modules())


@pytest.mark.parametrize("tie_embeddings", [True, False])
@pytest.mark.parametrize("qkv_bias", [True, False])
def test_names_shapes_and_order_are_the_same(qkv_bias, tie_embeddings):
    config = CONFIG.replace(qkv_bias=qkv_bias, tie_embeddings=tie_embeddings)
    for dtype in ("float32", "float64"):
        states = [twin.GPTModel(config, dtype=getattr(twin, dtype)).state_dict() for twin in (numpy_gpt, torch_gpt)]
        ours, theirs = ([(k, tuple(v.shape), to_numpy(v).dtype) for k, v in state.items()] for state in states)
        assert ours == theirs
        assert {d for _, _, d in ours} == {np.dtype(dtype)}
    block = [
        "ln_1.weight",
        "ln_1.bias",
        "attn.c_attn.weight",
        "attn.c_attn.bias",
        "attn.c_proj.weight",
        "attn.c_proj.bias",
    ]
    block += ["ln_2.weight", "ln_2.bias", "mlp.c_fc.weight", "mlp.c_fc.bias", "mlp.c_proj.weight", "mlp.c_proj.bias"]
    names = [
        "wte.weight",
        "wpe.weight",
        *(f"h.{i}.{name}" for i in range(2) for name in block),
        "ln_f.weight",
        "ln_f.bias",
    ]
    names = [name for name in names if qkv_bias or not name.endswith("c_attn.bias")]
    assert [name for name, _, _ in ours] == names + ["lm_head.weight"] * (not tie_embeddings)
    paths = [[path for path, _ in model.named_modules()] for model in twins(config, 0)]
    assert paths[0] == paths[1]


def test_state_dict_is_the_models_own():
    for model in twins(CONFIG, 0):
        state = model.state_dict()
        state["ln_f.bias"][...] = 5
        assert (to_numpy(model.ln_f.bias) == 5).all()


@pytest.mark.parametrize("twin", [numpy_gpt, torch_gpt])
def test_load_state_dict_names_every_key_and_changes_nothing(twin):
    model = twin.GPTModel(CONFIG)
    before = {name: to_numpy(array).copy() for name, array in model.state_dict().items()}
    bad = {name: np.ones_like(array) for name, array in before.items()}
    del bad["wpe.weight"], bad["h.1.ln_2.bias"]
    bad["lm_head.weight"] = np.ones((17, 12))
    bad["h.0.attn.bias"] = np.ones((1, 1, 7, 7))
    bad["h.0.mlp.c_fc.weight"] = np.ones((12, 48))
    with pytest.raises(ValueError, match="state dict does not fit") as caught:
        model.load_state_dict(bad)
    text = str(caught.value)
    assert "5 differences" in text
    for part in [
        "missing wpe.weight (7, 12)",
        "missing h.1.ln_2.bias (12,)",
        "unexpected lm_head.weight (17, 12)",
        "unexpected h.0.attn.bias (1, 1, 7, 7)",
        "h.0.mlp.c_fc.weight is (12, 48) where the model has (48, 12)",
        "nothing was loaded",
    ]:
        assert part in text
    assert_all_close({name: to_numpy(array) for name, array in model.state_dict().items()}, before, 0.0)


def test_state_dicts_cross_over():
    """Arrays into the PyTorch twin, tensors into the NumPy twin, float64 into float32: the values arrive, the dtype stays."""
    model, twin = twins(CONFIG, 0)
    for target, state in [
        (numpy_gpt.GPTModel(CONFIG), twin.state_dict()),
        (torch_gpt.GPTModel(CONFIG), model.state_dict()),
        (torch_gpt.GPTModel(CONFIG), twin.state_dict()),
    ]:
        target.load_state_dict(state)
        loaded = {name: to_numpy(array) for name, array in target.state_dict().items()}
        assert_all_close(loaded, {name: array.astype(np.float32) for name, array in model.state_dict().items()}, 0.0)
        assert {array.dtype for array in loaded.values()} == {np.dtype("float32")}


@pytest.mark.parametrize(
    ("preset", "changes", "count"),
    [
        ("gpt2-small", {}, 124_439_808),
        ("gpt2-medium", {}, 354_823_168),
        ("gpt2-large", {}, 774_030_080),
        ("gpt2-xl", {}, 1_557_611_200),
        ("gpt2-small", {"tie_embeddings": False, "qkv_bias": False}, 163_009_536),
    ],
)
def test_gpt2s_parameter_counts(preset, changes, count, monkeypatch):
    config, rng = GPTConfig.preset(preset, **changes), np.random.default_rng(0)
    with torch.device("meta"):  # shapes without memory
        assert torch_gpt.GPTModel(config, rng, initialize=False).num_parameters() == count
    monkeypatch.setattr(np, "zeros", lambda shape, dtype=float: np.broadcast_to(np.dtype(dtype).type(0), shape))
    assert numpy_gpt.GPTModel(config, rng, initialize=False).num_parameters() == count


def test_presets_and_their_aliases():
    for alias, name in [("124M", "gpt2-small"), ("355M", "gpt2-medium"), ("774M", "gpt2-large"), ("1558M", "gpt2-xl")]:
        assert GPTConfig.preset(alias) == GPTConfig.preset(name)
        assert GPTConfig.preset(alias).vocab_size == 50257
        assert GPTConfig.preset(alias).context_length == 1024
    changed = GPTConfig.preset("classroom", drop_rate=0.0)
    assert changed == GPTConfig(**{**GPTConfig.preset("classroom").to_dict(), "drop_rate": 0.0})


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("twin", [numpy_gpt, torch_gpt])
def test_the_dtype_stays_everywhere(twin, dtype):
    """Activations, gradients, weights after a step, optimizer moments: no scalar raises float32 to float64 on its way."""
    seen: dict[str, np.dtype] = {}
    model = twin.GPTModel(CONFIG, np.random.default_rng(0), getattr(twin, dtype))
    for path, module in model.named_modules():
        if isinstance(module, twin.ModuleList):
            continue

        def watched(*args, path=path, forward=module.forward, **kwargs):
            y = forward(*args, **kwargs)
            seen[path] = to_numpy(y).dtype
            return y

        module.forward = watched
    criterion = twin.CrossEntropy()
    ids = some_ids(2, 7)
    if twin is numpy_gpt:
        loss = criterion(model(ids), ids)
        model.backward(criterion.backward())
    else:
        loss = criterion(model(torch.tensor(ids)), torch.tensor(ids))
        loss.backward()
    optimizer = twin.AdamW(model.parameters(), lr=0.1)
    twin.clip_grad_norm(model.parameters(), 0.1)
    optimizer.step()
    assert len(seen) > 20
    found = {*seen.values(), to_numpy(loss).dtype}
    found |= {to_numpy(value).dtype for p in model.parameters() for value in (p, p.grad)}
    found |= {to_numpy(moment).dtype for moment in [*optimizer.m, *optimizer.v]}
    assert found == {np.dtype(dtype)}
