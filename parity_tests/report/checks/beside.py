"""Checks of what stands beside the model, and of which PyTorch has its own kind: chunks, and processes.

PyTorch's side is the law that each must keep: work in chunks gives what work at once gives, sums over processes give what one
process with all their rows gives.
"""

import importlib
import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr
from types import ModuleType
from typing import Any

import numpy as np

import numpy_gpt
from parity_tests.report.checks.training import as_input
from parity_tests.report.subject import Subject
from parity_tests.report.trace import Trace, gradient

RANK, SIZE = 1, 3  # of the process that is looked at, among others that hold the same


def chunks(trace: Trace, subject: Subject, precision: str, twin: Any) -> None:
    """Arrays of some chunks and a rest."""
    room = importlib.import_module("numpy_gpt.chunks")
    rng = np.random.default_rng([subject.seed, 9])
    a, b = rng.standard_normal((2, 3, room.CHUNK)).astype(precision)[:, :, : room.CHUNK - 100]
    # Whole numbers: a sum of chunks' sums is then the sum of all, to the last bit.
    rows, others = rng.integers(-3, 4, (2, 2, room.CHUNK // 7, 7)).astype(precision)
    if twin is not numpy_gpt:
        trace.put("chunks", "its stretches, one after the other", a.reshape(-1))
        trace.put("in_chunks", "its result", a * b)
        trace.put("in_chunks_of_rows", "its result, a number for each row", rows.max(axis=-1))
        trace.put("in_chunks_of_rows", "its result, a row for each row", rows * others)
        trace.put("in_chunks_of_rows", "its sum over the rows", rows.sum(axis=(0, 1)))
        return
    trace.put("chunks", "its stretches, one after the other", np.concatenate([part for part, _ in room.chunks(a, b)]))
    trace.put("in_chunks", "its result", room.in_chunks(np.multiply)(a, b))
    largest = room.in_chunks_of_rows()(lambda x: x.max(axis=-1))(rows)
    product, total = room.in_chunks_of_rows(2)(product_and_sum)(rows, others)
    trace.put("in_chunks_of_rows", "its result, a number for each row", largest)
    trace.put("in_chunks_of_rows", "its result, a row for each row", product)
    trace.put("in_chunks_of_rows", "its sum over the rows", total)


def product_and_sum(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return x * y, x.reshape(-1, x.shape[-1]).sum(axis=0)


class SameEverywhere:
    """MPI's communicator, as far as it is asked, where every process holds the same."""

    ended = 0

    def Get_rank(self) -> int:
        return RANK

    def Get_size(self) -> int:
        return SIZE

    def allreduce(self, value: float) -> float:
        return SIZE * value

    def allgather(self, value: Any) -> list[Any]:
        return [value] * SIZE

    def Allreduce(self, in_place: Any, array: np.ndarray) -> None:
        array *= SIZE

    def Abort(self, status: int) -> None:
        self.ended = status


@contextmanager
def several_processes() -> Iterator[SameEverywhere]:
    """Inside it mpi4py is there, and this process is one of several."""
    world = SameEverywhere()
    module = ModuleType("mpi4py")
    module.MPI = type("MPI", (), {"COMM_WORLD": world, "IN_PLACE": "in place"})
    before = sys.modules.get("mpi4py")
    sys.modules["mpi4py"] = module
    try:
        yield world
    finally:
        if before is None:
            del sys.modules["mpi4py"]
        else:
            sys.modules["mpi4py"] = before


def processes(trace: Trace, subject: Subject, precision: str, twin: Any) -> None:
    """One process alone, and one of several that hold the same."""
    model = subject.model(twin, precision)
    batch = tuple(as_input(twin, array) for array in next(subject.batches()))
    adam = twin.AdamW(model.parameters(), lr=0.0)
    distributed = importlib.import_module(f"{twin.__name__}.distributed")
    with distributed.join() as alone:
        trace.put("join", "how many processes there are", alone.size)
        twin.train_step(model, adam, [batch], 1e9, alone)
    held = {name: gradient(p).copy() for name, p in model.named_parameters()}
    if twin is not numpy_gpt:
        ours, total, values, share, ended = (RANK, SIZE), SIZE * 2.5, [7] * SIZE, batch[0][RANK::SIZE], 2
        held = {name: SIZE * array for name, array in held.items()}
    else:
        with several_processes() as world:
            process = distributed.MPIProcesses()
            ours, total, values = (process.rank, process.size), process.sum(2.5), process.gather(7)
            share = process.share(batch)[0]
            process.sum_gradients(model)
            held = {name: gradient(p) for name, p in model.named_parameters()}
            with redirect_stderr(io.StringIO()):
                process.abort(ValueError("no error, but a check"))
            ended = world.ended
    trace.put("MPIProcesses", "its rank and size", np.array(ours))
    trace.put("MPIProcesses.sum", "its result", total)
    trace.put("MPIProcesses.gather", "its result", np.array(values))
    trace.put("MPIProcesses.share", "the rows that it takes", share)
    for name, array in held.items():
        trace.put("MPIProcesses.sum_gradients", f"{name}'s gradient", array)
    trace.put("MPIProcesses.abort", "the status that it ends the others with", ended)
