"""Many processes, one model, over torch.distributed: `torchrun --nproc-per-node=2 -m torch_gpt
pretrain …`.

Each computes the gradients of its share of every batch. Their sum is the gradient of the whole
batch, so all take the same step and stay equal.
"""

import itertools
import os
import time
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from shared_gpt.training.processes import Processes
from torch_gpt.model import GPTModel

PAUSE = 0.3  # seconds


class TorchProcesses(Processes):
    """Those that torchrun started, or this one alone, and the device that it computes on."""

    def __init__(self, device: str, bf16: bool):
        self.rank, self.size = (
            int(os.environ.get("RANK", 0)),
            int(os.environ.get("WORLD_SIZE", 1)),
        )
        if device == "cuda" and self.size > 1:
            device = f"cuda:{os.environ.get('LOCAL_RANK', 0)}"
        self.device, self.bf16 = torch.device(device), bf16
        self._replica: DistributedDataParallel | None = None
        if self.size > 1:
            if self.device.type == "cuda":
                torch.cuda.set_device(self.device)
            dist.init_process_group("nccl" if self.device.type == "cuda" else "gloo")

    def place(self, model: GPTModel) -> GPTModel:
        model = model.to(self.device)
        if (
            self.bf16
        ):  # products in bfloat16, everything that adds up in float32, the logits too
            forward = torch.autocast(self.device.type, torch.bfloat16)(model.forward)
            model.forward = lambda *args, **kwargs: forward(*args, **kwargs).float()
        return model

    def sum(self, value: float) -> float:
        if self.size == 1:
            return value
        total = torch.tensor(value, dtype=torch.float64, device=self.device)
        dist.all_reduce(total)
        return total.item()

    def gather(self, value: Any) -> list[Any]:
        values = [value]
        if self.size > 1:
            values *= self.size
            dist.all_gather_object(values, value)
        return values

    def replica(self, model: GPTModel, calls: int) -> Callable[[torch.Tensor], torch.Tensor]:
        if self.size == 1:
            return model
        if self._replica is None:
            self._replica = DistributedDataParallel(model)
            self._replica.register_comm_hook(None, sum_bucket)
        return self._last_call_sums(calls)

    def _last_call_sums(self, calls: int) -> Callable[..., torch.Tensor]:
        """Gradients of all calls but the last only add up here; the last one's backward pass
        sums over the processes."""
        count = itertools.count(1)

        def call(ids: torch.Tensor, **keywords: torch.Tensor) -> torch.Tensor:
            with nullcontext() if next(count) == calls else self._replica.no_sync():
                return self._replica(ids, **keywords)

        return call

    def close(self) -> None:
        """Leave the group. Gloo's threads still have to let go of the last tensors, for which
        they need an interpreter that is not ending: one that is would abort the process."""
        if self.size > 1:
            dist.destroy_process_group()
            time.sleep(PAUSE)


def sum_bucket(state: None, bucket: dist.GradBucket) -> torch.futures.Future[torch.Tensor]:
    """Add up a bucket of gradients while the backward pass goes on; DistributedDataParallel
    itself would take the mean."""
    return (
        dist.all_reduce(bucket.buffer(), async_op=True)
        .get_future()
        .then(lambda future: future.value()[0])
    )


def join(device: str = "cpu", bf16: bool = False, threads: int | None = None) -> Processes:
    """The processes that torchrun started, or this one alone; threads: of each. Raises
    ValueError for a device that this PyTorch lacks."""
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise ValueError(
            f"There is no device {device!r} here ({str(error).splitlines()[0]}); take cpu."
        ) from None
    if threads:
        torch.set_num_threads(threads)
    return TorchProcesses(device, bf16)
