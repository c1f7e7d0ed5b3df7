"""A run that stops, or is killed at any write, goes on as the run that never stopped, bit by bit."""

import os
import subprocess
import sys

import numpy as np
import pytest

import numpy_gpt
import torch_gpt
from parity_tests.tiny_runs import resumed, tiny_run, trace
from shared_gpt.checkpoints.run_files import load_tensors

TWINS = [numpy_gpt, torch_gpt]


class Killed(BaseException):
    """Like SIGKILL, no handler of the program sees it coming."""


def run_until(run, last_step: int) -> None:
    """Run, and be killed right after a step's work, saving included."""

    class Killer(type(run.display)):
        def step(self, step, loss, tokens):
            if step == last_step + 1:
                raise Killed

    run.display = Killer()
    with pytest.raises(Killed):
        run.run()


@pytest.mark.parametrize("twin", TWINS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_resumed_run_is_bit_identical(twin, dtype, tmp_path):
    whole = tiny_run(twin, tmp_path / "whole", dtype=dtype)
    whole.run()
    for i, killed_after in enumerate([1, 3, 7, 10]):  # before the first checkpoint, on one, between two
        run = tiny_run(twin, tmp_path / str(i), dtype=dtype)
        run_until(run, killed_after)
        again = resumed(twin, tmp_path / str(i), dtype=dtype)
        assert again.step == killed_after // 3 * 3
        again.run()
        assert trace(again) == trace(whole)
        assert again.best == whole.best


def test_resuming_twice_and_into_a_new_epoch(tmp_path):
    """The data are gone through several times, and each session ends within another epoch."""
    changes = {"steps": 30, "stride": 60, "save_every": 1, "eval_every": 10, "accumulate": 1}
    whole = tiny_run(numpy_gpt, tmp_path / "whole", **changes)
    assert 3 < 30 / len(whole.batches) < 10
    whole.run()
    run_until(tiny_run(numpy_gpt, tmp_path / "parts", **changes), 4)
    for last_step in (len(whole.batches), len(whole.batches) * 2 + 1, 19):
        run_until(resumed(numpy_gpt, tmp_path / "parts", **changes), last_step)
    again = resumed(numpy_gpt, tmp_path / "parts", **changes)
    again.run()
    assert trace(again) == trace(whole)


def test_either_twin_takes_up_the_others_run(tmp_path):
    whole = tiny_run(numpy_gpt, tmp_path / "whole", dtype="float64")
    whole.run()
    run_until(tiny_run(numpy_gpt, tmp_path / "parts", dtype="float64"), 6)
    again = resumed(torch_gpt, tmp_path / "parts", dtype="float64")
    again.run()
    losses, expected = ([row["loss"] for row in run.folder.rows()[1:]] for run in (again, whole))
    assert losses == pytest.approx(expected, abs=1e-9)


# A run dies at the n-th call that changes the disk (its fsyncs and renames, in their order), is taken up in the same folder,
# dies at the next, and so on: the rubbish of earlier kills is always about. One process that forks, since starting Python
# takes longer than the whole run.
KILLED_AT_EVERY_WRITE = """
import itertools, os, sys
import numpy_gpt
from shared_gpt.checkpoints.run_files import load_tensors
from parity_tests.tiny_runs import resumed

folder = sys.argv[1]

def run_that_dies_at(deadly):
    count = itertools.count(1)
    def dying(function):
        return lambda *args, **kwargs: os._exit(9) if next(count) == deadly else function(*args, **kwargs)
    os.fsync, os.replace = dying(os.fsync), dying(os.replace)
    resumed(numpy_gpt, folder, steps=6).run()

for deadly in itertools.count(1):
    child = os.fork()
    if not child:
        run_that_dies_at(deadly)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    last = os.path.join(folder, "last.safetensors")
    print(status, load_tensors(last)[1]["step"] if os.path.exists(last) else 0, flush=True)
    if status != 9:
        break
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_killed_at_every_write(tmp_path):
    whole = tiny_run(numpy_gpt, tmp_path / "whole", steps=6)
    whole.run()
    command = [sys.executable, "-c", KILLED_AT_EVERY_WRITE, tmp_path / "run"]
    done = subprocess.run(command, capture_output=True, text=True)
    lives = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    assert lives[-1] == (0, 6), done.stderr
    assert [status for status, _ in lives[:-1]] == [9] * (len(lives) - 1)
    steps = [step for _, step in lives]
    assert steps == sorted(steps)
    assert set(steps) == {0, 3, 6}  # kills came before the first checkpoint, and after each
    again = resumed(numpy_gpt, tmp_path / "run", steps=6)
    assert trace(again) == trace(whole)
    assert not list((tmp_path / "run").glob(".*.part"))  # taking it up has swept the folder


CHANGES = [
    ({"emb_dim": 10}, "emb_dim 8 → 10"),
    ({"n_layers": 2}, "n_layers 1 → 2"),
    ({"drop_rate": 0.2}, "drop_rate 0.1 → 0.2"),
    (
        {"identity": {"text": "another", "tokenizer": "their characters"}},
        "text the first lines of the stories → another",
    ),
    ({"identity": {"text": "the first lines of the stories", "tokenizer": "x"}}, "tokenizer their characters → x"),
    ({"batch_size": 2, "seed": 3}, "batch_size 4 → 2; seed 0 → 3"),
    ({"dtype": "float64"}, "dtype float32 → float64"),
]


@pytest.mark.parametrize(("changes", "message"), CHANGES)
def test_another_run_is_refused_with_the_difference(changes, message, tmp_path):
    tiny_run(numpy_gpt, tmp_path, steps=3).run()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match="cannot go on as another one") as refusal:
        resumed(numpy_gpt, tmp_path, **({"steps": 3} | changes))
    assert f"({message})" in str(refusal.value)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_a_run_may_change_is_told(tmp_path):
    tiny_run(numpy_gpt, tmp_path, steps=3).run()
    run = tiny_run(numpy_gpt, tmp_path, steps=6, lr=1e-3)
    said = []
    run.display.say = said.append
    run.resume(run.folder)
    assert said == ["changed since then: steps 3 → 6", "changed since then: lr 0.01 → 0.001"]
    run.run()
    assert [row["step"] for row in run.folder.rows()] == list(range(7))
    assert run.folder.rows()[-1]["lr"] < 1e-3


def test_a_damaged_checkpoint_is_no_traceback(tmp_path):
    tiny_run(numpy_gpt, tmp_path, steps=3).run()
    last = tmp_path / "last.safetensors"
    last.write_bytes(last.read_bytes()[:-7])
    with pytest.raises(ValueError, match=r"last\.safetensors"):
        resumed(numpy_gpt, tmp_path, steps=3)


def test_place_of_generators_and_moments_is_in_the_file(tmp_path):
    run = tiny_run(numpy_gpt, tmp_path)
    run.run()
    tensors, state = load_tensors(run.folder.last)
    assert state["step"] == state["optimizer_steps"] == 12
    assert state["rngs"] == [run.rng.bit_generator.state]
    names = [name for name, _ in run.model.named_parameters()]
    assert set(tensors) == {f"{kind}{n}" for n in names for kind in ("model.", "optimizer.m.", "optimizer.v.")}
    assert np.array_equal(tensors["optimizer.v.wte.weight"], run.optimizer.v[0])
    assert os.path.getsize(run.folder.last) > 3 * sum(p.data.nbytes for p in run.model.parameters())
