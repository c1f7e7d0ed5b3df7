"""SIGKILL at random moments, and before every change of the disk: each time the folder holds a whole checkpoint or none, and
the run that is taken up again is in the end, bit by bit, the one that nobody killed."""

import os
import subprocess
import sys

import pytest

import numpy_gpt
from parity_tests.tiny_runs import resumed, tiny_run, trace
from shared_gpt.checkpoints.run_files import load_tensors

ROUNDS = 30

# One process that forks, since starting Python takes longer than the whole run. It prints, for each kill, the step of the
# checkpoint that is left. A run that was quicker than its killer is followed by another, in a folder of its own.
DRIVER = """
import os, random, signal, sys, time
import numpy_gpt
from shared_gpt.checkpoints.run_files import load_tensors
from parity_tests.tiny_runs import resumed

folder, rounds = sys.argv[1], int(sys.argv[2])
random.seed(5)

def run(number):
    child = os.fork()
    if not child:
        resumed(numpy_gpt, f"{folder}/{number}", save_every=1).run()
        os._exit(0)
    return child

def step(number):
    last = f"{folder}/{number}/last.safetensors"
    return load_tensors(last)[1]["step"] if os.path.exists(last) else 0

resumed(numpy_gpt, f"{folder}/unharmed", save_every=1).run()  # here, so that no child has anything left to import
begun = time.monotonic()
assert os.waitpid(run("timed"), 0)[1] == 0
whole_time = time.monotonic() - begun
number = kills = 0
steps = set()
while kills < rounds or len(steps) < 3:  # machines differ: until the kills came at different places
    child = run(number)
    time.sleep(random.uniform(0, whole_time))
    os.kill(child, signal.SIGKILL)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL:
        kills += 1
        steps.add(step(number))
        print(number, step(number), flush=True)
    else:
        number += 1
assert os.waitpid(run(number), 0)[1] == 0
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_killed_at_random(tmp_path):
    command = [sys.executable, "-c", DRIVER, tmp_path, str(ROUNDS)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    kills = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    assert len(kills) >= ROUNDS
    assert kills == sorted(kills)  # no kill set a run back behind its checkpoint
    whole = trace(resumed(numpy_gpt, tmp_path / "unharmed", save_every=1))
    assert load_tensors(tmp_path / "unharmed" / "last.safetensors")[1]["step"] == 12
    for number in {number for number, _ in kills}:
        run = resumed(numpy_gpt, tmp_path / str(number), save_every=1)
        assert run.step == 12
        assert trace(run) == whole


# The same before the first, the second, the third ... time that the run opens a file to write, renames, links or removes one.
EVERY_CHANGE = """
import os, signal, sys
import numpy_gpt
from parity_tests.tiny_runs import resumed, trace

QUICK = {"steps": 4, "save_every": 2, "eval_every": 2, "sample_every": 3}
CHANGES = {"os.rename", "os.link", "os.remove", "os.truncate", "os.mkdir"}
count, fatal = 0, None

def watch(event, args):
    global count
    if fatal and (event in CHANGES or (event == "open" and args[2] & (os.O_WRONLY | os.O_RDWR))):
        count += 1
        if count == fatal:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(watch)

def run(name):
    run = resumed(numpy_gpt, f"{sys.argv[1]}/{name}", **QUICK)
    run.run()
    return trace(run)

whole = run("unharmed")
number = 0
while True:
    number += 1
    child = os.fork()
    if not child:
        fatal = number
        run(number)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status == 0:
        break
    assert status == -signal.SIGKILL, status
    assert run(number) == whole, number
print(number - 1)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_killed_before_every_change_of_the_disk(tmp_path):
    done = subprocess.run([sys.executable, "-c", EVERY_CHANGE, tmp_path], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 20
    left = {path.name for folder in tmp_path.iterdir() for path in folder.iterdir()}
    assert {"last.safetensors", "previous.safetensors", "best.safetensors", "metrics.csv", "samples.txt"} <= left


def test_the_comparison_sees_a_single_bit(tmp_path):
    """The other way round: what the test above compares does tell two runs apart."""
    run, other = (tiny_run(numpy_gpt, tmp_path / name) for name in ("a", "b"))
    run.run()
    other.run()
    assert trace(run) == trace(other)
    array = next(iter(other.model.state_dict().values()))
    array.view("uint32")[0, 0] ^= 1
    assert trace(run)["weights"] != trace(other)["weights"]
