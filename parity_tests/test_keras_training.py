"""Keras' compile and fit, and the training loop beside them, go where the twins go: 50 steps, every parameter, in float64."""

from itertools import islice

import keras
import numpy as np
import pytest

import numpy_gpt
import tensorflow_gpt
from numpy_gpt import GPTConfig
from parity_tests.report.measure import assert_close, key_bias, to_numpy
from shared_gpt.text import Batches, CharTokenizer, InstructionDataset, LabelDataset, TokenWindows
from shared_gpt.training.settings import TrainSettings
from tensorflow_gpt import cross_entropy, tf_dataset

STEPS = 50
SETTINGS = TrainSettings(steps=STEPS, batch_size=3, lr=3e-3, warmup=5, max_norm=0.3)
LETTERS = "abcdefgh"
TOKENIZER = CharTokenizer("QA: Double it.\n" + LETTERS + LETTERS.upper(), end_of_text=True)
ENTRIES = [{"instruction": "Double it.", "input": c * n, "output": 2 * n * c} for n in (1, 2, 3) for c in LETTERS]
ROWS = [("loud" if c.isupper() else "soft", c * n) for c in LETTERS + LETTERS.upper() for n in (1, 2, 5)]
CONFIG = GPTConfig(TOKENIZER.n_vocab, 30, 20, 2, 1, drop_rate=0.0)


def pretraining(twin):
    text = np.arange(500) ** 2 % CONFIG.vocab_size
    return twin.GPTModel(CONFIG, np.random.default_rng(1), twin.float64), TokenWindows(text, CONFIG.context_length)


def untied(twin):
    """A table whose gradient comes from the rows that were looked up alone: Keras' own clipping measures it wrongly."""
    config = CONFIG.replace(tie_embeddings=False, qkv_bias=False)
    return twin.GPTModel(config, np.random.default_rng(1), twin.float64), pretraining(twin)[1]


def instructions(twin):
    """LoRA branches alone, prompts masked, batches of unequal lengths."""
    model, _ = pretraining(twin)
    twin.apply_lora(model, 3, 6.0, rng=np.random.default_rng(2))
    return model, InstructionDataset(ENTRIES, TOKENIZER, CONFIG.context_length, style="qa", mask_prompt=True)


def labels(twin):
    model, _ = pretraining(twin)
    twin.add_class_head(model, 2, np.random.default_rng(2))
    twin.freeze_below_last_block(model)
    return model, LabelDataset(ROWS, TOKENIZER, CONFIG.context_length)


def batches(dataset, steps: int = STEPS):
    return islice(Batches(dataset, SETTINGS.batch_size, np.random.default_rng(3)).endless(), steps)


def optimizer_of(twin, model, **more):
    betas = SETTINGS.beta1, SETTINGS.beta2
    return twin.AdamW(model.parameters(), SETTINGS.lr, betas, weight_decay=SETTINGS.weight_decay, **more)


def by_loop(twin, task, steps: int = STEPS, accumulate: int = 1):
    """(losses, gradient norms, state dict) of the twin's own training loop."""
    model, dataset = task(twin)
    data, rate = batches(dataset, steps * accumulate), SETTINGS.learning_rate
    rows = list(twin.train(model, optimizer_of(twin, model), data, steps, rate, accumulate, SETTINGS.max_norm))
    return [row.loss for row in rows], [row.grad_norm for row in rows], state_of(model)


@pytest.fixture
def float64_metrics():
    """Keras has no other setting for the type of the losses that it reports."""
    usual = keras.config.floatx()
    keras.config.set_floatx("float64")
    yield
    keras.config.set_floatx(usual)


def by_fit(task):
    """(losses, state dict) of compile and fit, as docs/tensorflow.md shows them: an epoch is a step."""
    model, dataset = task(tensorflow_gpt)
    model.compile(optimizer_of(tensorflow_gpt, model, max_norm=SETTINGS.max_norm), cross_entropy("float64"))
    rates = keras.callbacks.LearningRateScheduler(SETTINGS.learning_rate)
    data = tf_dataset(batches(dataset))
    told = model.fit(data, epochs=STEPS, steps_per_epoch=1, shuffle=False, callbacks=[rates], verbose=0)
    return told.history["loss"], state_of(model)


def state_of(model) -> dict[str, np.ndarray]:
    """Without the bias on keys, whose gradient is rounding noise, of which AdamW makes steps."""
    state = {name: np.array(to_numpy(array)) for name, array in model.state_dict().items()}
    for name, array in state.items():
        if array.ndim == 1:
            array[key_bias(name, len(array))] = 0
    return state


def assert_same_state(ours, theirs):
    assert list(ours) == list(theirs)
    for name in ours:
        assert np.abs(ours[name] - theirs[name]).max() < 1e-10, name


@pytest.mark.parametrize("task", [pretraining, instructions, labels])
def test_fit_falls_on_the_curve_of_the_twins(task, float64_metrics):
    losses, norms, state = by_loop(numpy_gpt, task)
    theirs, their_state = by_fit(task)
    assert np.abs(np.subtract(losses, theirs)).max() < 1e-10
    assert_same_state(state, their_state)
    assert max(norms) > SETTINGS.max_norm  # something was clipped
    assert np.mean(losses[-5:]) < np.mean(losses[:5])


@pytest.mark.parametrize("task", [untied, instructions])
def test_the_loop_makes_one_step_of_micro_batches(task, eager_tensorflow):
    """With unequal numbers of counted targets, each of which weighs the same, as in the twins."""
    losses, norms, state = by_loop(numpy_gpt, task, 4, 2)
    their_losses, their_norms, their_state = by_loop(tensorflow_gpt, task, 4, 2)
    assert losses == pytest.approx(their_losses, rel=1e-10)
    assert norms == pytest.approx(their_norms, rel=1e-10)
    assert max(norms) > (SETTINGS.max_norm if task is untied else 0)
    assert_same_state(state, their_state)


def test_keras_own_adamw_goes_another_way(eager_tensorflow, float64_metrics):
    """What docs/tensorflow.md says of epsilon, of rows looked up twice, and of Python numbers that become float32."""
    model, dataset = untied(tensorflow_gpt)
    some = list(batches(dataset, 3))
    ours, _ = untied(numpy_gpt)
    rates = numpy_gpt.AdamW(ours.parameters(), 0.01, weight_decay=0.1)
    list(numpy_gpt.train(ours, rates, iter(some), 3, lambda step: 0.01, 1, SETTINGS.max_norm))
    plain = keras.optimizers.AdamW(0.01, 0.1, epsilon=1e-8, global_clipnorm=SETTINGS.max_norm)
    plain.exclude_from_weight_decay([v for v in model.trainable_variables if len(v.shape) < 2])
    model.compile(plain, cross_entropy("float64"))
    for inputs, targets in some:
        model.train_on_batch(inputs, targets)
    state, other = state_of(ours), state_of(model)
    assert max(np.abs(state[name] - other[name]).max() for name in state) > 1e-5


def test_evaluate_counts_tokens(eager_tensorflow):
    ours, dataset = instructions(numpy_gpt)
    theirs, _ = instructions(tensorflow_gpt)
    some = list(batches(dataset, 3))
    assert_close(numpy_gpt.evaluate(ours, some), tensorflow_gpt.evaluate(theirs, some), 1e-12)


def test_a_loss_that_is_no_number_leaves_the_weights(eager_tensorflow):
    model, dataset = pretraining(tensorflow_gpt)
    model.ln_f.gamma.assign(np.full(CONFIG.emb_dim, np.nan))
    before = model.state_dict()
    steps = tensorflow_gpt.train(model, optimizer_of(tensorflow_gpt, model), batches(dataset), 1, lambda step: 1e-3)
    with pytest.raises(
        FloatingPointError, match=r"The loss is nan.*largest gradient is that of [hlw].*\.weight.*not changed"
    ):
        next(steps)
    for name, array in model.state_dict().items():
        assert np.array_equal(array, before[name], equal_nan=True)


def test_what_cannot_learn_is_said(eager_tensorflow):
    model, dataset = instructions(tensorflow_gpt)
    optimizer = optimizer_of(tensorflow_gpt, model)
    tensorflow_gpt.merge_lora(model)
    with pytest.raises(ValueError, match=r"merged.*unmerge_lora"):
        next(tensorflow_gpt.train(model, optimizer, batches(dataset), 1, lambda step: 1e-3))
    with pytest.raises(ValueError, match="batches ended"):
        next(tensorflow_gpt.train(model, optimizer, iter([]), 1, lambda step: 1e-3))


def test_the_optimizers_state_moves_between_programs(eager_tensorflow):
    """Five steps here, five there, are ten in one of them."""
    model, dataset = pretraining(tensorflow_gpt)
    data = list(batches(dataset, 10))
    first = optimizer_of(tensorflow_gpt, model)
    list(tensorflow_gpt.train(model, first, iter(data), 5, SETTINGS.learning_rate))
    ours, _ = pretraining(numpy_gpt)
    ours.load_state_dict(model.state_dict())
    second = optimizer_of(numpy_gpt, ours)
    second.load_state_dict(first.state_dict())
    list(numpy_gpt.train(ours, second, iter(data[5:]), 10, SETTINGS.learning_rate, first_step=5))
    first.load_state_dict(second.state_dict())
    assert first.steps == 10

    whole, _ = pretraining(numpy_gpt)
    third = optimizer_of(numpy_gpt, whole)
    list(numpy_gpt.train(whole, third, iter(data), 10, SETTINGS.learning_rate))
    assert_same_state(state_of(whole), state_of(ours))
    for name, moment in first.state_dict().items():
        if name != "steps":
            for a, b in zip(moment, third.state_dict()[name]):
                assert_close(a, b, 1e-9) if a.ndim > 1 else None


def test_dropout_follows_the_generator_of_the_run(eager_tensorflow):
    """The same seed drops the same, another seed something else; a call that does not train drops nothing."""

    def losses(seed):
        rng = np.random.default_rng(seed)
        model = tensorflow_gpt.GPTModel(CONFIG.replace(drop_rate=0.3), rng, "float64", initialize=False)
        model.initialize(np.random.default_rng(1))
        rate = SETTINGS.learning_rate
        data = batches(pretraining(numpy_gpt)[1])
        return [
            row.loss for row in tensorflow_gpt.train(model, optimizer_of(tensorflow_gpt, model), data, 2, rate)
        ], model

    (first, model), (again, _), (other, _) = losses(0), losses(0), losses(1)
    assert first == again
    assert first != other
    ids = np.arange(20)[None]
    assert np.array_equal(model(ids), model(ids))
    dropped = np.asarray(model.drop(np.ones((100, 100)), training=True))
    assert 0.27 < (dropped == 0).mean() < 0.33
    assert dropped.max() == pytest.approx(1 / 0.7)
    model.compile(keras.optimizers.SGD(0.0), cross_entropy("float64"))
    assert model.train_on_batch(ids, ids) != model.train_on_batch(ids, ids)  # as fit drops, by Keras' own seeds
