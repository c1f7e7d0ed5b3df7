"""Classification: the twins against each other and against transformers; padding, the last real token, what stays frozen."""

import numpy as np
import pytest
import torch
import transformers
from hypothesis import given
from hypothesis import strategies as st

import numpy_gpt
import torch_gpt
from numpy_gpt import GPTConfig
from parity_tests.report.measure import assert_all_close, assert_close, losses, random_state, to_numpy, twins
from parity_tests.strategies import configs, seeds
from parity_tests.transformers_gpt import as_transformers
from shared_gpt.text import LabelDataset, labels_and_last
from shared_gpt.text.characters import CharTokenizer
from shared_gpt.training.label_tuning import accuracy, confusion_matrix

CONFIG = GPTConfig(9, 11, 30, 5, 3, drop_rate=0.0)
ROWS = [
    ("ham", "abba"),
    ("spam", "c"),
    ("egg", "hgfedcba"),
    ("ham", "fade"),
    ("spam", "bead"),
    ("egg", "deaf"),
    ("ham", "cab"),
]


def classifiers(config=CONFIG, n_classes=3, seed=0):
    """Both twins with the same weights, head included, in float64."""
    pair = twins(config, seed)
    numpy_gpt.add_class_head(pair[0], n_classes, np.random.default_rng(seed))
    torch_gpt.add_class_head(pair[1], n_classes, np.random.default_rng(seed))
    assert_close(pair[0].lm_head.weight.data, pair[1].lm_head.weight, 0)
    state = random_state(pair[0].state_dict(), seed)
    for model in pair:
        model.load_state_dict(state)
    return pair


def dataset(config=CONFIG) -> LabelDataset:
    return LabelDataset(ROWS, CharTokenizer("abcdefgh", end_of_text=True), config.context_length)


@given(config=configs(), seed=seeds, n_classes=st.integers(2, 5), B=st.integers(1, 4))
def test_twins_agree_on_scores_and_on_every_gradient(config, seed, n_classes, B):
    pair = classifiers(config, n_classes, seed)
    rng = np.random.default_rng([seed, 7])
    T = config.context_length
    ids, last = rng.integers(config.vocab_size, size=(B, T)), rng.integers(T, size=B)
    scores = [to_numpy(twin.predict_classes(m, ids, last)) for twin, m in zip((numpy_gpt, torch_gpt), pair)]
    assert scores[0].shape == (B, n_classes)
    assert_close(*scores, 1e-10)
    targets = np.full((B, T), -100)
    targets[np.arange(B), last] = rng.integers(n_classes, size=B)
    assert_close(*losses(pair, ids, targets), 1e-10)
    found = {name: p.grad for name, p in pair[0].named_parameters()}
    assert {"lm_head.weight", "lm_head.bias"} <= set(found)
    assert_all_close(found, {name: to_numpy(p.grad) for name, p in pair[1].named_parameters()}, 1e-10)


def test_transformers_sorts_the_same():
    """GPT2ForSequenceClassification finds the last real token by itself, from the padding's id."""
    data = dataset()
    inputs, targets = data.collate([data[i] for i in range(len(data))])
    labels, last = labels_and_last(targets)
    model, _ = classifiers()
    plain = as_transformers(twins(CONFIG, 0)[0])
    config = transformers.GPT2Config(**{**plain.config.to_dict(), "num_labels": 3, "pad_token_id": data.pad_id})
    theirs = transformers.GPT2ForSequenceClassification(config).double().eval()
    body = as_transformers(headless(model)).transformer
    theirs.transformer.load_state_dict(body.state_dict())
    theirs.score.weight.data = torch.from_numpy(model.lm_head.weight.data.copy())
    judged = theirs(torch.from_numpy(inputs)).logits + torch.from_numpy(model.lm_head.bias.data)
    assert_close(numpy_gpt.predict_classes(model, inputs, last), judged, 1e-10)
    criterion = numpy_gpt.CrossEntropy()
    loss = torch.nn.functional.cross_entropy(judged, torch.from_numpy(labels))
    assert_close(float(criterion(model(inputs), targets)), loss, 1e-10)


def headless(model) -> numpy_gpt.GPTModel:
    plain, _ = twins(CONFIG, 0)
    plain.load_state_dict({name: a for name, a in model.state_dict().items() if not name.startswith("lm_head.")})
    return plain


@pytest.mark.parametrize("which", [0, 1])
def test_padding_on_the_right_changes_nothing_and_the_last_real_token_decides(which):
    model, twin = classifiers()[which], (numpy_gpt, torch_gpt)[which]
    data = dataset()
    inputs, targets = data.collate([data[i] for i in range(len(data))])
    _, last = labels_and_last(targets)
    assert len(set(last.tolist())) > 2
    scores = to_numpy(twin.predict_classes(model, inputs, last))
    for row, (ids, _) in enumerate(data.items):
        assert last[row] == len(ids) - 1
        alone = to_numpy(twin.predict_classes(model, ids[None, :], np.array([len(ids) - 1])))
        assert_close(alone[0], scores[row], 1e-12)
    other = inputs.copy()
    other[np.arange(inputs.shape[1]) > last[:, None]] = 3  # another padding
    assert_close(twin.predict_classes(model, other, last), scores, 1e-12)
    other = inputs.copy()
    other[np.arange(len(last)), last] = (other[np.arange(len(last)), last] + 1) % 8
    moved = np.abs(to_numpy(twin.predict_classes(model, other, last)) - scores).max(axis=1)
    assert (moved > 1e-3).all()


@pytest.mark.parametrize("which", [0, 1])
def test_the_mode_stays_and_nothing_is_dropped(which):
    twin = (numpy_gpt, torch_gpt)[which]
    model = classifiers(CONFIG.replace(drop_rate=0.5))[which].train()
    ids, last = np.array([[1, 2, 3]]), np.array([2])
    first, second = (to_numpy(twin.predict_classes(model, ids, last)) for _ in range(2))
    assert model.training
    assert np.array_equal(first, second)


@pytest.mark.parametrize("which", [0, 1])
def test_below_the_last_block_nothing_moves(which):
    twin = (numpy_gpt, torch_gpt)[which]
    model = classifiers()[which]
    twin.freeze_below_last_block(model)
    before = {name: np.array(array) for name, array in model.state_dict().items()}
    data = dataset()
    batch = data.collate([data[i] for i in range(len(data))])
    optimizer = twin.AdamW(model.parameters(), lr=1e-2)
    first, *_, last = five_steps(twin, model, optimizer, batch)
    assert last < first
    moved = {name for name, array in model.state_dict().items() if not np.array_equal(before[name], to_numpy(array))}
    assert moved == {name for name in before if name.startswith(("h.2.", "ln_f.", "lm_head."))}
    for name, parameter in model.named_parameters():
        assert (parameter.grad is None) == (name not in moved), name


def five_steps(twin, model, optimizer, batch) -> list[float]:
    """The losses of five steps on one batch."""
    progress = twin.train(model, optimizer, iter([batch] * 5), 5, lambda step: 1e-2)
    return [each.loss for each in progress]


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("batch_size", [1, 3, 7, 20])
def test_the_confusion_matrix_counts_every_text_once(which, batch_size):
    twin, model, data = (numpy_gpt, torch_gpt)[which], classifiers()[which], dataset()
    confusion = confusion_matrix(twin, model, data, batch_size)
    assert data.classes == ("egg", "ham", "spam")
    assert confusion.sum(axis=1).tolist() == [2, 3, 2]
    given = []
    for ids, _ in data.items:
        given.append(int(to_numpy(twin.predict_classes(model, ids[None, :], np.array([len(ids) - 1]))).argmax()))
    assert confusion.sum(axis=0).tolist() == np.bincount(given, minlength=3).tolist()
    right = sum(guess == label for guess, (_, label) in zip(given, data.items))
    assert accuracy(confusion) == right / len(data)


def test_accuracy_is_the_share_of_the_diagonal():
    assert accuracy(np.array([[3, 1], [2, 4]])) == 0.7
    assert accuracy(np.zeros((2, 2), np.int64)) == 0


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("n_classes", [1, 0, True])
def test_a_head_with_nothing_to_choose_is_refused(which, n_classes):
    twin, model = (numpy_gpt, torch_gpt)[which], twins(CONFIG, 0)[which]
    head = model.lm_head
    with pytest.raises(ValueError, match="give data with at least 2"):
        twin.add_class_head(model, n_classes)
    assert model.lm_head is head
