"""LoRA: the twins against each other, against PEFT and against Keras; and what LoRA promises."""

import json

import numpy as np
import peft
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

import numpy_gpt
import torch_gpt
from numpy_gpt import GPTConfig, LoRALinear, apply_lora, load_lora, lora_state_dict, save_lora
from parity_tests.keras_judge import keras_judge, loss_and_gradients
from parity_tests.optional import tensorflow_gpt
from parity_tests.report.measure import assert_all_close, assert_close, losses, random_state, to_numpy, twins
from parity_tests.strategies import configs, seeds
from parity_tests.transformers_gpt import as_transformers
from shared_gpt.checkpoints import CheckpointError
from shared_gpt.checkpoints.adapters import read_adapter, write_adapter
from torch_gpt import lora as torch_lora

CONFIG = GPTConfig(31, 11, 30, 5, 3, drop_rate=0.0)
TARGETS = ("c_attn", "c_proj", "c_fc")


def batch(config: GPTConfig, seed: int = 0, B: int = 3, T: int = 7) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng([seed, 5])
    T = min(T, config.context_length)
    return rng.integers(config.vocab_size, size=(B, T)), rng.integers(config.vocab_size, size=(B, T))


def lora_twins(config=CONFIG, seed=0, rank=2, alpha=5.0, targets=TARGETS, dropout=0.0, dtype="float64", trained=True):
    """Both twins with the same branches; trained: A and B are drawn anew, so that B is not 0."""
    pair = twins(config, seed, dtype)
    apply_lora(pair[0], rank, alpha, targets, dropout, np.random.default_rng(seed))
    torch_lora.apply_lora(pair[1], rank, alpha, targets, dropout, np.random.default_rng(seed))
    if trained:
        state = random_state(lora_state_dict(pair[0]), seed)
        load_lora(pair[0], state)
        torch_gpt.load_lora(pair[1], state)
    return pair


def trainable_gradients(model) -> dict[str, np.ndarray]:
    return {name: to_numpy(p.grad) for name, p in model.named_parameters() if p.requires_grad}


@given(
    config=configs(),
    seed=seeds,
    rank=st.integers(1, 3),
    alpha=st.sampled_from([1.0, 7.0]),
    dropout=st.sampled_from([0, 0.4]),
)
def test_twins_agree_on_outputs_and_on_the_gradients_of_A_and_B(config, seed, rank, alpha, dropout):
    config = config.replace(drop_rate=0.2)
    pair = lora_twins(config, seed, rank, alpha, dropout=dropout)
    for model in pair:
        model.train()
    ids, targets = batch(config, seed)
    loss, twin_loss = losses(pair, ids, targets)
    assert_close(loss, twin_loss, 1e-10)
    found = trainable_gradients(pair[0])
    assert found
    assert all(".lora_" in name for name in found)
    assert_all_close(found, trainable_gradients(pair[1]), 1e-10)


def test_float32_stays_float32_and_close():
    pair = lora_twins(dtype="float32")
    losses(pair, *batch(CONFIG))
    found = trainable_gradients(pair[0])
    assert {g.dtype for g in found.values()} == {np.dtype("float32")}
    assert_all_close(found, trainable_gradients(pair[1]), 2e-5)


@pytest.mark.parametrize("rank", [1, 4])
def test_peft_agrees(rank):
    model, _ = lora_twins(rank=rank, alpha=3.0)
    plain, _ = twins(CONFIG, 0)
    theirs = peft.get_peft_model(
        as_transformers(plain),
        peft.LoraConfig(r=rank, lora_alpha=3.0, target_modules=list(TARGETS), fan_in_fan_out=True),
    ).double()
    for name, parameter in theirs.named_parameters():
        if "lora_" in name:
            key = name.removeprefix("base_model.model.transformer.").replace(".default.weight", "")
            parameter.data = torch.from_numpy(model.state_dict()[key].copy())
    ids, targets = batch(CONFIG)
    theirs.eval()
    logits = theirs(torch.from_numpy(ids)).logits
    assert_close(model(ids), logits, 1e-10)
    criterion = numpy_gpt.CrossEntropy()
    criterion(model(ids), targets)
    model.backward(criterion.backward())
    torch.nn.functional.cross_entropy(logits.flatten(0, 1), torch.from_numpy(targets).flatten()).backward()
    expected = {
        name.removeprefix("base_model.model.transformer.").replace(".default.weight", ""): to_numpy(p.grad)
        for name, p in theirs.named_parameters()
        if p.requires_grad
    }
    found = trainable_gradients(model)
    assert found.keys() == expected.keys()
    assert_all_close(found, {name: expected[name] for name in found}, 1e-10)


def base_state(model) -> dict[str, np.ndarray]:
    return {name: np.array(array) for name, array in model.state_dict().items() if ".lora_" not in name}


def test_keras_agrees_on_logits_loss_and_gradients():
    pair = lora_twins()
    judge, (ids, targets) = keras_judge(pair[0]), batch(CONFIG)
    assert_close(pair[0](ids), judge(ids), 1e-10)
    loss, _ = losses(pair, ids, targets)
    judged_loss, judged = loss_and_gradients(judge, ids, targets)
    assert_close(loss, judged_loss, 1e-10)
    assert_all_close(trainable_gradients(pair[0]), judged, 1e-10)


def test_all_three_train_alike():
    pair = lora_twins(trained=False)
    base = base_state(pair[0])
    judge = keras_judge(pair[0])
    batches = [batch(CONFIG, step % 2) for step in range(8)]
    judged = tensorflow_gpt.train(
        judge, tensorflow_gpt.AdamW(judge.parameters()), iter(batches), 8, lambda step: 1e-2, 1, 1e9
    )
    optimizers = [
        numpy_gpt.AdamW(pair[0].parameters(), lr=1e-2),
        torch_gpt.AdamW(pair[1].parameters(), lr=1e-2),
    ]
    first = None
    for ids, targets in batches:
        for optimizer in optimizers:
            optimizer.zero_grad()
        loss, twin_loss = losses(pair, ids, targets)
        first = first or loss
        assert_close(loss, twin_loss, 1e-10)
        assert_close(loss, next(judged).loss, 1e-10)
        for optimizer in optimizers:
            optimizer.step()
    assert loss < first
    after = base_state(pair[0])
    assert all(np.array_equal(base[name], after[name]) for name in base)  # bit-identical
    assert any(np.abs(array).max() > 0 for name, array in lora_state_dict(pair[0]).items() if name.endswith("B"))


def test_the_first_step_changes_B_alone():
    model, _ = lora_twins(trained=False)
    ids, targets = batch(CONFIG)
    plain, _ = twins(CONFIG, 0)
    assert np.array_equal(model(ids), plain(ids))  # ΔW = 0
    criterion = numpy_gpt.CrossEntropy()
    criterion(model(ids), targets)
    model.backward(criterion.backward())
    for name, gradient in trainable_gradients(model).items():
        assert (np.abs(gradient).max() == 0) == name.endswith("lora_A")


def test_frozen_weights_get_no_gradient():
    model, twin = lora_twins()
    losses((model, twin), *batch(CONFIG))
    for either in (model, twin):
        for name, parameter in either.named_parameters():
            assert (parameter.grad is None) == (".lora_" not in name), name


@pytest.mark.parametrize("which", [0, 1])
def test_merged_equals_unmerged_and_unmerge_restores(which):
    model = lora_twins()[which]
    lora = (numpy_gpt, torch_gpt)[which]
    ids = batch(CONFIG)[0] if which == 0 else torch.from_numpy(batch(CONFIG)[0])
    before, weights = to_numpy(model(ids)), base_state(model)
    lora.merge_lora(model)
    assert_close(to_numpy(model(ids)), before, 1e-12)
    assert not np.array_equal(base_state(model)["h.0.mlp.c_fc.weight"], weights["h.0.mlp.c_fc.weight"])
    lora.unmerge_lora(model)
    assert_all_close(base_state(model), weights, 1e-14)
    assert_close(to_numpy(model(ids)), before, 1e-12)


def test_full_rank_reaches_the_full_gradient_step():
    """With A = I frozen at full rank, ΔW = s B: a gradient step on B of lr / s² moves W as a full step of lr does."""
    rng = np.random.default_rng(3)
    base = numpy_gpt.Linear(5, 7, dtype=np.float64)
    x, dy, lr = rng.standard_normal((11, 5)), rng.standard_normal((11, 7)), 0.1
    full = numpy_gpt.Linear(5, 7, dtype=np.float64)
    full(x)
    full.backward(dy)
    layer = LoRALinear(base, 5, 15.0, 0.0, rng)
    layer.lora_A.data[...] = np.eye(5)
    layer(x)
    layer.backward(dy)
    layer.lora_B.data -= lr / layer.scale**2 * layer.lora_B.grad
    layer.merge(+1)
    assert_close(layer.weight.data, -lr * full.weight.grad, 1e-12)


def count(config: GPTConfig, rank: int) -> int:
    """By hand: rank times (in + out) of each matrix of each block."""
    C = config.emb_dim
    return config.n_layers * rank * ((C + 3 * C) + (C + C) + (C + 4 * C) + (4 * C + C))


def test_trainable_parameters_of_gpt2_with_a_two_class_head():
    """2,371,616 for rank 16. The book counts 2,666,528: its q, k and v are three layers with an A each, where c_attn has
    one, so every block has 2 · 16 · 768 numbers more, and 12 blocks 294,912."""
    config = GPTConfig.preset("124M")
    model = numpy_gpt.GPTModel(config, initialize=False)
    model.lm_head = numpy_gpt.Linear(config.emb_dim, 2)
    apply_lora(model, 16, 16.0, (*TARGETS, "lm_head"))
    trainable = sum(p.data.size for p in model.parameters() if p.requires_grad)
    assert trainable == 2_371_616 == count(config, 16) + 16 * (768 + 2)
    assert trainable + 12 * 2 * 16 * 768 == 2_666_528


@pytest.mark.parametrize("which", [0, 1])
def test_an_adapter_from_here_loads_in_peft(which, tmp_path):
    import transformers

    pair = lora_twins(alpha=7.0)
    base = numpy_gpt.GPTModel(CONFIG, dtype=np.float64)
    base.load_state_dict(base_state(pair[0]))
    numpy_gpt.save_gpt2(base, tmp_path / "base")
    (save_lora, torch_gpt.save_lora)[which](pair[which], tmp_path / "adapter")
    theirs = transformers.GPT2LMHeadModel.from_pretrained(tmp_path / "base", dtype=torch.float64)
    theirs = peft.PeftModel.from_pretrained(theirs, tmp_path / "adapter").double().eval()
    ids, _ = batch(CONFIG)
    assert_close(pair[0](ids), theirs(torch.from_numpy(ids)).logits, 1e-10)


@pytest.mark.parametrize("targets", [["c_attn"], ["attn.c_proj", "c_fc"]])
def test_an_adapter_from_peft_loads_here(targets, tmp_path):
    plain = twins(CONFIG, 0)
    theirs = as_transformers(plain[0])
    config = peft.LoraConfig(r=3, lora_alpha=2, target_modules=targets, fan_in_fan_out=True, init_lora_weights=False)
    theirs = peft.get_peft_model(theirs, config).double().eval()
    theirs.save_pretrained(tmp_path)
    load_lora(plain[0], tmp_path)
    torch_gpt.load_lora(plain[1], tmp_path)
    ids, _ = batch(CONFIG)
    logits = theirs(torch.from_numpy(ids)).logits
    assert_close(plain[0](ids), logits, 1e-10)
    assert_close(plain[1](torch.from_numpy(ids)), logits, 1e-10)


def test_a_saved_adapter_comes_back_bit_by_bit(tmp_path):
    model, _ = lora_twins()
    save_lora(model, tmp_path / "adapter")
    again, _ = twins(CONFIG, 0)
    load_lora(again, tmp_path / "adapter")
    assert all(np.array_equal(a, b) for a, b in zip(lora_state_dict(model).values(), lora_state_dict(again).values()))
    assert {name for name, p in again.named_parameters() if p.requires_grad} == set(lora_state_dict(model))


def refused(words: str, function, *args, **kwargs) -> None:
    """Both twins' function says these words; a model handed over stays as it was."""
    with pytest.raises(ValueError, match=words) as caught:
        function(*args, **kwargs)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("which", [0, 1])
def test_what_makes_no_sense_is_refused(which, tmp_path):
    lora = (numpy_gpt, torch_gpt)[which]
    model = twins(CONFIG, 0)[which]
    refused("No linear layer is called nothing", lora.apply_lora, model, 2, 2.0, ("nothing",))
    refused("rank is 0; give", lora.apply_lora, model, 0, 2.0)
    refused("rank is 31, above the smaller side", lora.apply_lora, model, 31, 2.0)
    refused("alpha is 0", lora.apply_lora, model, 2, 0)
    refused("dropout is 1", lora.apply_lora, model, 2, 2.0, dropout=1)
    refused("no LoRA layers", lora.merge_lora, model)
    assert all(p.requires_grad for p in model.parameters()), "a refused adaptation froze the model"
    lora.apply_lora(model, 2, 2.0)
    refused("has LoRA already", lora.apply_lora, model, 2, 2.0)
    lora.save_lora(model, tmp_path / "rank2")
    other_rank = twins(CONFIG, 0)[which]
    lora.apply_lora(other_rank, 3, 2.0)
    refused("rank 2 and alpha 2, the model's LoRA layers have rank 3", lora.load_lora, other_rank, tmp_path / "rank2")
    refused("other base weights", lora.load_lora, twins(CONFIG, 1)[which], tmp_path / "rank2")
    lora.merge_lora(model)
    refused("merged already", lora.merge_lora, model)
    refused("merged already", lora.save_lora, model, tmp_path / "merged")
    lora.unmerge_lora(model)
    refused("not merged", lora.unmerge_lora, model)
    with pytest.raises(FileNotFoundError, match="adapter_config"):
        lora.load_lora(model, tmp_path / "nowhere")


def test_an_adapter_of_another_shape_changes_nothing(tmp_path):
    model, _ = lora_twins()
    save_lora(model, tmp_path)
    adapter = read_adapter(tmp_path)
    wide, _ = twins(CONFIG.replace(emb_dim=35), 0)
    write_adapter(tmp_path / "free", type(adapter)(**{**vars(adapter), "base": None}))
    refused("where this model takes", load_lora, wide, tmp_path / "free")
    assert not lora_state_dict(wide)
    assert all(p.requires_grad for p in wide.parameters())


def test_peft_variants_with_other_maths_are_refused(tmp_path):
    theirs = as_transformers(twins(CONFIG, 0)[0])
    config = peft.LoraConfig(r=2, target_modules=["c_attn"], fan_in_fan_out=True, use_rslora=True)
    peft.get_peft_model(theirs, config).save_pretrained(tmp_path)
    refused("use_rslora", load_lora, twins(CONFIG, 0)[0], tmp_path)


def test_a_tied_head_is_no_target():
    """Its weight is the embedding's too: merging would change what goes in."""
    model, _ = twins(CONFIG, 0)
    refused("shares its weight", apply_lora, model, 2, 2.0, ("lm_head",))


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"r": [2]}, "'r' is a list of 1, where a whole number"),
        ({"r": True}, "'r' is True, where a whole number"),
        ({"r": 10**400}, "says rank a number of 1329 bits"),
        ({"lora_alpha": 10**400}, "'lora_alpha' is a number of 1329 bits"),
        ({"lora_alpha": -1}, "lora_alpha -1"),
        ({"lora_alpha": float("nan")}, "lora_alpha nan"),
        ({"lora_dropout": [1]}, "'lora_dropout' is a list of 1"),
        ({"lora_dropout": 1}, "lora_dropout 1"),
        ({"bias": ["a"] * 9999}, "has bias = a list of 9999"),
        ({"peft_type": "a" * 9999}, "describes an adapter of type 'aaa"),
    ],
)
def test_an_adapter_config_that_lies_is_one_line(changes, says, tmp_path):
    save_lora(lora_twins()[0], tmp_path)
    path = tmp_path / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | changes), encoding="utf-8")
    with pytest.raises(CheckpointError) as raised:
        read_adapter(tmp_path)
    assert says in str(raised.value)
    assert str(path) in str(raised.value)
    assert len(str(raised.value)) < 500


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda matrix: np.float32(1), "is float32 of shape ()"),
        (lambda matrix: matrix[0], "which is no matrix of LoRA's"),
        (lambda matrix: matrix.astype(np.int32), "is int32 of shape"),
        (lambda matrix: matrix * np.nan, "holds nan"),
        (lambda matrix: matrix.astype(np.float32) * np.float32(np.inf), "which is no weight of a working model"),
    ],
)
def test_matrices_that_are_none_are_one_line(change, says, tmp_path):
    save_lora(lora_twins()[0], tmp_path)
    path = tmp_path / "adapter_model.safetensors"
    tensors = load_file(path)
    name = next(name for name in tensors if "lora_A" in name)
    save_file(tensors | {name: np.asarray(change(tensors[name]))}, path)
    with pytest.raises(CheckpointError) as raised:
        read_adapter(tmp_path)
    assert says in str(raised.value)
    assert str(path) in str(raised.value)
