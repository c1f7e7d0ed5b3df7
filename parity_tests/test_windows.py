"""TokenWindows and the order of batches: against torch's unfold and DataLoader, on disk, and taken up again half-way."""

import json
import sys
import tracemalloc
from itertools import chain

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from shared_gpt.text.batches import Batches, Dataset, split_examples
from shared_gpt.text.token_file import LAYOUT, MAGIC, open_tokens
from shared_gpt.text.windows import TokenWindows, split_tokens
from torch_gpt.data import data_loader

SIZES = st.tuples(st.integers(2, 60), st.integers(1, 12), st.integers(1, 15)).filter(lambda size: size[0] > size[1])
SEEDS = st.integers(0, 2**32 - 1)


def row(n):
    return np.arange(n, dtype=np.uint16) * 7


# ---- windows ----


@given(size=SIZES)
def test_windows_are_those_of_torch(size):
    n, T, stride = size
    windows = TokenWindows(row(n), T, stride)
    expected = torch.arange(n).mul(7).unfold(0, T + 1, stride).numpy()
    assert len(windows) == len(expected)
    for i in range(-len(windows), len(windows)):
        inputs, targets = windows[i]
        assert inputs.dtype == targets.dtype == np.int64
        np.testing.assert_array_equal(inputs, expected[i][:-1])
        np.testing.assert_array_equal(targets, expected[i][1:])
    for i in (len(windows), -len(windows) - 1):
        with pytest.raises(IndexError, match=f"no window {i}"):
            windows[i]


def test_windows_lie_end_to_end_unless_told():
    windows = TokenWindows(list(range(11)), context_length=5)
    assert [inputs.tolist() for inputs, _ in windows] == [[0, 1, 2, 3, 4], [5, 6, 7, 8, 9]]


def test_a_window_is_a_copy():
    tokens = row(10).astype(np.int64)
    inputs, _ = TokenWindows(tokens, 4)[0]
    inputs[:] = -1
    np.testing.assert_array_equal(tokens, row(10))


@given(n=st.integers(0, 500), val_fraction=st.floats(0, 0.99))
def test_split_is_by_position(n, val_fraction):
    train, val = split_tokens(row(n), val_fraction)
    np.testing.assert_array_equal(np.concatenate([train, val]), row(n))
    assert abs(len(val) - n * val_fraction) <= 1


def test_split_of_the_books_size():
    train, val = split_tokens(row(5145), 0.1)  # as int(0.9 * 5145)
    assert (len(train), len(val)) == (4630, 515)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows would write the zeros of a sparse file")
def test_a_file_of_six_gigabytes_takes_no_memory(tmp_path):
    count = 3_000_000_000
    with open(tmp_path / "tokens", "wb") as file:
        file.write(LAYOUT.pack(MAGIC, 1, 2, count, 50257, bytes(32)))
        file.truncate(LAYOUT.size + 2 * count)
        file.seek(-2, 2)
        file.write(b"\x07\x01")
    tracemalloc.start()
    train, val = split_tokens(open_tokens(tmp_path / "tokens"), 0.25)
    windows = TokenWindows(val, context_length=1023, stride=1)
    rng = np.random.default_rng(0)
    for i in rng.integers(0, len(windows) - 1024, 50):
        assert not windows[i][1].any()
    assert windows[-1][1][-1] == 0x107
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    (tmp_path / "tokens").unlink()
    assert len(train) == 2_250_000_000
    assert most < 100_000


# ---- batches ----


@given(size=SIZES, batch_size=st.integers(1, 9), seed=SEEDS, shuffle=st.booleans(), drop_last=st.booleans())
def test_an_epoch_visits_every_window_once(size, batch_size, seed, shuffle, drop_last):
    windows = TokenWindows(row(size[0]), *size[1:])
    if len(windows) < batch_size and drop_last:
        return
    batches = windows.batches(batch_size, np.random.default_rng(seed), drop_last, shuffle)
    seen = list(batches)
    whole, rest = divmod(len(windows), batch_size)
    assert [len(inputs) for inputs, _ in seen] == [batch_size] * whole + [rest] * (rest > 0 and not drop_last)
    assert len(batches) == len(seen)
    order = np.random.default_rng(seed).permutation(len(windows)) if shuffle else np.arange(len(windows))
    order = order[: len(seen) * batch_size]
    for place in (0, 1):
        expected = np.stack([windows[i][place] for i in order])
        np.testing.assert_array_equal(np.concatenate([batch[place] for batch in seen]), expected)


def test_each_epoch_has_an_order_of_its_own_and_draws_once():
    rng, judge = np.random.default_rng(5), np.random.default_rng(5)
    batches = TokenWindows(row(100), 3).batches(4, rng)
    for epoch in range(3):
        assert batches.epoch == epoch
        order = judge.permutation(33)[:32]
        assert [int(inputs[0]) // 21 for batch, _ in batches for inputs in batch] == order.tolist()
    assert rng.bit_generator.state == judge.bit_generator.state


def test_without_shuffling_no_generator_is_touched():
    rng = np.random.default_rng(0)
    list(TokenWindows(row(100), 3).batches(4, rng, shuffle=False))
    assert rng.bit_generator.state == np.random.default_rng(0).bit_generator.state
    assert len(list(TokenWindows(row(100), 3).batches(4, shuffle=False, drop_last=False))) == 9


def test_a_loop_that_was_left_begins_anew():
    batches = TokenWindows(row(100), 3).batches(4, shuffle=False)
    for _ in range(2):
        for inputs, _ in batches:
            assert inputs[0, 0] == 0
            break
    assert len(list(batches)) == 8


@given(size=SIZES, batch_size=st.integers(1, 5), seed=SEEDS, drop_last=st.booleans())
def test_torch_gives_the_same_batches(size, batch_size, seed, drop_last):
    windows = TokenWindows(row(size[0]), *size[1:])
    if len(windows) < batch_size and drop_last:
        return
    ours = windows.batches(batch_size, np.random.default_rng(seed), drop_last)
    theirs = data_loader(windows, batch_size, np.random.default_rng(seed), drop_last)
    assert len(ours) == len(theirs)
    for _ in range(2):
        for (inputs, targets), (t_inputs, t_targets) in zip(ours, theirs, strict=True):
            assert t_inputs.dtype == t_targets.dtype == torch.int64
            np.testing.assert_array_equal(inputs, t_inputs.numpy())
            np.testing.assert_array_equal(targets, t_targets.numpy())


# ---- resuming ----


def train(batches, rng, steps, ids):
    """A run: it draws between batches, as dropout does, and stops after some steps."""
    log = []
    for _, (inputs, targets) in zip(range(steps), ids or batches.endless()):
        log.append((inputs.tolist(), targets.tolist(), rng.random()))
    return log


@given(before=st.integers(0, 25), seed=SEEDS, shuffle=st.booleans(), drop_last=st.booleans(), torch_side=st.booleans())
def test_a_resumed_run_is_the_uninterrupted_one(before, seed, shuffle, drop_last, torch_side):
    windows = TokenWindows(row(80), 4, 2)  # 38 windows, 7 or 8 batches of 5

    def fresh(seed):
        rng = np.random.default_rng(seed)
        if not torch_side:
            batches = windows.batches(5, rng, drop_last, shuffle)
            return rng, batches, None
        loader = data_loader(windows, 5, rng, drop_last, shuffle)
        return rng, loader.batch_sampler.batches, (batch for _ in range(9) for batch in loader)

    rng, batches, loop = fresh(seed)
    whole = train(batches, rng, 30, loop)

    rng, batches, loop = fresh(seed)
    first = train(batches, rng, before, loop)
    kept = json.dumps({"batches": batches.state_dict(), "rng": rng.bit_generator.state})

    rng, batches, loop = fresh(seed + 1)
    state = json.loads(kept)
    rng.bit_generator.state = state["rng"]
    batches.load_state_dict(state["batches"])
    resumed = first + train(batches, rng, 30 - before, loop)
    assert [step for step, (here, there) in enumerate(zip(resumed, whole, strict=True)) if here != there] == []


def test_resuming_with_other_data_or_batches_is_refused():
    windows = TokenWindows(row(80), 4, 2)
    state = windows.batches(5, np.random.default_rng(0)).state_dict()
    others = [
        (windows.batches(4, np.random.default_rng(0)), "batch_size 5, but this run has 4"),
        (windows.batches(5, np.random.default_rng(0), drop_last=False), "drop_last True, but this run has False"),
        (windows.batches(5, shuffle=False), "shuffle True, but this run has False"),
        (TokenWindows(row(90), 4, 2).batches(5, np.random.default_rng(0)), "examples 38, but this run has 43"),
    ]
    for batches, message in others:
        with pytest.raises(ValueError, match=message):
            batches.load_state_dict(state)
        assert batches.epoch == batches.position == 0


# ---- splitting examples ----


@given(n=st.integers(1, 60), fractions=st.tuples(st.floats(0, 0.49), st.floats(0, 0.49)), seed=st.none() | SEEDS)
def test_a_split_of_examples_loses_none(n, fractions, seed):
    examples = [f"example {i}" for i in range(n)]
    parts = split_examples(examples, *fractions, rng=None if seed is None else np.random.default_rng(seed))
    assert sorted(chain(*parts)) == sorted(examples)
    assert [len(part) for part in parts[1:]] == [round(n * fraction) for fraction in fractions]
    if seed is None:
        assert list(chain(*parts)) == examples
    else:
        assert parts == split_examples(examples, *fractions, rng=np.random.default_rng(seed))


# ---- bad input ----


@pytest.mark.parametrize("value", [0, -3, 2.5, True])
@pytest.mark.parametrize("name", ["context_length", "stride", "batch_size"])
def test_sizes_are_whole_numbers_of_at_least_one(no_shape_checks, name, value):
    sizes = {"context_length": 3, "stride": 2, "batch_size": 2} | {name: value}
    batch_size = sizes.pop("batch_size")
    with pytest.raises(ValueError, match=f"{name} is {value}; give a whole number of at least 1"):
        TokenWindows(row(50), **sizes).batches(batch_size, np.random.default_rng(0))


@pytest.mark.parametrize("n", [0, 1, 4])
def test_text_shorter_than_a_window_is_refused(n):
    with pytest.raises(ValueError, match=f"{n} tokens are too few for one window: context_length 4 needs 5"):
        TokenWindows(row(n), 4)
    assert len(TokenWindows(row(5), 4)) == 1


@pytest.mark.parametrize("tokens", [np.ones(9), np.ones((3, 9), dtype=int), [0.5] * 9])
def test_tokens_are_one_row_of_integers(no_shape_checks, tokens):
    with pytest.raises(ValueError, match="give one row of integer ids"):
        TokenWindows(tokens, 2)


def test_too_few_examples_for_a_batch_are_refused():
    with pytest.raises(ValueError, match="2 examples do not fill one batch of batch_size 3"):
        TokenWindows(row(9), 4).batches(3, np.random.default_rng(0))
    assert len(TokenWindows(row(9), 4).batches(3, np.random.default_rng(0), drop_last=False)) == 1


def test_shuffling_without_a_generator_is_refused():
    with pytest.raises(ValueError, match="Shuffling needs a generator"):
        TokenWindows(row(9), 4).batches(1)


@pytest.mark.parametrize("fraction", [-0.1, 1.0, 7.5])
def test_a_share_that_is_none_is_refused(fraction):
    with pytest.raises(ValueError, match=f"val_fraction is {fraction}"):
        split_tokens(row(9), fraction)
    with pytest.raises(ValueError, match=r"leave nothing to train on|at least 0"):
        split_examples(list("abc"), fraction)


def test_a_dataset_says_what_it_lacks():
    with pytest.raises(NotImplementedError):
        Batches(Dataset(), 1, None, shuffle=False)
