"""tensorflow_gpt beside the twins: weights, files, generation, perplexity, LoRA and classes."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings

import numpy_gpt
import tensorflow_gpt
import torch_gpt
from numpy_gpt import GPTConfig
from parity_tests import checkpoint_files
from parity_tests.keras_judge import keras_judge
from parity_tests.report.measure import assert_all_close, assert_close, twins
from parity_tests.test_generate import ways_to_sample

CONFIG = GPTConfig(vocab_size=31, context_length=13, emb_dim=15, n_heads=3, n_layers=2)
PROMPTS = [[3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5], [8], [9, 7, 9]]


@pytest.fixture(scope="module")
def pair():
    """The NumPy twin and a Keras model of its weights, which no test changes."""
    model, _ = twins(CONFIG, 3)
    return model, keras_judge(model)


@pytest.mark.parametrize("tie_embeddings", [True, False])
@pytest.mark.parametrize("how", ["initialize", "initialize_as_pytorch"])
def test_one_seed_draws_the_weights_of_the_twins(how, tie_embeddings):
    config = CONFIG.replace(tie_embeddings=tie_embeddings, qkv_bias=tie_embeddings)
    states = []
    for twin in (numpy_gpt, tensorflow_gpt):
        model = twin.GPTModel(config, initialize=False)
        getattr(model, how)(np.random.default_rng(5))
        states.append(model.state_dict())
    ours, theirs = states
    assert list(ours) == list(theirs)
    for name in ours:
        assert theirs[name].dtype == np.float32
        np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-6, atol=1e-7, err_msg=name)


def test_a_state_dict_goes_in_and_out_bit_by_bit(pair):
    model, judge = pair
    for name, array in judge.state_dict().items():
        assert np.array_equal(array, model.state_dict()[name]), name
    state = dict(model.state_dict())
    state["extra"] = state.pop("ln_f.bias")
    with pytest.raises(ValueError, match=r"2 differences.*missing ln_f.bias.*unexpected extra"):
        judge.load_state_dict(state)


def test_it_is_a_keras_model(pair, capsys):
    _, judge = pair
    judge.summary()
    said = capsys.readouterr().out
    assert "wte" in said
    assert f"{pair[0].num_parameters():,}" in said
    assert judge.num_parameters() == pair[0].num_parameters() == judge.count_params()
    words = {"kernel": "weight", "gamma": "weight", "embeddings": "weight", "beta": "bias"}
    for name, parameter in judge.named_parameters():  # Keras' own names, in its messages, are the twins' in its words
        _, *path, last = parameter.variable.path.split("/")
        assert name == ".".join([*path, words.get(last, last)])


@pytest.mark.parametrize("layout", ["openai", "huggingface"])
def test_gpt2s_files_go_in_and_out(layout, pair, tmp_path):
    model, _ = pair
    numpy_gpt.save_gpt2(model, tmp_path / "theirs", layout)
    loaded = tensorflow_gpt.load_gpt2(tmp_path / "theirs", "float64")
    assert_close(model(np.array([PROMPTS[0]])), loaded(np.array([PROMPTS[0]])), 1e-10)
    tensorflow_gpt.save_gpt2(loaded, tmp_path / "ours", layout)
    again = numpy_gpt.load_gpt2(tmp_path / "ours", numpy_gpt.float64).state_dict()
    assert all(np.array_equal(array, again[name]) for name, array in model.state_dict().items())


def test_transformers_file_loads(tmp_path):
    theirs = checkpoint_files.transformers_model(CONFIG)
    theirs.save_pretrained(tmp_path)
    ids = np.array([PROMPTS[0]])
    expected = checkpoint_files.transformers_logits(theirs, ids)
    assert_close(tensorflow_gpt.load_gpt2(tmp_path, "float64")(ids), expected, 1e-10)


@settings(max_examples=12)
@given(way=ways_to_sample)
def test_the_same_draws_give_the_same_tokens(way, pair):
    """Rows of unequal lengths, past the context length."""
    ours, theirs = (
        twin.generate(model, PROMPTS, 8, rng=np.random.default_rng(1), eos_id=7, **way)
        for twin, model in zip((numpy_gpt, tensorflow_gpt), pair)
    )
    assert ours == theirs


def test_candidates_are_the_twins(pair):
    for temperature in (0.0, 0.7):
        ours, theirs = (
            list(twin.stream(m, [[1]], 3, temperature=temperature, top_k=4, rng=np.random.default_rng(2), candidates=5))
            for twin, m in zip((numpy_gpt, tensorflow_gpt), pair)
        )
        for a, b in zip(ours, theirs):
            assert a.tokens == b.tokens
            assert [t for t, _ in a.candidates[0]] == [t for t, _ in b.candidates[0]]
            assert [p for _, p in a.candidates[0]] == pytest.approx([p for _, p in b.candidates[0]], rel=1e-12)


@pytest.mark.parametrize(
    ("changes", "words"), [({"temperature": -1}, "temperature is -1"), ({"top_p": 2}, "top_p is 2")]
)
def test_settings_that_mean_nothing_are_refused_before_any_work(changes, words, pair):
    with pytest.raises(ValueError, match=words):
        tensorflow_gpt.stream(pair[1], [[1]], 3, **changes)


@pytest.mark.parametrize("stride", [None, 1, 5, 13])
@pytest.mark.parametrize("length", [2, 13, 14, 15, 31])
def test_perplexity(stride, length, pair):
    tokens = np.arange(length) ** 2 % CONFIG.vocab_size
    ours, theirs = (list(twin.token_losses(m, tokens, stride)) for twin, m in zip((numpy_gpt, tensorflow_gpt), pair))
    assert list(map(len, ours)) == list(map(len, theirs))
    assert_close(np.concatenate(ours), np.concatenate(theirs), 1e-10)
    assert tensorflow_gpt.perplexity(pair[1], tokens, stride) == pytest.approx(
        numpy_gpt.perplexity(pair[0], tokens, stride)
    )


def test_lora_merges_and_an_adapter_goes_between_programs(tmp_path):
    model, _ = twins(CONFIG.replace(drop_rate=0.0), 4)
    judge = keras_judge(model)
    judge.logits(np.array([PROMPTS[0]]))  # makes a graph, which the branches must replace
    targets = ("c_attn", "mlp.c_proj")
    for twin, either in ((numpy_gpt, model), (tensorflow_gpt, judge)):
        twin.apply_lora(either, 2, 6.0, targets, 0.1, np.random.default_rng(7))
    assert_all_close(numpy_gpt.lora_state_dict(model), tensorflow_gpt.lora_state_dict(judge), 0)
    trained = {name for name, parameter in judge.named_parameters() if parameter.requires_grad}
    assert trained == set(numpy_gpt.lora_state_dict(model))
    assert len(judge.trainable_variables) == len(trained)
    for layer in tensorflow_gpt.lora.adapted(judge).values():
        layer.lora_B.assign(np.random.default_rng(8).standard_normal(layer.lora_B.shape))

    tensorflow_gpt.save_lora(judge, tmp_path)
    fresh, torch_fresh = twins(CONFIG, 4)
    numpy_gpt.load_lora(fresh, tmp_path)
    torch_gpt.load_lora(torch_fresh, tmp_path)
    ids = np.array([PROMPTS[0]])
    logits = judge(ids)
    assert_close(fresh(ids), logits, 1e-10)
    back = keras_judge(twins(CONFIG, 4)[0])
    tensorflow_gpt.load_lora(back, tmp_path)
    assert_close(back(ids), logits, 1e-10)

    merged = tensorflow_gpt.merged_state_dict(judge)
    assert_all_close(numpy_gpt.merged_state_dict(fresh), merged, 1e-12)
    before = judge.state_dict()
    assert_close(judge.logits(ids), logits, 1e-10)
    tensorflow_gpt.merge_lora(judge)
    assert_close(judge.logits(ids), logits, 1e-10)
    assert_all_close(tensorflow_gpt.merged_state_dict(judge), merged, 1e-12)
    with pytest.raises(ValueError, match="merged already"):
        tensorflow_gpt.merge_lora(judge)
    tensorflow_gpt.unmerge_lora(judge)
    assert_all_close(judge.state_dict(), before, 1e-12)


def test_keras_own_graphs_do_not_outlive_a_change_of_layers():
    """predict and evaluate keep the graph of their first call; it would go on with the layers as they were."""
    judge = tensorflow_gpt.GPTModel(CONFIG, np.random.default_rng(4))
    ids = np.array([PROMPTS[0]])

    def predicts_what_it_is():
        assert_close(judge.predict(ids, verbose=0), judge(ids), 1e-5)

    predicts_what_it_is()
    for layer in tensorflow_gpt.apply_lora(judge, 2, 6.0).values():
        layer.lora_B.assign(np.random.default_rng(8).standard_normal(layer.lora_B.shape))
    predicts_what_it_is()
    tensorflow_gpt.merge_lora(judge)
    predicts_what_it_is()
    judge.compile(tensorflow_gpt.AdamW(judge.parameters()), tensorflow_gpt.cross_entropy())
    with pytest.raises(ValueError, match=r"no part in the loss.*unmerge_lora"):
        judge.fit(ids, ids, verbose=0)
    tensorflow_gpt.unmerge_lora(judge)
    predicts_what_it_is()
    tensorflow_gpt.add_class_head(judge, 3)
    predicts_what_it_is()


def test_its_summary_and_its_export_leave_batch_and_length_open(tmp_path):
    judge = tensorflow_gpt.GPTModel(CONFIG)
    shown = []
    judge.summary(print_fn=shown.append)
    assert f"(None, None, {CONFIG.emb_dim})" in "\n".join(shown)
    judge.export(str(tmp_path), verbose=False)
    ids = np.array([PROMPTS[0], PROMPTS[0]])
    exported = tf.saved_model.load(str(tmp_path))
    assert_close(exported.serve(tf.constant(ids, tf.float32)), judge(ids), 1e-5)


@pytest.mark.parametrize("targets", [("lm_head",), ("wte",)])
def test_lora_on_what_has_no_matrix_of_its_own_is_refused(targets, pair):
    with pytest.raises(ValueError, match=r"shares its weight|No linear layer"):
        tensorflow_gpt.apply_lora(pair[1], 2, 4.0, targets)


@pytest.mark.parametrize("tie_embeddings", [True, False])
def test_a_head_of_classes(tie_embeddings):
    model, _ = twins(CONFIG.replace(tie_embeddings=tie_embeddings), 4)
    judge = keras_judge(model)
    for twin, either in ((numpy_gpt, model), (tensorflow_gpt, judge)):
        twin.add_class_head(either, 3, np.random.default_rng(1))
    ids, last = np.array([PROMPTS[0], PROMPTS[0][::-1]]), np.array([10, 4])
    scores = tensorflow_gpt.predict_classes(judge, ids, last)
    assert_close(numpy_gpt.predict_classes(model, ids, last), scores, 1e-10)
    assert judge.num_parameters() == model.num_parameters()  # the head of tokens is gone
    numpy_gpt.freeze_below_last_block(model)
    tensorflow_gpt.freeze_below_last_block(judge)
    ours, theirs = ({name for name, p in m.named_parameters() if p.requires_grad} for m in (model, judge))
    assert ours == theirs


def test_dropout_stands_where_the_twins_have_it(monkeypatch):
    """Where Keras' layer draws the masks of the twins, from one generator in one order, a training pass is theirs."""

    def drop(self, inputs, training=None):
        if not training or self.rate == 0:
            return inputs
        return inputs * (self.rng.random(tuple(inputs.shape), np.float32) >= self.rate) / (1 - self.rate)

    monkeypatch.setattr(tensorflow_gpt.Dropout, "call", drop)
    model, _ = twins(CONFIG.replace(drop_rate=0.3), 4)
    judge = keras_judge(model)
    for twin, either in ((numpy_gpt, model), (tensorflow_gpt, judge)):
        twin.apply_lora(either, 2, 6.0, dropout=0.2)
        draw = np.random.default_rng(8)
        twin.lora.load_lora_state_dict(
            either, {name: draw.standard_normal(array.shape) for name, array in twin.lora_state_dict(either).items()}
        )
        rng = np.random.default_rng(9)
        for module in either.modules():
            if isinstance(module, twin.Dropout):
                module.rng = rng
    ids = np.array([PROMPTS[0], PROMPTS[0][::-1]])
    dropped = judge(ids, training=True)
    assert_close(model.train()(ids), dropped, 1e-10)
    assert np.abs(dropped - judge(ids)).max() > 0.1


def run_python(code: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8")


def test_its_start_is_silent_and_it_stands_alone():
    """Nothing on the error output; neither twin is imported, nor a command."""
    done = run_python(
        "import sys, tensorflow_gpt; import tensorflow as tf; tf.constant(1.0) + 1\n"
        "print({'numpy_gpt', 'torch_gpt', 'torch', 'parity_tests', 'tyro'} & set(sys.modules))"
    )
    assert (done.stdout, done.stderr) == ("set()\n", "")


COMMAND = "from shared_gpt.cli import tensorflow_command; sys.exit(tensorflow_command())"
MODULE = "import runpy; sys.argv = ['-m', 'evaluate']; runpy.run_module('tensorflow_gpt')"  # as python -m begins


@pytest.mark.parametrize("how", [f"sys.argv[1:] = ['evaluate']; {COMMAND}", MODULE])
def test_without_tensorflow_one_line_says_what_to_install(how):
    done = run_python(f"import sys; sys.modules['tensorflow'] = None\n{how}")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "pip install 'numpy-gpt[tensorflow]'" in done.stderr
    assert "Python 3.10 to 3.13" in done.stderr


def test_its_help_needs_no_tensorflow():
    done = run_python(f"import sys; sys.modules['tensorflow'] = None; sys.argv[1:] = ['generate', '--help']; {COMMAND}")
    assert (done.returncode, done.stderr) == (0, "")
    assert "Left out" in done.stdout


def test_the_help_of_chat_names_no_option_that_is_left_out():
    done = run_python(f"import sys; sys.argv[1:] = ['chat', '--help']; {COMMAND}")
    assert "--web" not in done.stdout.partition("options")[2]
    assert "marren-chat" in done.stdout
