"""tensorflow_gpt in the hands of a Keras user: what Keras does with a model, and what is refused with its reason."""

import copy

import keras
import numpy as np
import pytest
import tensorflow as tf

import tensorflow_gpt
from numpy_gpt import GPTConfig
from parity_tests.report.measure import assert_close
from shared_gpt.cli import parse
from shared_gpt.commands import for_tensorflow

CONFIG = GPTConfig(vocab_size=31, context_length=13, emb_dim=12, n_heads=3, n_layers=2)
IDS = np.array([[3, 1, 4, 1, 5, 9, 2]])


@pytest.fixture
def model():
    return tensorflow_gpt.GPTModel(CONFIG, np.random.default_rng(3))


@pytest.mark.parametrize(
    ("ids", "words"),
    [
        (np.array([[-1]]), "ids hold -1, outside the vocabulary"),
        (tf.constant([[31]]), "ids hold 31, outside the vocabulary"),
        (np.array([[1.5]]), "give integers"),
        (np.arange(3), r"shape \(3,\); give \(batch, time\)"),
        (np.zeros((1, 14), int), "14 tokens is longer than the context_length of 13"),
    ],
)
def test_ids_that_no_model_can_look_up_are_refused(ids, words, model):
    with pytest.raises(ValueError, match=words):
        model(ids)


def test_predict_refuses_a_sequence_that_is_too_long_while_it_makes_its_graph(model):
    with pytest.raises(ValueError, match="14 tokens is longer than the context_length of 13"):
        model.predict(np.zeros((1, 14), int), verbose=0)


def test_keras_saves_loads_copies_and_clones_it(model, tmp_path):
    model.compile(tensorflow_gpt.AdamW(model.parameters()), tensorflow_gpt.cross_entropy())
    model.fit(IDS, IDS, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    for twin in (loaded, copy.deepcopy(model)):
        assert isinstance(twin, tensorflow_gpt.GPTModel)
        assert_close(twin(IDS), model(IDS), 0.0)
    assert keras.models.clone_model(model).config == model.config
    assert keras.models.clone_model(tensorflow_gpt.GPTModel(CONFIG, dtype="float64")).dtype == "float64"


@pytest.mark.parametrize(
    ("change", "settings", "way_out"),
    [
        (tensorflow_gpt.apply_lora, (2, 4.0), "merge adapters"),
        (tensorflow_gpt.add_class_head, (3,), "a class head stays in its run"),
    ],
)
def test_a_keras_file_takes_no_branches_and_no_class_head(change, settings, way_out, model, tmp_path):
    change(model, *settings)
    with pytest.raises(ValueError, match="no place for LoRA and class heads; take save_weights"):
        model.save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match=way_out):
        tensorflow_gpt.save_gpt2(model, tmp_path / "gpt2")


def test_the_optimizer_takes_keras_variables_too(model):
    other = tensorflow_gpt.GPTModel(CONFIG, np.random.default_rng(3))
    for each, params in ((model, model.parameters()), (other, other.trainable_variables)):
        each.compile(tensorflow_gpt.AdamW(params, 1e-2, weight_decay=0.5), tensorflow_gpt.cross_entropy())
        each.fit(IDS, IDS, verbose=0)
    for ours, theirs in zip(model.weights, other.weights):
        assert_close(ours, theirs, 0.0)


def test_tensors_of_tensorflow_are_prompts_and_weights(model):
    prompts = [[1, 2, 3], [4, 5, 6]]
    tensor = tf.constant(prompts)
    assert tensorflow_gpt.generate(model, tensor, 4) == tensorflow_gpt.generate(model, prompts, 4)
    other = tensorflow_gpt.GPTModel(CONFIG, np.random.default_rng(4))
    other.load_state_dict({key: tf.constant(array) for key, array in model.state_dict().items()})
    assert_close(other(IDS), model(IDS), 0.0)


@pytest.mark.parametrize(("dtype", "words"), [("float16", "float32 or float64"), ("mixed_float16", "mixed_float16")])
def test_a_dtype_that_it_does_not_compute_in_is_refused(dtype, words):
    with pytest.raises(ValueError, match=words):
        tensorflow_gpt.GPTModel(CONFIG, dtype=dtype)
    assert tensorflow_gpt.GPTModel(CONFIG, dtype=tf.float64).dtype == "float64"


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("generate --attention a.png", "generate has no --attention here; numpy-gpt and torch-gpt have it"),
        ("generate --no-cache", "no --no-cache here"),
        ("generate --prompt-lookup 3", "no --prompt-lookup here"),
        ("chat --web", "no --web here"),
        ("chat --no-web", "no --no-web here"),
        ("inspect marren", "no command inspect here; numpy-gpt and torch-gpt have it"),
        ("inspeckt", "There is no command 'inspeckt'"),
    ],
)
def test_what_is_left_out_says_where_it_is(typed, words):
    with pytest.raises(ValueError, match=words):
        parse("tensorflow-gpt", "", for_tensorflow.ALL, typed.split())
