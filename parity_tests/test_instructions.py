"""InstructionDataset: the prompts to the letter, padding and masks by position, files that are not what they should be."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.utils.rnn import pad_sequence

from shared_gpt.text.batches import IGNORE_INDEX
from shared_gpt.text.bpe import BytePairTokenizer
from shared_gpt.text.characters import CharTokenizer
from shared_gpt.text.instructions import InstructionDataset, collate, load_instructions
from shared_gpt.text.prompts import format_prompt
from shared_gpt.text.show import show_targets
from torch_gpt.data import data_loader

WITH_INPUT = {"instruction": "Give the plural.", "input": "mouse", "output": "mice"}
WITHOUT = {"instruction": "Say hello.", "input": "", "output": "Hello!"}
ENTRIES = [WITH_INPUT, WITHOUT, {"instruction": "Name a colour.", "output": "Blue, as the sky <|endoftext|> is."}]
BYTES = BytePairTokenizer([])  # no merges: one id for each byte, and the end token 256
TEXT = st.text(max_size=20)
# Few ids, so that the padding's own id, 2, is often inside a text.
ITEMS = st.lists(
    st.lists(st.integers(0, 3), min_size=2, max_size=9).flatmap(
        lambda ids: st.integers(1, len(ids) - 1).map(lambda n_prompt: (np.array(ids), n_prompt))
    ),
    min_size=1,
    max_size=5,
)


def write(path, entries):
    lines = json.dumps(entries) if path.suffix == ".json" else "\n".join(map(json.dumps, entries)) + "\n\n"
    path.write_text(lines, encoding="utf-8")
    return path


# ---- prompts ----


def test_the_alpaca_prompt():
    assert format_prompt(WITH_INPUT) == (
        "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n"
        "### Instruction:\nGive the plural.\n\n### Input:\nmouse\n\n### Response:\n"
    )
    assert format_prompt(WITHOUT) == (
        "Below is an instruction that describes a task. Write a response that appropriately completes the request.\n\n"
        "### Instruction:\nSay hello.\n\n### Response:\n"
    )


def test_the_phi3_prompt():
    assert format_prompt(WITH_INPUT, "phi3") == "<|user|>\nGive the plural.\nmouse<|end|>\n<|assistant|>\n"
    assert format_prompt(WITHOUT, "phi3") == "<|user|>\nSay hello.<|end|>\n<|assistant|>\n"


def test_the_prompt_of_question_and_answer():
    assert format_prompt(WITH_INPUT, "qa") == "Q: Give the plural.\nmouse\nA:\n"
    assert format_prompt(WITHOUT, "qa") == "Q: Say hello.\nA:\n"


def test_another_prompt_is_refused():
    with pytest.raises(ValueError, match="no prompt style 'llama'; choose one of alpaca, phi3, qa"):
        format_prompt(WITHOUT, "llama")


# ---- collating ----


@given(items=ITEMS)
def test_collate_pads_and_shifts_as_torch_does(items):
    inputs, targets = collate(items, pad_id=2)
    rows = [torch.from_numpy(ids) for ids, _ in items]
    padded = pad_sequence([row[:-1] for row in rows], batch_first=True, padding_value=2)
    wanted = pad_sequence([row[1:] for row in rows], batch_first=True, padding_value=IGNORE_INDEX)
    assert inputs.dtype == targets.dtype == np.int64
    np.testing.assert_array_equal(inputs, padded.numpy())
    np.testing.assert_array_equal(targets, wanted.numpy())


@settings(max_examples=100)
@given(items=ITEMS, mask_prompt=st.booleans(), context_length=st.none() | st.integers(1, 10))
def test_collate_position_by_position(items, mask_prompt, context_length):
    inputs, targets = collate(items, 2, mask_prompt, context_length)
    longest = max(len(ids) for ids, _ in items) - 1
    assert inputs.shape == targets.shape == (len(items), min(longest, context_length or longest))
    for row, (ids, n_prompt) in enumerate(items):
        for place in range(inputs.shape[1]):
            inside = place + 1 < len(ids)
            counts = inside and not (mask_prompt and place + 1 < n_prompt)
            assert inputs[row, place] == (ids[place] if inside else 2)
            assert targets[row, place] == (ids[place + 1] if counts else IGNORE_INDEX)


def test_the_first_end_token_counts_and_no_other():
    (first, second), end = InstructionDataset([WITH_INPUT, WITHOUT], BYTES).items, BYTES.eot
    inputs, targets = collate([first, second], pad_id=end)
    for row, (ids, _) in enumerate([first, second]):
        assert (targets[row] == end).sum() == 1
        assert targets[row, len(ids) - 2] == end
        assert (inputs[row, len(ids) - 1 :] == end).all()


@given(entries=st.lists(st.tuples(TEXT.filter(str.strip), TEXT, TEXT), min_size=1, max_size=4))
@pytest.mark.parametrize("style", ["alpaca", "phi3", "qa"])
def test_with_the_prompt_masked_the_answer_is_what_counts(style, entries):
    entries = [dict(zip(("instruction", "input", "output"), entry)) for entry in entries]
    dataset = InstructionDataset(entries, BYTES, style=style, mask_prompt=True)
    inputs, targets = dataset.collate([dataset[i] for i in range(len(dataset))])
    for row, entry in enumerate(entries):
        counted = targets[row] != IGNORE_INDEX
        assert BYTES.decode(targets[row][counted]) == entry["output"] + "<|endoftext|>"
        assert BYTES.decode(inputs[row][: counted.argmax() + 1]) == format_prompt(entry, style)


def test_an_end_token_inside_a_text_is_text():
    dataset = InstructionDataset(ENTRIES, BYTES, mask_prompt=True)
    _, targets = dataset.collate([dataset[2]])
    answer = targets[targets != IGNORE_INDEX]
    assert BYTES.decode(answer) == "Blue, as the sky <|endoftext|> is.<|endoftext|>"
    assert (answer == BYTES.eot).sum() == 1
    ids = np.array([5, 6, BYTES.eot, 7, BYTES.eot])  # and where it is one id, it counts like any other
    assert collate([(ids, 1)], BYTES.eot)[1].tolist() == [[6, BYTES.eot, 7, BYTES.eot]]


def test_long_entries_are_cut_left_out_or_refused():
    long = {"instruction": "Count.", "output": "one " * 200}
    n_prompt = len(BYTES.encode(format_prompt(long)))
    cut = InstructionDataset([WITHOUT, long], BYTES, context_length=n_prompt + 10, mask_prompt=True)
    assert (len(cut), cut.n_cut, cut.n_skipped) == (2, 1, 0)
    inputs, targets = cut.collate(cut.items)
    assert inputs.shape == (2, n_prompt + 10)
    assert BYTES.decode(targets[1][targets[1] != IGNORE_INDEX]) == "one one one"
    assert BYTES.eot not in targets[1]

    skipped = InstructionDataset([WITHOUT, long], BYTES, context_length=n_prompt + 10, skip_long=True)
    assert (skipped.entries, skipped.n_cut, skipped.n_skipped) == ([WITHOUT], 0, 1)

    exact = InstructionDataset([long], BYTES, context_length=n_prompt, mask_prompt=True)
    assert BYTES.decode(exact.collate(exact.items)[1][0, -1:]) == "o"
    too_long = long | {"instruction": "Count on."}  # three letters more
    with pytest.raises(
        ValueError, match=f"prompt of entry 2 has {n_prompt + 3} tokens, context_length is {n_prompt + 2}"
    ):
        InstructionDataset([long, too_long], BYTES, n_prompt + 2, mask_prompt=True)
    with pytest.raises(ValueError, match="No entry is left of 1"):
        InstructionDataset([long], BYTES, context_length=50, skip_long=True)


def test_batches_are_the_same_in_torch():
    dataset = InstructionDataset(ENTRIES * 5, BYTES, context_length=100, mask_prompt=False)
    ours = dataset.batches(4, np.random.default_rng(3), drop_last=False)
    theirs = data_loader(dataset, 4, np.random.default_rng(3), drop_last=False)
    for _ in range(2):
        for (inputs, targets), (t_inputs, t_targets) in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(inputs, t_inputs.numpy())
            np.testing.assert_array_equal(targets, t_targets.numpy())


def test_show_targets_shows_the_mask(capsys):
    dataset = InstructionDataset([WITHOUT, WITH_INPUT], BYTES, mask_prompt=True)
    inputs, targets = dataset.collate(dataset.items)
    show_targets(inputs, targets, BYTES)
    printed = capsys.readouterr().out
    assert f"row 0: 7 of {inputs.shape[1]} targets count" in printed
    assert f"row 1: 5 of {inputs.shape[1]} targets count" in printed
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in printed.splitlines() if line.startswith("│")]
    first = rows[: inputs.shape[1]]
    n_prompt = dataset[0][1]
    assert [target for *_, target in first[: n_prompt - 1]] == [""] * (n_prompt - 1)
    assert first[n_prompt - 1][1].split()[-1] == "⏎"
    assert [row[2].split()[-1] for row in first[n_prompt - 1 : n_prompt + 6]] == [*"Hello!", "<|endoftext|>"]
    assert [target for *_, target in first[n_prompt + 6 :]] == [""] * (len(first) - n_prompt - 6)
    assert max(map(len, printed.splitlines())) <= 80


# ---- files ----


@pytest.mark.parametrize("name", ["data.json", "data.jsonl", "one.jsonl"])
def test_json_and_jsonl_load(tmp_path, name):
    entries = ENTRIES[: 1 if name == "one.jsonl" else 3]
    assert load_instructions(write(tmp_path / name, entries)) == entries


def test_a_missing_or_empty_input_is_none(tmp_path):
    path = tmp_path / "data.jsonl"
    path.write_text(
        '{"instruction": "Hi.", "output": "Hello.", "input": null}\n{"instruction": "Hi.", "output": "Hello."}'
    )
    dataset = InstructionDataset(path, BYTES)
    assert dataset[0][0].tolist() == dataset[1][0].tolist()
    assert BYTES.decode(dataset[0][0]) == format_prompt(WITHOUT | {"instruction": "Hi."}) + "Hello.<|endoftext|>"


@pytest.mark.parametrize("suffix", ["json", "jsonl"])
@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ({"instruction": "Hi."}, r"Entry 3 of .*data\.json.* has no 'output', only 'instruction'; add it"),
        ({"output": "Hi."}, "Entry 3 of .* has no 'instruction'"),
        ({}, "Entry 3 of .* has no 'instruction', only nothing"),
        ({"instruction": "Hi.", "output": 7}, "Entry 3 of .* has 7 as its 'output'; give text"),
        ({"instruction": "Hi.", "input": ["a"], "output": "b"}, "Entry 3 of .* has .* as its 'input'"),
        ({"instruction": " ", "output": "b"}, "Entry 3 of .* has an empty 'instruction'"),
        ("Hi.", r"Entry 3 of .* is 'Hi\.'; give an object"),
    ],
)
def test_an_entry_that_lacks_something_is_named(tmp_path, suffix, entry, message):
    path = write(tmp_path / f"data.{suffix}", [WITHOUT, WITH_INPUT, entry])
    with pytest.raises(ValueError, match=message):
        load_instructions(path)
    if isinstance(entry, dict):
        with pytest.raises(ValueError, match=message.replace(r" of .*data\.json.*", "").replace(" of .* has", " has")):
            InstructionDataset([WITHOUT, WITH_INPUT, entry], BYTES)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('[{"instruction": "a",\n  "output" "b"}]', "line 2, column 12"),
        ('{"instruction": "a"}\n\n{"out', "line 3, column 2"),
    ],
)
def test_a_file_that_is_no_json_is_named(tmp_path, text, place):
    (tmp_path / "data.txt").write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=f"data.txt is no JSON at {place}"):
        load_instructions(tmp_path / "data.txt")


def test_empty_sets_unknown_names_and_tokenizers_without_end_are_refused(tmp_path):
    (tmp_path / "data.json").write_text("", encoding="utf-8")
    with pytest.raises(ValueError, match="holds no text"):
        load_instructions(tmp_path / "data.json")
    with pytest.raises(ValueError, match="No entry is left of 0"):
        InstructionDataset(write(tmp_path / "data.json", []), BYTES)
    with pytest.raises(FileNotFoundError, match="the names are instructions"):
        InstructionDataset("instruction", BYTES)
    with pytest.raises(ValueError, match=r"give a tokenizer with <.endoftext.>"):
        InstructionDataset(ENTRIES, CharTokenizer("abc"))


def test_the_shipped_set_loads():
    entries = load_instructions("instructions")
    assert len(entries) >= 1100
    dataset = InstructionDataset("instructions", BYTES, mask_prompt=True)
    inputs, targets = next(iter(dataset.batches(8, np.random.default_rng(0))))
    assert inputs.shape == targets.shape == (8, max(inputs.shape))


def test_the_books_set_loads():
    path = Path(os.environ.get("NUMPY_GPT_TEST_DATA", "")) / "instruction-data.json"
    if not path.is_file():
        pytest.skip("needs instruction-data.json in the folder that NUMPY_GPT_TEST_DATA names")
    dataset = InstructionDataset(path, BYTES)
    assert len(dataset) == 1100
    assert dataset.entries[2]["output"] == "45 kilometers is 45000 meters."


def test_where_no_entry_fits_a_style_is_named_in_which_some_do():
    entry = {"instruction": "Count to two.", "output": "1 2"}
    length = len(format_prompt(entry, "qa")) + len(entry["output"])
    with pytest.raises(ValueError, match=r"in the style alpaca; take the style qa, .* \(--style qa\)"):
        InstructionDataset([entry], BYTES, context_length=length, skip_long=True)
    with pytest.raises(
        ValueError, match="in the style alpaca; give shorter ones, or take a model with a longer context"
    ):
        InstructionDataset([entry], BYTES, context_length=length - 1, skip_long=True)
