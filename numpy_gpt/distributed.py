"""Many processes, one model, over MPI: `mpirun -n 2 python -m numpy_gpt pretrain …`.

Each computes the gradients of its share of every batch. Their sum is the gradient of the whole
batch, so all take the same step and stay equal.
"""

import os
import sys
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from numpy_gpt.model import GPTModel
from shared_gpt.training.processes import Processes

LAUNCHED = (
    "OMPI_COMM_WORLD_SIZE",
    "PMI_SIZE",
    "MPI_LOCALNRANKS",
)  # set by Open MPI, by MPICH and Intel, by either


class MPIProcesses(Processes):
    """Those that mpirun started."""

    def __init__(self):
        from mpi4py import MPI

        self.comm, self.in_place = MPI.COMM_WORLD, MPI.IN_PLACE
        self.rank, self.size = self.comm.Get_rank(), self.comm.Get_size()

    def sum(self, value: float) -> float:
        return self.comm.allreduce(value)

    def gather(self, value: Any) -> list[Any]:
        return self.comm.allgather(value)

    def sum_gradients(self, model: GPTModel) -> None:
        for parameter in model.parameters():
            if parameter.grad is not None:
                parameter.grad = np.ascontiguousarray(parameter.grad)
                self.comm.Allreduce(self.in_place, parameter.grad)

    def abort(self, error: BaseException) -> None:
        print(f"process {self.rank}: {error}", file=sys.stderr, flush=True)
        self.comm.Abort(2)


def join(device: str = "cpu", bf16: bool = False, threads: int | None = None) -> Processes:
    """The processes that mpirun started, or this one alone; threads: of each. Raises ValueError
    for a device that NumPy does not compute on, and ImportError where mpirun started several
    without mpi4py."""
    if device != "cpu" or bf16:
        raise ValueError(
            f"numpy_gpt computes on the CPU in float32 or float64, not with device {device!r}"
            f"{' and bf16' if bf16 else ''}; torch-gpt takes the same command."
        )
    if threads:
        threadpool_limits(threads)
    launched = max((int(os.environ.get(name, 1)) for name in LAUNCHED), default=1)
    if launched == 1:
        return Processes()
    try:
        return MPIProcesses()
    except ImportError as error:
        raise ImportError(
            f"mpirun started {launched} processes, which need mpi4py to speak with each other "
            f"({error}); install numpy-gpt[mpi], or start one process without mpirun."
        ) from None
