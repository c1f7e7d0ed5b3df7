"""Wrong calls that would pass silently, or end in an error that helps nobody: both twins refuse them, in the same words.

What is wrong with ids, targets and configs stands in test_bad_input.py, with numbers in test_numbers.py. Shape checks are off,
as in ordinary runs.
"""

import math

import numpy as np
import pytest
import torch

import numpy_gpt
import torch_gpt
from numpy_gpt import GPTConfig
from parity_tests.refusals import assert_refused, error_of
from parity_tests.report.measure import to_numpy

pytestmark = pytest.mark.usefixtures("no_shape_checks")

CONFIG = GPTConfig(vocab_size=11, context_length=5, emb_dim=6, n_heads=3, n_layers=1, drop_rate=0.0)
IDS = np.arange(10).reshape(2, 5)
PAIR = [numpy_gpt, torch_gpt]
both = pytest.mark.parametrize("twin", PAIR, ids=["numpy_gpt", "torch_gpt"])


# Building a model


BAD_MODELS = {
    "a name": (("gpt2-small",), r"config is 'gpt2-small'; give a GPTConfig, such as GPTConfig.preset\('gpt2-small'\)"),
    "a dict": ((CONFIG.to_dict(),), r"config is .*; give a GPTConfig, such as GPTConfig.preset\('gpt2-small'\)"),
    "a seed": ((CONFIG, 7), r"rng is 7; give a generator that draws, np.random.default_rng\(7\)"),
    "the old generator": ((CONFIG, np.random.RandomState(0)), r"rng is RandomState.*np.random.default_rng\(0\)"),
    "integers": ((CONFIG, None, np.int32), "dtype is 'int32'; give the float32 or float64 of this package"),
    "half": ((CONFIG, None, torch.float16), "dtype is 'float16'; give the float32 or float64"),
    "text": ((CONFIG, None, "float32"), "dtype is 'float32'; give the float32 or float64 of this package"),
}


@pytest.mark.parametrize(("arguments", "says"), BAD_MODELS.values(), ids=BAD_MODELS)
def test_models(arguments, says):
    assert_refused(lambda twin, _: twin.GPTModel(*arguments), says)


def test_loading_into_what_is_no_float(tmp_path):
    numpy_gpt.save_gpt2(numpy_gpt.GPTModel(CONFIG), tmp_path)
    assert_refused(lambda twin, _: twin.load_gpt2(tmp_path, np.int32), "dtype is 'int32'; give the float32 or float64")


def test_seeds_for_generators():
    says = r"rng is 0; give a generator that draws, np.random.default_rng\(0\)"
    assert_refused(lambda twin, _: twin.Dropout(0.5, 0), says)
    assert_refused(lambda twin, _: twin.add_class_head(twin.GPTModel(CONFIG), 2, 0), says)
    assert_refused(lambda twin, _: twin.apply_lora(twin.GPTModel(CONFIG), 2, 4, rng=0), says)
    assert_refused(lambda twin, _: twin.generate(twin.GPTModel(CONFIG), [[1]], 3, temperature=1.0, rng=0), says)


# Layers by themselves


def test_layers():
    def layer_norm(width, features):
        return lambda twin, array: twin.LayerNorm(width, dtype=twin.float64)(array(np.zeros((2, 3, features))))

    says = r"x has shape \(2, 3, {}\) but the layer normalizes vectors of width {}"
    assert_refused(layer_norm(6, 1), says.format(1, 6))
    assert_refused(layer_norm(1, 6), says.format(6, 1))
    assert_refused(layer_norm(6, 5), says.format(5, 6))
    says = "ids hold -2; give rows of the table, counted from 0"
    assert_refused(lambda twin, array: twin.Embedding(5, 3)(array(np.array([[1, -2]]))), says)
    for rate in (1.0, -0.1, math.nan, "0.1", True):
        says = f"drop_rate is {rate!r}; give a share of at least 0 and below 1"
        assert_refused(lambda twin, _, rate=rate: twin.Dropout(rate, np.random.default_rng(0)), says)


@both
def test_an_embedding_of_no_ids_is_empty(twin):
    ids = (np if twin is numpy_gpt else torch).zeros((2, 0), dtype=(np if twin is numpy_gpt else torch).int64)
    assert tuple(twin.Embedding(5, 3)(ids).shape) == (2, 0, 3)


# What a model is given


def test_arrays_of_the_other_twin():
    """Each names the kind that it was given, the kind that it computes with, and how to make it."""
    for twin, ids, theirs, ours in (
        (numpy_gpt, torch.tensor(IDS), "torch.Tensor", r"numpy.ndarray; convert them: np.asarray\(…\)"),
        (torch_gpt, IDS, "numpy.ndarray", r"torch.Tensor; convert them: torch.as_tensor\(…\)"),
    ):
        model = twin.GPTModel(CONFIG)
        logits = model(torch.tensor(IDS) if twin is torch_gpt else IDS)
        for what, action in {
            "ids": lambda model=model, ids=ids: model(ids),
            "targets": lambda twin=twin, logits=logits, ids=ids: twin.CrossEntropy()(logits, ids),
            "logits": lambda twin=twin, ids=ids: twin.CrossEntropy()(ids, ids),
        }.items():
            with pytest.raises(ValueError, match=f"{what} are a {theirs} where this model computes with {ours}"):
                action()


@pytest.mark.parametrize("dtype", ["uint16", "uint32", "uint64"])
def test_unsigned_ids(dtype):
    """NumPy computes with them, PyTorch does not."""
    ids = IDS.astype(dtype)
    numpy_gpt.CrossEntropy()(numpy_gpt.GPTModel(CONFIG)(ids), ids)
    model = torch_gpt.GPTModel(CONFIG)
    for what, action in {
        "ids": lambda: model(torch.tensor(ids)),
        "targets": lambda: torch_gpt.CrossEntropy()(model(torch.tensor(IDS)), torch.tensor(ids)),
    }.items():
        with pytest.raises(ValueError, match=rf"{what} are {dtype}, .*convert them: {what}.long\(\)"):
            action()


@pytest.mark.parametrize("change", [{"n_layers": 2}, {"n_heads": 2}, {"emb_dim": 9}])
def test_a_cache_of_another_model(change):
    ((name, value),) = change.items()

    def action(twin, array):
        with twin.no_grad():
            twin.GPTModel(CONFIG)(array(IDS), twin.KVCache(CONFIG.replace(**change)))

    assert_refused(action, f"cache was made for a model with {name} {value}, this one has .*; make a new one: KVCache")


@both
def test_a_cache_of_a_model_alike(twin):
    """What does not shape the cache may differ: dropout, the vocabulary."""
    other = CONFIG.replace(drop_rate=0.5, vocab_size=7, tie_embeddings=False, context_length=9)
    with twin.no_grad():
        twin.GPTModel(CONFIG)((np.asarray if twin is numpy_gpt else torch.tensor)(IDS), twin.KVCache(other))


def test_room_and_positions():
    for capacity in (0, -1, 2.5, "3", True):
        says = f"capacity is {capacity!r}; give a whole number of positions, at least 1"
        assert_refused(lambda twin, _, capacity=capacity: twin.KVCache(CONFIG, capacity), says)
    for last in (0, -1, 1.5):
        says = f"last is {last!r}; give how many last positions want logits, at least 1, or None for all"
        assert_refused(lambda twin, array, last=last: twin.GPTModel(CONFIG)(array(IDS), last=last), says)


# Backward, which is NumPy's alone


BAD_GRADIENTS = {
    "one": (1, r"The gradient is 1, the output of this forward pass has shape \(2, 5, 11\)"),
    "a loss": (np.float64(0.5), r"has shape \(\)"),
    "nothing": (None, "is None"),
    "a shorter T": (np.zeros((2, 4, 11), np.float32), r"has shape \(2, 4, 11\), the output .* has shape \(2, 5, 11\)"),
    "B and T exchanged": (np.zeros((5, 2, 11), np.float32), r"has shape \(5, 2, 11\), the output"),
}


@pytest.mark.parametrize(("dlogits", "says"), BAD_GRADIENTS.values(), ids=BAD_GRADIENTS)
def test_backward(dlogits, says):
    model = numpy_gpt.GPTModel(CONFIG)
    model(IDS)
    error = error_of(lambda: model.backward(dlogits))
    assert isinstance(error, ValueError)
    with pytest.raises(ValueError, match=says + r".*model.backward\(criterion.backward\(\)\)"):
        raise error
    assert all(p.grad is None for p in model.parameters())


def test_logits_of_last_positions_have_no_backward():
    model = numpy_gpt.GPTModel(CONFIG)
    logits = model(IDS, last=1)
    with pytest.raises(ValueError, match=r"has shape \(2, 1, .*the output of this forward pass has shape \(2, 5, "):
        model.backward(np.ones_like(logits))


@pytest.mark.parametrize("layer", [numpy_gpt.GELU(), numpy_gpt.LayerNorm(6), numpy_gpt.Linear(6, 6)], ids=repr)
def test_gradients_that_broadcasting_would_stretch(layer):
    layer(np.ones((2, 3, 6), np.float32))
    with pytest.raises(
        ValueError, match=r"has shape \(1, 1, 6\), the output of this forward pass has shape \(2, 3, 6\)"
    ):
        layer.backward(np.ones((1, 1, 6), np.float32))


# Training


def step_with(change):
    """One step of training by both twins after something went wrong: change(twin, model) gives optimizer and micro-batches."""

    def action(twin, array):
        model = twin.GPTModel(CONFIG)
        before = {key: to_numpy(value).copy() for key, value in model.state_dict().items()}
        optimizer, micro_batches = change(twin, model)
        if micro_batches is None:
            micro_batches = [(array(IDS), array(IDS))]
        try:
            twin.train_step(model, optimizer, micro_batches)
        finally:
            after = {key.replace(".base", ""): to_numpy(value) for key, value in model.state_dict().items()}
            assert all(np.array_equal(after[key], value) for key, value in before.items())

    return action


def test_steps_that_would_train_nothing():
    def merged(twin, model):
        twin.apply_lora(model, 2, 4.0)
        twin.merge_lora(model)
        optimizer = twin.AdamW(model.parameters())
        return optimizer, None

    def before_lora(twin, model):
        optimizer = twin.AdamW(model.parameters())
        twin.apply_lora(model, 2, 4.0)
        return optimizer, None

    def of_another(twin, model):
        return twin.AdamW(twin.GPTModel(CONFIG).parameters()), None

    def half_of_another(twin, model):
        return twin.AdamW([*model.h.parameters(), *twin.Linear(2, 2).parameters()]), None

    says = "4 LoRA layers are merged, so their branches would learn nothing; call unmerge_lora first"
    assert_refused(step_with(merged), says)
    assert_refused(step_with(before_lora), "All that the optimizer holds is frozen by now; make it after apply_lora")
    says = (
        r"16 of the optimizer's 16 parameters are not this model's; make one of its own: AdamW\(model.parameters\(\)\)"
    )
    assert_refused(step_with(of_another), says)
    assert_refused(step_with(half_of_another), "2 of the optimizer's 14 parameters are not this model's")
    for batches, what in (([], "are empty"), (iter([(IDS, IDS)]), "are a list_iterator")):
        says = rf"The micro-batches {what}; give a list of at least one \(inputs, targets\)"
        assert_refused(step_with(lambda twin, model, b=batches: (twin.AdamW(model.parameters()), b)), says)


@both
def test_a_merged_model_trains_again_after_unmerging(twin):
    model = twin.GPTModel(CONFIG)
    twin.apply_lora(model, 2, 4.0)
    twin.merge_lora(model), twin.unmerge_lora(model)
    ids = (np.asarray if twin is numpy_gpt else torch.tensor)(IDS)
    before = to_numpy(twin.lora_state_dict(model)["h.0.attn.c_attn.lora_B"]).copy()
    twin.train_step(model, twin.AdamW(model.parameters()), [(ids, ids)])
    assert not np.array_equal(to_numpy(twin.lora_state_dict(model)["h.0.attn.c_attn.lora_B"]), before)


def test_batches_that_end():
    """The last whole step counts; the next says that the batches ended, also if some of its batches came."""
    for n, accumulate, says in ((2, 1, "step 3 wants 1 and got 0"), (5, 2, "step 3 wants 2 and got 1")):
        done = []

        def action(twin, array, n=n, accumulate=accumulate, done=done):
            model = twin.GPTModel(CONFIG)
            batches = iter([(array(IDS), array(IDS))] * n)
            for progress in twin.train(model, twin.AdamW(model.parameters()), batches, 9, lambda step: 0.1, accumulate):
                done.append(progress.step)

        assert_refused(action, f"The batches ended: {says}. Give an iterator that goes on")
        assert done == [1, 2, 1, 2]


def train_with(**settings):
    def action(twin, array):
        model = twin.GPTModel(CONFIG)
        batches = iter([(array(IDS), array(IDS))] * 9)
        rate = settings.pop("learning_rate", 0.1)
        next(twin.train(model, twin.AdamW(model.parameters()), batches, 3, lambda step: rate, **settings))

    return action


@pytest.mark.parametrize("accumulate", [0, -1, 1.5, "2", True])
def test_accumulate(accumulate):
    says = f"accumulate is {accumulate!r}; give a whole number of batches for each step, at least 1"
    assert_refused(train_with(accumulate=accumulate), says)


@pytest.mark.parametrize("max_norm", [-1.0, 0.0, math.nan, "1", None, -math.inf])
def test_clipping(max_norm):
    says = rf"max_norm is {max_norm!r}; give a length above 0 \(inf: never cut\)"
    assert_refused(train_with(max_norm=max_norm), says)
    assert_refused(lambda twin, _: twin.clip_grad_norm(twin.Linear(2, 2).parameters(), max_norm), says)


@both
@pytest.mark.parametrize("rate", [math.nan, math.inf, -0.1, "0.1"])
def test_a_learning_rate_that_is_none_spoils_no_weights(twin, rate):
    """The schedule sets it anew at each step, after the optimizer was made."""
    model = twin.GPTModel(CONFIG)
    before = to_numpy(model.wte.weight.data).copy()
    ids = (np.asarray if twin is numpy_gpt else torch.tensor)(IDS)
    loop = twin.train(model, twin.AdamW(model.parameters()), iter([(ids, ids)]), 1, lambda step: rate)
    with pytest.raises(ValueError, match=f"lr is {rate!r}; give a learning rate"):
        next(loop)
    assert np.array_equal(to_numpy(model.wte.weight.data), before)


BAD_ADAMW = {
    "infinite lr": ({"lr": math.inf}, "lr is inf; give a learning rate"),
    "text for lr": ({"lr": "1e-3"}, "lr is '1e-3'; give a learning rate"),
    "infinite eps": ({"eps": math.inf}, "eps is inf; give a small number"),
    "infinite decay": ({"weight_decay": math.inf}, "weight_decay is inf; give a number"),
    "NaN for decay": ({"weight_decay": math.nan}, "weight_decay is nan; give a number"),
    "text for a beta": ({"betas": (0.9, "0.9")}, r"betas are \(0.9, '0.9'\); give two numbers"),
    "one beta": ({"betas": 0.9}, "betas are 0.9; give two numbers"),
}


@pytest.mark.parametrize(("settings", "says"), BAD_ADAMW.values(), ids=BAD_ADAMW)
def test_adamw(settings, says):
    assert_refused(lambda twin, _: twin.AdamW(twin.GPTModel(CONFIG).parameters(), **settings), says)


def test_parameters_of_adamw():
    def spent(twin, _):
        parameters = twin.GPTModel(CONFIG).parameters()
        list(parameters)
        twin.AdamW(parameters)

    def twice(twin, _):
        model = twin.GPTModel(CONFIG)
        twin.AdamW([*model.parameters(), model.wte.weight])

    def frozen(twin, _):
        model = twin.Linear(2, 2)
        for parameter in model.parameters():
            parameter.requires_grad = False
        twin.AdamW(model.parameters())

    for action in (spent, frozen):
        assert_refused(action, "There is no parameter to train: all are frozen, or the generator was used up before")
    assert_refused(twice, r"A parameter comes twice and would take two steps at once; give model.parameters\(\)")


MOMENTS = [np.zeros((2, 2)), np.zeros(2)]
BAD_STATES = {
    "no v": ({"steps": 1, "m": MOMENTS}, "The optimizer state lacks 'v'; give what state_dict"),
    "no steps": ({"m": MOMENTS, "v": MOMENTS}, "lacks 'steps'"),
    "a path": ("last.safetensors", "The optimizer state is a str; give what state_dict"),
    "half a step": ({"steps": 1.5, "m": MOMENTS, "v": MOMENTS}, r"counts 1.5 steps; that is no number"),
    "steps before the first": ({"steps": -1, "m": MOMENTS, "v": MOMENTS}, "counts -1 steps"),
    "lists": ({"steps": 1, "m": [[0, 0], [0]], "v": MOMENTS}, "2 moments m that do not match the shapes"),
}


@pytest.mark.parametrize(("state", "says"), BAD_STATES.values(), ids=BAD_STATES)
def test_states_of_adamw(state, says):
    says = f"{says}.*Nothing was loaded"
    assert_refused(lambda twin, _: twin.AdamW(twin.Linear(2, 2).parameters()).load_state_dict(state), says)


def test_evaluating_on_nothing():
    says = "There is no target to evaluate on: no batch, or every target ignored; give at least one"
    assert_refused(lambda twin, _: twin.evaluate(twin.GPTModel(CONFIG), []), says)
    ignored = np.full_like(IDS, -100)
    assert_refused(lambda twin, array: twin.evaluate(twin.GPTModel(CONFIG), [(array(IDS), array(ignored))]), says)


# Generation


@pytest.mark.parametrize("context_size", [0, -1, 6, 2.5, "5", True])
def test_the_simple_loops_window(context_size):
    says = f"context_size is {context_size!r}; give a whole number from 1 to the context_length of 5"
    assert_refused(
        lambda twin, array: twin.generate_text_simple(twin.GPTModel(CONFIG), array(IDS), 1, context_size), says
    )
    says = "max_new_tokens is -1; give a whole number of at least 0"
    assert_refused(lambda twin, array: twin.generate_text_simple(twin.GPTModel(CONFIG), array(IDS), -1, 5), says)


BAD_SETTINGS = {
    "temperature in words": ({"temperature": "0.8"}, "temperature is '0.8'; give 0 for the likeliest token"),
    "no temperature": ({"temperature": None}, "temperature is None"),
    "top_p in words": ({"top_p": "0.9"}, "top_p is '0.9'; give a probability"),
    "penalty in words": ({"repetition_penalty": "1.2"}, "repetition_penalty is '1.2'; give a number"),
    "top_k of a half": ({"top_k": 1.5}, "top_k is 1.5; give a whole number"),
    "half a token": ({"eos_id": 1.5}, "eos_id is 1.5; give the number of a token, or None"),
    "true for a token": ({"eos_id": True}, "eos_id is True; give the number of a token"),
    "a word for a token": ({"eos_id": "<|endoftext|>"}, "eos_id is '.*'; give the number of a token"),
    "no such token": ({"eos_id": -1}, "eos_id hold -1, outside the vocabulary"),
}


@pytest.mark.parametrize(("settings", "says"), BAD_SETTINGS.values(), ids=BAD_SETTINGS)
def test_settings_of_generation(settings, says):
    assert_refused(lambda twin, _: twin.generate(twin.GPTModel(CONFIG), [[1]], 2, **settings), says)


def test_candidates():
    says = "candidates is -1; give a whole number of at least 0"
    assert_refused(lambda twin, _: twin.stream(twin.GPTModel(CONFIG), [[1]], 2, candidates=-1), says)


# LoRA


BAD_LORA = {
    "alpha in words": ({"alpha": "16"}, "The LoRA alpha is '16'; give a number above 0"),
    "endless alpha": ({"alpha": 10**400}, "The LoRA alpha is 10+; give a number"),
    "dropout in words": ({"dropout": "0.1"}, "The LoRA dropout is '0.1'; give a share"),
    "one name": ({"targets": "c_attn"}, r"The LoRA targets are 'c_attn'; give a list of names, for one \['c_attn'\]"),
    "a name too many": ({"targets": ("c_attn", "c_porj")}, "No linear layer is called 'c_porj'; choose from c_attn"),
}


@pytest.mark.parametrize(("settings", "says"), BAD_LORA.values(), ids=BAD_LORA)
def test_lora(settings, says):
    assert_refused(lambda twin, _: twin.apply_lora(twin.GPTModel(CONFIG), 2, **({"alpha": 4.0} | settings)), says)
