"""What the twins refuse: with an error that names the value, the limit and the way out, in the same words in both packages.

Shape checks are off, as in ordinary runs: with them, most of this would stop before it reaches the twins' own checks.
"""

import math

import numpy as np
import pytest

import numpy_gpt
from numpy_gpt import GPTConfig
from parity_tests.refusals import assert_refused, error_of
from parity_tests.report.measure import assert_all_close, to_numpy

pytestmark = pytest.mark.usefixtures("no_shape_checks")

CONFIG = GPTConfig(vocab_size=11, context_length=5, emb_dim=6, n_heads=3, n_layers=1)
IDS = np.arange(10).reshape(2, 5)


BAD_IDS = {
    "floats": (IDS / 2, "ids are float64; give integers"),
    "float32": (IDS.astype(np.float32), "ids are float32; give integers"),
    "booleans": (IDS > 3, "ids are bool; give integers"),
    "negative": (IDS - 1, "ids hold -1, outside the vocabulary of 0 to 10; use the tokenizer"),
    "past the vocabulary": (IDS + 2, "ids hold 11, outside the vocabulary of 0 to 10; use the tokenizer"),
    "far past it": (IDS + 2**40, rf"ids hold {2**40 + 9}, outside"),
    "too long": (
        np.zeros((2, 6), int),
        "sequence of 6 tokens is longer than the context_length of 5; keep the last 5 or",
    ),
    "no row": (np.zeros((0, 3), int), r"ids have shape \(0, 3\), which holds no token; give at least one"),
    "no column": (np.zeros((2, 0), int), r"ids have shape \(2, 0\), which holds no token; give at least one"),
    "nothing, not even integers": (np.zeros((0, 0)), "ids are float64; give integers"),
    "one sequence": (IDS[0], r"ids have shape \(5,\); give \(batch, time\), for one sequence ids\[None, :\]"),
    "three axes": (IDS[None], r"ids have shape \(1, 2, 5\); give \(batch, time\)"),
    "a number": (np.array(3), r"ids have shape \(\); give \(batch, time\)"),
}


@pytest.mark.parametrize(("ids", "says"), BAD_IDS.values(), ids=BAD_IDS)
def test_ids(ids, says):
    assert_refused(lambda twin, array: twin.GPTModel(CONFIG)(array(ids)), says)


def test_ids_in_a_list():
    says = r"ids are a list; give an array of integers, np.array\(…\) or torch.tensor\(…\)"
    assert_refused(lambda twin, array: twin.GPTModel(CONFIG)([[1, 2, 3]]), says)


def test_a_sequence_too_long_for_what_the_cache_holds():
    def action(twin, array):
        model, cache = twin.GPTModel(CONFIG).eval(), twin.KVCache(CONFIG)
        with twin.no_grad():
            model(array(IDS[:, :3]), cache)
            model(array(IDS[:, :3]), cache)

    assert_refused(action, "sequence of 3 tokens after 3 cached ones is longer than the context_length of 5")


def test_another_batch_than_the_cache_was_begun_with():
    def action(twin, array):
        model, cache = twin.GPTModel(CONFIG).eval(), twin.KVCache(CONFIG)
        with twin.no_grad():
            model(array(IDS[:, :2]), cache)
            model(array(IDS[:1, :2]), cache)

    assert_refused(action, "batch has 1 rows but the cache was begun with 2; make a new KVCache")


@pytest.mark.parametrize("ids", [IDS + 2, IDS[:, :0], np.zeros((2, 6), int)])
def test_refused_ids_leave_nothing_behind(ids):
    """The check comes before the work: no layer has saved anything, no cache holds anything, no dropout was drawn."""
    model, cache = numpy_gpt.GPTModel(CONFIG), numpy_gpt.KVCache(CONFIG)
    drawn = model.drop.rng.bit_generator.state
    error_of(lambda: model(ids, cache))
    assert not any(module._saved.stack for module in model.modules())
    assert cache.length == 0
    assert model.drop.rng.bit_generator.state == drawn


BAD_TARGETS = {
    "another shape": (
        IDS[:, :4],
        r"targets have shape \(2, 4\) but the logits \(2, 5, 11\) ask for \(2, 5\); give one",
    ),
    "transposed": (IDS.T, r"targets have shape \(5, 2\) but"),
    "flat": (IDS.reshape(-1), r"targets have shape \(10,\) but"),
    "one-hot": (np.zeros((2, 5, 11), int), r"targets have shape \(2, 5, 11\) but"),
    "floats": (IDS / 2, "targets are float64; give integers"),
    "past the vocabulary": (
        IDS + 2,
        r"targets \(but for the ignored -100\) hold 11, outside the vocabulary of 0 to 10",
    ),
    "another ignored index": (
        IDS - 1,
        r"targets \(but for the ignored -100\) hold -1, outside the vocabulary of 0 to 10",
    ),
}


@pytest.mark.parametrize(("targets", "says"), BAD_TARGETS.values(), ids=BAD_TARGETS)
def test_targets(targets, says):
    assert_refused(lambda twin, array: twin.CrossEntropy()(array(np.zeros((2, 5, 11))), array(targets)), says)


def test_targets_in_a_list():
    says = "targets are a list; give an array of integers"
    assert_refused(lambda twin, array: twin.CrossEntropy()(array(np.zeros((1, 2, 11))), [[1, 2]]), says)


def test_no_targets():
    says = r"targets have shape \(0, 5\), which holds no token; give at least one position"
    assert_refused(lambda twin, array: twin.CrossEntropy()(array(np.zeros((0, 5, 11))), array(IDS[:0])), says)


KEYS = CONFIG.to_dict()
BAD_CONFIGS = {
    "heads that do not divide": ({"n_heads": 4}, "emb_dim 6 does not divide into n_heads 4 heads .* multiple of 4"),
    "more heads than features": ({"n_heads": 12}, "emb_dim 6 does not divide into n_heads 12"),
    "no layer": ({"n_layers": 0}, "n_layers is 0; give a whole number of at least 1"),
    "negative": ({"emb_dim": -6}, "emb_dim is -6; give a whole number of at least 1"),
    "a float": ({"vocab_size": 11.0}, "vocab_size is 11.0; give a whole number"),
    "a word": ({"context_length": "5"}, "context_length is '5'; give a whole number"),
    "true": ({"n_heads": True}, "n_heads is True; give a whole number"),
    "nothing": ({"n_heads": None}, "n_heads is None; give a whole number"),
    "drop everything": ({"drop_rate": 1.0}, "drop_rate is 1.0; give a share of at least 0 and below 1"),
    "drop less than nothing": ({"drop_rate": -0.1}, "drop_rate is -0.1; give a share"),
    "drop NaN": ({"drop_rate": math.nan}, "drop_rate is nan; give a share"),
    "drop a word": ({"drop_rate": "0.1"}, "drop_rate is '0.1'; give a share"),
    "a number for a switch": ({"qkv_bias": 1}, "qkv_bias is 1; give True or False"),
    "nothing for a switch": ({"tie_embeddings": None}, "tie_embeddings is None; give True or False"),
}


@pytest.mark.parametrize(("changes", "says"), BAD_CONFIGS.values(), ids=BAD_CONFIGS)
def test_config(changes, says):
    assert_refused(lambda twin, _: twin.GPTConfig(**{**KEYS, **changes}), says)
    assert_refused(lambda twin, _: CONFIG.replace(**changes), says)


def test_config_by_name():
    assert_refused(
        lambda twin, _: twin.GPTConfig.preset("gpt3"), "There is no preset 'gpt3'; choose one of gpt2-small, .*124M"
    )
    says = "GPTConfig has no key n_embd; its keys are vocab_size, .*tie_embeddings"
    assert_refused(lambda twin, _: twin.GPTConfig.preset("124M", n_embd=3), says)


BAD_ADAMW = {
    "climbing": ({"lr": -1e-3}, "lr is -0.001; give a learning rate of at least 0, such as 1e-3"),
    "no number": ({"lr": math.nan}, "lr is nan; give a learning rate"),
    "beta of one": ({"betas": (0.9, 1.0)}, r"betas are \(0.9, 1.0\); give two numbers of at least 0 and below 1"),
    "negative beta": ({"betas": (-0.1, 0.9)}, r"betas are \(-0.1, 0.9\); give two numbers"),
    "three betas": ({"betas": (0.9, 0.9, 0.9)}, "betas are .*; give two numbers"),
    "no eps": ({"eps": 0.0}, "eps is 0.0; give a small number above 0, such as 1e-8"),
    "growing weights": ({"weight_decay": -0.1}, "weight_decay is -0.1; give a number of at least 0, such as 0.01"),
}


@pytest.mark.parametrize(("settings", "says"), BAD_ADAMW.values(), ids=BAD_ADAMW)
def test_adamw(settings, says):
    assert_refused(lambda twin, _: twin.AdamW(twin.GPTModel(CONFIG).parameters(), **settings), says)


def test_a_state_of_another_model():
    other = CONFIG.replace(qkv_bias=False)

    def weights(twin, _):
        twin.GPTModel(CONFIG).load_state_dict(twin.GPTModel(other).state_dict())

    def moments(twin, _):
        state = twin.AdamW(twin.GPTModel(other).parameters()).state_dict()
        twin.AdamW(twin.GPTModel(CONFIG).parameters()).load_state_dict(state)

    assert_refused(weights, r"1 differences\): missing h.0.attn.c_attn.bias \(18,\). Build the model with the config")
    assert_refused(moments, "holds 15 moments m that do not match the shapes of the 16 parameters; load a state")


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number_stops_training(value):
    """Before the step: the weights are as they were, and the error names the gradient to look at."""
    models = []

    def action(twin, array):
        model = twin.GPTModel(CONFIG.replace(drop_rate=0.0), dtype=twin.float64)
        model.ln_f.bias.data[2] = value
        models.append((model, {name: to_numpy(p).copy() for name, p in model.state_dict().items()}))
        twin.train_step(model, twin.AdamW(model.parameters(), lr=0.1), [(array(IDS), array(IDS))])

    with np.errstate(invalid="ignore"):
        assert_refused(
            action, "The loss is nan .* largest gradient is that of .* weights were not changed", FloatingPointError
        )
    for model, before in models:
        assert_all_close({name: to_numpy(p) for name, p in model.state_dict().items()}, before, 0.0)


def test_too_little_memory_outside_the_loop_is_one_line(capsys, monkeypatch):
    from shared_gpt.cli import main
    from shared_gpt.commands.anatomy import Anatomy

    def run(self, twin):
        raise MemoryError("Unable to allocate 59.6 GiB")

    monkeypatch.setattr(Anatomy, "run", run)
    assert main(numpy_gpt, ["anatomy"]) == 2
    error = capsys.readouterr().err
    assert error == "numpy-gpt: Unable to allocate 59.6 GiB; take less at once, or a machine with more memory.\n"
