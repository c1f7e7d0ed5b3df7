"""Two processes train as one does with the same global batch: PyTorch's over gloo, NumPy's over MPI."""

import importlib.util
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

import numpy_gpt
import torch_gpt
import torch_gpt.distributed
from numpy_gpt.distributed import MPIProcesses, join
from parity_tests.report.measure import assert_all_close, to_numpy
from parity_tests.tiny_runs import resumed, text, tiny_run, trace
from shared_gpt.cli import main
from shared_gpt.training.run_folder import RunFolder

ROOT = Path(__file__).resolve().parent.parent
SIZES = ["--emb-dim", "8", "--n-heads", "2", "--n-layers", "2", "--context-length", "8", "--vocab-size", "300"]
STEPS = ["--steps", "5", "--batch-size", "6", "--accumulate", "2", "--eval-every", "5", "--eval-batches", "1"]
EXACT = ["--drop-rate", "0", "--dtype", "float64", "--sample-every", "0"]


@pytest.fixture
def options(tmp_path) -> list[str]:
    (tmp_path / "story.txt").write_text(text(), encoding="utf-8")
    return ["pretrain", "--text", str(tmp_path / "story.txt"), *SIZES, *STEPS, *EXACT]


def launch(launcher: list[str], package: str, options: list[str]) -> subprocess.CompletedProcess:
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    command = [*launcher, "-m", package, *options]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path}, timeout=300)


def assert_same_run(one: Path, two: Path) -> None:
    for row, other in zip(RunFolder(one).rows(), RunFolder(two).rows(), strict=True):
        for key in ("loss", "grad_norm", "train_loss", "val_loss"):
            assert row[key] == (None if other[key] is None else pytest.approx(other[key], rel=1e-11))
    weights, others = (torch_gpt.load_gpt2(folder / "last.safetensors").state_dict() for folder in (one, two))
    assert_all_close(weights, others, 1e-9)


def test_torchrun(options, tmp_path):
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    done = launch(torchrun, "torch_gpt", [*options, "--out", str(tmp_path / "two")])
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("step 5/5") == 1  # one of them speaks
    assert main(torch_gpt, [*options, "--out", str(tmp_path / "one")]) == 0
    assert_same_run(tmp_path / "one", tmp_path / "two")


def test_mpirun(options, tmp_path):
    """In full: pip install mpi4py mpich (or Debian's mpich), then this test runs."""
    mpirun = shutil.which("mpiexec", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if not importlib.util.find_spec("mpi4py") or not mpirun:
        pytest.skip("mpi4py or mpiexec is not installed")
    done = launch([mpirun, "-n", "2", sys.executable], "numpy_gpt", [*options, "--out", str(tmp_path / "two")])
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("step 5/5") == 1
    assert main(numpy_gpt, [*options, "--out", str(tmp_path / "one")]) == 0
    assert_same_run(tmp_path / "one", tmp_path / "two")
    again = launch([mpirun, "-n", "2", sys.executable], "numpy_gpt", [*options, "--out", str(tmp_path / "two")])
    assert again.returncode != 0  # and has ended, though only one of the two found the folder taken
    assert "holds a run already" in again.stderr


class Threads:
    """mpi4py's communicator, as far as MPIProcesses uses it, between threads of this process."""

    def __init__(self, size: int):
        self.size, self.barrier, self.values = size, threading.Barrier(size, timeout=30), [None] * size

    def of_rank(self, rank: int) -> MPIProcesses:
        processes = MPIProcesses.__new__(MPIProcesses)
        processes.rank, processes.size, processes.in_place = rank, self.size, "in place"
        processes.comm = type("Comm", (), {"allreduce": None})()
        processes.comm.allgather = lambda value: self.exchange(rank, value)
        processes.comm.allreduce = lambda value: sum(self.exchange(rank, value))
        processes.comm.Allreduce = lambda in_place, array: self.add(rank, array)
        return processes

    def exchange(self, rank: int, value):
        self.values[rank] = value
        self.barrier.wait()
        everyones = list(self.values)
        self.barrier.wait()
        return everyones

    def add(self, rank: int, array: np.ndarray) -> None:
        assert array.flags.c_contiguous  # what MPI asks for
        total = sum(self.exchange(rank, array.copy()))
        array[...] = total


def in_threads(size: int, work) -> list:
    """work(processes) of each rank, all at once; what each returned."""
    threads, results = Threads(size), [None] * size

    def of_rank(rank: int) -> None:
        try:
            results[rank] = work(threads.of_rank(rank))
        except BaseException:
            threads.barrier.abort()  # the others shall not wait
            raise

    workers = [threading.Thread(target=of_rank, args=(rank,)) for rank in range(size)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return results


@pytest.mark.parametrize("size", [2, 4])
def test_sums_over_processes_make_the_whole_batch(size, tmp_path):
    changes = {"drop_rate": 0.0, "dtype": "float64", "steps": 6, "n_layers": 2}

    def work(processes):
        run = tiny_run(numpy_gpt, tmp_path / "two", processes=processes, **changes)
        run.run()
        return run

    runs = in_threads(size, work)
    alone = tiny_run(numpy_gpt, tmp_path / "one", **changes)
    alone.run()
    assert_same_run(tmp_path / "one", tmp_path / "two")
    for run in runs[1:]:  # all took the same steps
        assert run.folder is None
        for name, array in run.model.state_dict().items():
            assert np.array_equal(array, runs[0].model.state_dict()[name])


def test_processes_drop_different_values_and_resume_bit_by_bit(tmp_path):
    def work(processes):
        first = tiny_run(numpy_gpt, tmp_path / "parts", processes=processes, steps=6, drop_rate=0.3, final_lr=1.0)
        first.run()
        processes.comm.allgather(None)  # both read what the first has written
        run = resumed(numpy_gpt, tmp_path / "parts", processes=processes, steps=12, drop_rate=0.3, final_lr=1.0)
        run.run()
        return run

    def whole(processes):
        run = tiny_run(numpy_gpt, tmp_path / "whole", processes=processes, steps=12, drop_rate=0.3, final_lr=1.0)
        run.run()
        return run

    (run, second), (uninterrupted, _) = in_threads(2, work), in_threads(2, whole)
    assert run.rng.bit_generator.state != second.rng.bit_generator.state
    losses, expected = ([row["loss"] for row in r.folder.rows()] for r in (run, uninterrupted))
    assert losses == expected
    assert trace(run)["weights"] == trace(uninterrupted)["weights"]


def test_a_batch_that_does_not_divide_is_refused():
    processes = Threads(3).of_rank(0)
    with pytest.raises(ValueError, match="batch_size 4 does not divide among 3 processes; take a multiple of 3"):
        tiny_run(numpy_gpt, processes=processes)


def test_every_row_is_somebodys():
    inputs = np.arange(12).reshape(6, 2)
    shares = [Threads(3).of_rank(rank).share((inputs, -inputs)) for rank in range(3)]
    assert sorted(np.concatenate([share[0] for share in shares])[:, 0].tolist()) == inputs[:, 0].tolist()
    assert all(np.array_equal(share[0], -share[1]) for share in shares)


def test_without_mpi4py_nothing_changes(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    for name in ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MPI_LOCALNRANKS"):
        monkeypatch.delenv(name, raising=False)
    assert join().size == 1
    monkeypatch.setenv("PMI_SIZE", "2")
    with pytest.raises(ImportError, match=r"mpirun started 2 processes, which need mpi4py .* install numpy-gpt\[mpi\]"):
        join()


def test_torch_alone_sums_nothing():
    processes = torch_gpt.distributed.join()
    model = tiny_run(torch_gpt).model
    assert processes.size == 1
    assert processes.replica(model, 1) is model
    assert (processes.sum(2.5), processes.gather("x")) == (2.5, ["x"])
    assert to_numpy(model.wte.weight).dtype == np.float32
    with pytest.raises(ValueError, match="There is no device 'nowhere' here"):
        torch_gpt.distributed.join("nowhere")
