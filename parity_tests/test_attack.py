"""The attack on every file that is read, short: damaged files are read, or refused in one line that names them."""

import os

import numpy as np
import pytest

from parity_tests.attack import damage
from parity_tests.attack.attack import GOOD, OUTCOMES, attack, count, one_try
from parity_tests.attack.good_files import make_run
from parity_tests.attack.targets import TARGETS, Target
from shared_gpt.checkpoints.run_files import load_tensors
from shared_gpt.checkpoints.stored import CheckpointError

TRIES = 60


@pytest.mark.parametrize("name", TARGETS)
def test_no_damage_goes_further_than_one_line(name):
    tries = list(attack(name, range(TRIES)))
    assert len(tries) == TRIES
    assert [done for done in tries if done.outcome not in GOOD] == []
    assert count(tries)["clean"] > 3  # the damage is seen


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("a run, resumed", (2188, 2895, 4189, 12129)),  # in training.json: the device, the name, the prompt
        ("a LoRA adapter", (1924, 2925, 3096)),  # another base
        ("vocab.bpe", (577, 1331, 2212)),  # tokens of thousands of letters
        (
            "a classifier, resumed",
            (292, 1580, 3360, 100725, 100965),
        ),  # weights too large, fractions, edited targets of LoRA, a base named \\0
        ("a chat partner, resumed", (211, 292, 581, 100382)),  # the same, and a base that is not there
    ],
)
def test_what_a_night_of_attacks_found(name, numbers):
    for number in numbers:
        assert [done.outcome for done in attack(name, range(number, number + 1))] == ["clean"]


@pytest.mark.parametrize("name", ["best.safetensors", "last.safetensors"])
def test_what_is_read_from_a_damaged_checkpoint_is_what_was_saved(name, tmp_path):
    """The attack counts what is read as good; here the checksums vouch for it: not one bit is another."""
    make_run(tmp_path)
    path = tmp_path / name
    good, (tensors, metadata) = path.read_bytes(), load_tensors(path)
    refused = 0
    for number in range(80):
        path.write_bytes(damage.bytes_at_random(good, np.random.default_rng(number)))
        try:
            read, said = load_tensors(path)
        except CheckpointError:
            refused += 1
            continue
        assert said == metadata, number
        assert {key: array.tobytes() for key, array in read.items()} == {key: a.tobytes() for key, a in tensors.items()}
    assert refused > 60  # the rest changed nothing, such as bytes that were replaced by their like


@pytest.mark.parametrize("name", TARGETS)
def test_the_good_files_are_read(name, tmp_path):
    folder = tmp_path / "good"
    folder.mkdir()
    TARGETS[name].make(folder)
    assert {path.name for path in folder.iterdir()} >= set(TARGETS[name].damages)
    TARGETS[name].read(folder)


def reader_that(action) -> Target:
    return Target(lambda folder: None, {"a.txt": []}, action)


def raising(error):
    def read(folder):
        raise error

    return read


@pytest.mark.parametrize(
    ("read", "outcome"),
    [
        (lambda folder: None, "read"),
        (lambda folder: raising(ValueError(f"{folder / 'a.txt'} is damaged."))(folder), "clean"),
        (raising(KeyError("settings")), "wrong class"),
        (raising(MemoryError()), "wrong class"),
        (raising(ValueError("is damaged")), "unnamed file"),
        (lambda folder: raising(ValueError(f"{folder}\x07"))(folder), "unreadable"),
        (lambda folder: raising(ValueError(f"{folder}" + "a" * 9000))(folder), "unreadable"),
    ],
)
def test_each_outcome_is_recognized(read, outcome, tmp_path):
    done = one_try(reader_that(read), tmp_path, {"a.txt": b"hello"}, 3)
    assert outcome in OUTCOMES
    assert done.outcome == outcome


def test_what_is_slow_or_large_is_recognized(tmp_path, monkeypatch):
    from parity_tests.attack import attack as module

    monkeypatch.setattr(module, "SECONDS", -1.0)
    assert one_try(reader_that(lambda folder: None), tmp_path, {"a.txt": b"hello"}, 3).outcome == "slow"
    monkeypatch.setattr(module, "SECONDS", 100.0)
    if module.start_measuring():  # Linux says how much memory was in use at most
        big = one_try(reader_that(lambda folder: np.ones(50_000_000).sum()), tmp_path, {"a.txt": b"hello"}, 3)
        assert big.outcome == "large"
        assert big.megabytes > module.MEGABYTES


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_crash_ends_one_try(monkeypatch):
    target = Target(
        lambda folder: (folder / "a.txt").write_bytes(b"hello"),
        {"a.txt": []},
        lambda folder: os.kill(os.getpid(), 9) if (folder / "a.txt").read_bytes()[:1] != b"h" else None,
    )
    monkeypatch.setitem(TARGETS, "dies", target)
    tries = list(attack("dies", range(40)))
    assert [done.number for done in tries] == list(range(40))
    assert 0 < count(tries)["crash"] < 40


def test_every_way_to_damage_changes_something():
    data = {
        damage.json_at_random: b'{"a": [1, 2], "b": {"c": "d"}}',
        damage.json_lines_at_random: b'{"a": 1}\n{"a": 2}',
        damage.text_at_random: b"hello, you\n",
        damage.bytes_at_random: bytes(range(99)),
    }
    for way, good in data.items():
        new = [way(good, np.random.default_rng(number)) for number in range(40)]
        assert sum(one != good for one in new) > 20
        assert len(set(new)) > 10
        assert new == [way(good, np.random.default_rng(number)) for number in range(40)]
