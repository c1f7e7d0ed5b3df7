"""LabelDataset: rows of two layouts, balancing, padding on the right with the class at the last real token."""

import csv
import re
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared_gpt.text.batches import IGNORE_INDEX, split_examples
from shared_gpt.text.bpe import BytePairTokenizer
from shared_gpt.text.characters import CharTokenizer
from shared_gpt.text.labels import LabelDataset, Labelled, balance, labels_and_last, load_labels
from torch_gpt.data import data_loader

BYTES = BytePairTokenizer([])
ROWS = [
    Labelled("spam", 'WIN a "free prize, call now'),
    Labelled("ham", "see you at 5"),
    Labelled("ham", 'ok, "later" then'),
    Labelled("spam", "txt STOP\tto stop"),
    Labelled("ham", "naïve café 😀"),
]
# Text that a line can hold and that stripping leaves as it is.
FIELD = st.text(st.characters(codec="utf-8", exclude_characters="\r\n\t")).filter(lambda s: s.strip() == s and s)


# ---- files ----


def write_csv(path, rows):
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def write_tsv(path, rows):
    path.write_text("".join(f"{label}\t{text}\n" for label, text in rows), encoding="utf-8")
    return path


def test_the_sms_layout_loads(tmp_path):
    for name in ("SMSSpamCollection", "spam.tsv", "spam.txt"):
        assert load_labels(write_tsv(tmp_path / name, ROWS)) == ROWS


def test_csv_loads(tmp_path):
    assert load_labels(write_csv(tmp_path / "spam.csv", ROWS)) == ROWS
    (tmp_path / "lines.CSV").write_text('ham,"two\nlines, one ""row"""\n\nspam,b\n', encoding="utf-8")
    assert load_labels(tmp_path / "lines.CSV") == [("ham", 'two\nlines, one "row"'), ("spam", "b")]


@pytest.mark.parametrize("write", [write_csv, write_tsv])
@pytest.mark.parametrize("header", [("Label", "Text"), ("text", "label")])
def test_a_header_is_understood(tmp_path, write, header):
    rows = [row if header[0] == "Label" else row[::-1] for row in ROWS if "\t" not in row.text]
    path = write(tmp_path / ("rows.csv" if write is write_csv else "rows.tsv"), [header, *rows])
    assert load_labels(path) == [row for row in ROWS if "\t" not in row.text]


@settings(max_examples=60)
@given(rows=st.lists(st.tuples(FIELD, FIELD), min_size=1))
@pytest.mark.parametrize("write", [write_csv, write_tsv])
def test_whatever_is_written_loads(tmp_path_factory, write, rows):
    path = tmp_path_factory.getbasetemp() / ("rows.csv" if write is write_csv else "rows.tsv")
    rows = [("a", "first, so that no row is a header"), *rows]
    assert load_labels(write(path, rows)) == rows


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.tsv", "ham\tok\nspam win", "Row 2 of .*a.tsv is .*'spam win'.*separated by a tab"),
        ("a.tsv", "ham\tok\n\n\tno label", "Row 3 of .*separated by a tab"),
        ("a.tsv", "ham\tok\nspam\t ", "Row 2 of .*separated by a tab"),
        ("a.csv", "ham,ok\nspam,a,b", "Row 2 of .*separated by a comma"),
        ("a.csv", 'ham,ok\nspam,"a', "Row 2 of .* is no CSV .*quote texts that hold commas"),
        ("a.csv", 'ham,ok\nspam,"a" b', "Row 2 of .* is no CSV"),
        ("a.tsv", "", "holds no text"),
    ],
)
def test_a_row_that_is_none_is_named(tmp_path, name, text, message):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        load_labels(tmp_path / name)


def test_the_shipped_set_loads():
    dataset = LabelDataset("labels", BYTES)
    assert len(dataset.classes) >= 2
    assert min(Counter(row.label for row in dataset.rows).values()) > 20
    with pytest.raises(FileNotFoundError, match="the names are labels"):
        load_labels("label")


# ---- balancing and splitting ----


@given(labels=st.lists(st.sampled_from("abc"), min_size=1), seed=st.integers(0, 2**32 - 1))
def test_balancing_keeps_as_many_of_each_class(labels, seed):
    rows = [Labelled(label, f"text {i}") for i, label in enumerate(labels)]
    kept = balance(rows, np.random.default_rng(seed))
    assert Counter(row.label for row in kept) == dict.fromkeys(labels, min(Counter(labels).values()))
    assert [row for row in rows if row in kept] == kept  # in the order they had, none twice
    assert kept == balance(rows, np.random.default_rng(seed))


def test_balancing_draws_by_the_seed():
    rows = [Labelled("ham", str(i)) for i in range(100)] + [Labelled("spam", "win")]
    assert len({balance(rows, np.random.default_rng(seed))[0].text for seed in range(20)}) > 10


def test_a_split_can_be_made_into_datasets():
    train, val, test = split_examples(ROWS * 20, 0.1, 0.2, np.random.default_rng(1))
    datasets = [LabelDataset(rows, BYTES, classes=("ham", "spam")) for rows in (train, val, test)]
    assert [len(dataset) for dataset in datasets] == [70, 10, 20]


# ---- ids and batches ----


@given(texts=st.lists(st.text(min_size=1), min_size=1, max_size=5), context_length=st.none() | st.integers(1, 20))
def test_the_class_stands_at_the_last_real_token(texts, context_length):
    rows = [(str(i % 3), text) for i, text in enumerate(texts)]
    dataset = LabelDataset(rows, BYTES, context_length, classes="012")
    inputs, targets = dataset.collate([dataset[i] for i in range(len(dataset))])
    lengths = [len(BYTES.encode(text)[:context_length]) for text in texts]
    assert inputs.dtype == targets.dtype == np.int64
    assert inputs.shape == targets.shape == (len(texts), max(lengths))
    for row, (text, length) in enumerate(zip(texts, lengths)):
        assert inputs[row, :length].tolist() == BYTES.encode(text)[:length]
        assert (inputs[row, length:] == BYTES.eot).all()
        assert targets[row].tolist() == [IGNORE_INDEX if i != length - 1 else row % 3 for i in range(max(lengths))]
    labels, last = labels_and_last(targets)
    assert labels.tolist() == [i % 3 for i in range(len(texts))]
    assert (last + 1).tolist() == lengths


def test_classes_are_numbered_by_the_alphabet_or_as_told():
    assert LabelDataset(ROWS, BYTES).classes == ("ham", "spam")
    assert [label for _, label in LabelDataset(ROWS, BYTES)] == [1, 0, 0, 1, 0]
    assert [label for _, label in LabelDataset(ROWS, BYTES, classes=["spam", "ham"])] == [0, 1, 1, 0, 1]


def test_a_tokenizer_without_end_token_pads_too():
    dataset = LabelDataset([("a", "xyz"), ("b", "x")], CharTokenizer("xyz"))
    assert dataset.collate(dataset.items)[0].tolist() == [[0, 1, 2], [0, 0, 0]]


def test_batches_are_the_same_in_torch():
    dataset = LabelDataset(ROWS * 4, BYTES)
    ours = dataset.batches(3, np.random.default_rng(3), drop_last=False)
    theirs = data_loader(dataset, 3, np.random.default_rng(3), drop_last=False)
    for _ in range(2):
        for (inputs, targets), (t_inputs, t_targets) in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(inputs, t_inputs.numpy())
            np.testing.assert_array_equal(targets, t_targets.numpy())


# ---- bad input ----


@pytest.mark.parametrize(
    ("rows", "options", "message"),
    [
        ([], {}, "There are no rows"),
        (
            [*ROWS, ("eggs", "hi")],
            {"classes": ("ham", "spam")},
            "Row 6 has the label 'eggs', which is none of ham, spam",
        ),
        ([*ROWS, ("ham", "")], {}, "Row 6 has the text '', which gives no token"),
    ],
)
def test_rows_that_cannot_be_used_are_named(rows, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        LabelDataset(rows, BYTES, **options)


def test_a_header_alone_is_named(tmp_path):
    path = write_csv(tmp_path / "rows.csv", [("label", "text")])
    with pytest.raises(
        ValueError, match=r"rows\.csv holds a header and no rows below it; give labels with their texts"
    ):
        load_labels(path)
