"""What the checksums of a run's checkpoint cost: a whole save at GPT-2's 124M shape, flushed to the disk, with and without them.

    python -m benchmarks saving [--rounds 15] [--preset gpt2-small]

The numbers are random, weights and both of AdamW's moments. Saves with and without checksums take turns in one process, in
a temporary folder or in --folder. A second thread computes the checksums while the first writes: they take time of the
processor, in the column "checksums", and hardly any by the clock. What else the machine does, and its disk, only adds to
a save: beside the medians stand the means of each column's three quickest.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from unittest import mock

import numpy as np

from benchmarks.harness import machine
from shared_gpt.checkpoints import safetensors_file
from shared_gpt.checkpoints.names import in_model, weight_names
from shared_gpt.checkpoints.run_files import save_tensors
from shared_gpt.config import GPTConfig


@dataclass(frozen=True)
class Saving:
    """The checksums' share of saving a checkpoint."""

    rounds: int = 15
    """How often each way has its turn."""
    preset: str = "gpt2-small"
    """The model's shape."""
    folder: Path | None = None
    """Where to save (1.5 GB for gpt2-small); default: a temporary folder."""

    def run(self) -> None:
        print(machine())
        config = GPTConfig.preset(self.preset)
        tensors = run_state(config)
        gigabytes = sum(array.nbytes for array in tensors.values()) / 1e9
        print(f"\n{self.preset}, {gigabytes:.2f} GB: weights and both moments, float32")
        with tempfile.TemporaryDirectory(dir=self.folder) as temporary:
            target = Path(temporary) / "last.safetensors"
            save = partial(save_tensors, target, tensors, {"config": config.to_dict()})
            save()  # the first also makes room for the others
            rounds = [(with_checksums(save), without_checksums(save)) for _ in range(self.rounds)]
        print(f"\n  {'':12}{'by the clock':>14}{'without':>9}{'CPU':>8}{'without':>9}{'checksums':>11}")
        for number, row in enumerate(rounds, start=1):
            show(f"round {number}", row)
        show("medians", [[statistics.median(values) for values in zip(*side)] for side in zip(*rounds)])
        quickest = [[statistics.mean(sorted(values)[:3]) for values in zip(*side)] for side in zip(*rounds)]
        show("quickest 3", quickest)
        (clock, cpu, checksums), (clock_without, _) = quickest
        print(
            f"\n  by the clock the checksums add {clock / clock_without - 1:.1%}; of the CPU they take {checksums / cpu:.1%}"
        )


def show(title: str, row: Sequence[Sequence[float]]) -> None:
    (clock, cpu, checksums), (clock_without, cpu_without) = row
    print(f"  {title:12}{clock:14.3f}{clock_without:9.3f}{cpu:8.3f}{cpu_without:9.3f}{checksums:11.3f}", flush=True)


def run_state(config: GPTConfig) -> dict[str, np.ndarray]:
    """Arrays with the names and shapes of a run's checkpoint; the moments are the weights again, since a checksum takes as
    long for any numbers."""
    rng = np.random.default_rng(0)
    shapes = {key: name.shape for key, name in weight_names(config).items() if in_model(key, config)}
    weights = {key: rng.standard_normal(shape, np.float32) for key, shape in shapes.items()}
    prefixes = ("model", "optimizer.m", "optimizer.v")
    return {f"{prefix}.{key}": array for prefix in prefixes for key, array in weights.items()}


def with_checksums(save: Callable[[], None]) -> tuple[float, float, float]:
    """Seconds of a save by the clock, of its CPU, and of that what the checksums take."""
    spent, real = [], safetensors_file.crc32c

    def timed(data: memoryview, value: int = 0) -> int:
        start = time.thread_time()
        crc = real(data, value)
        spent.append(time.thread_time() - start)
        return crc

    with mock.patch.object(safetensors_file, "crc32c", timed):
        clock, cpu = seconds_of(save)
    return clock, cpu, sum(spent)


def without_checksums(save: Callable[[], None]) -> tuple[float, float]:
    with mock.patch.object(safetensors_file, "crc32c", return_value=0):
        return seconds_of(save)


def seconds_of(save: Callable[[], None]) -> tuple[float, float]:
    """(by the clock, of the CPU)."""
    clock, cpu = time.perf_counter(), time.process_time()
    save()
    return time.perf_counter() - clock, time.process_time() - cpu
