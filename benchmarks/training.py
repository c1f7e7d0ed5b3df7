"""One training step, float32: numpy_gpt against torch_gpt and transformers, and the floor that matrix products set.

    python -m benchmarks training [--rounds 3] [--shapes 4x256 8x64 1x1024] [--drop-rate 0.0]

Figures: seconds for forward + backward (the step without its optimizer), seconds for AdamW, peak memory of the process
before the optimizer has filled its moments. The floor is the time of the step's matrix products alone, and of reading and
writing the optimizer's arrays once.

Each runs as a plain loop of its users runs; transformers once more with freed memory kept for the next step, as the twins'
AdamW asks for (on Linux, `shared_gpt/training/memory.py`), and numpy_gpt once more on one thread beside BLAS's own.
"""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.harness import Contender, machine, peak_memory_mb, report, run_rounds
from benchmarks.keras_training import prepare_keras, prepare_keras_eager
from shared_gpt.config import GPTConfig
from shared_gpt.row_chunks import row_chunks
from shared_gpt.threads import for_each
from shared_gpt.training.memory import keep_freed_memory

STEPS = 3  # timed in each round, after one that warms up
RIVALS = ("torch_gpt", "transformers")  # what a user would take instead
MEMORY_KEPT = ("transformers, memory kept", "floor-numpy", "floor-torch")  # that do not ask for it themselves
ENVIRONMENT = {"numpy_gpt, one thread": {"NUMPY_GPT_THREADS": "1"}}


@dataclass(frozen=True)
class Training:
    """Forward + backward, AdamW and peak memory of a training step, against PyTorch and transformers."""

    rounds: int = 3
    """How often each contender has its turn."""
    shapes: tuple[str, ...] = ("4x256", "8x64", "1x1024")
    """Batch x context at GPT-2's 124M shape."""
    classroom: bool = True
    """Also the classroom preset at 16x64, where Python's overhead counts."""
    drop_rate: float = 0.0
    """Dropout, the same in all."""
    only: tuple[str, ...] = ()
    """Contenders to run besides torch_gpt and transformers; default: all."""

    def run(self) -> None:
        print(machine())
        cases = [("gpt2-small", shape) for shape in self.shapes] + [("classroom", "16x64")] * self.classroom
        for preset, shape in cases:
            print(f"\n{preset}, batch x context {shape}, float32, dropout {self.drop_rate}")
            row = contenders(preset, shape, self.drop_rate)
            chosen = [one for one in row if not self.only or one.name in (*self.only, *RIVALS)]
            show(run_rounds(chosen, self.rounds))


def contenders(preset: str, shape: str, drop_rate: float) -> list[Contender]:
    argv = (preset, shape, str(drop_rate))
    row = [Contender(name, ("benchmarks.training", name, *argv), ENVIRONMENT.get(name, {})) for name in PREPARE]
    if os.environ.get("OPENBLAS_CORETYPE"):
        free = {"OPENBLAS_CORETYPE": ""}
        row += [
            Contender(f"{name}, own core", ("benchmarks.training", name, *argv), free)
            for name in ("numpy_gpt", "floor-numpy")
        ]
    return row


def show(results: dict[str, dict]) -> None:
    """A table; every ratio is against the faster PyTorch contender: above 1 is faster than it, or of less memory below 1."""
    best = min((results[name] for name in RIVALS), key=lambda figures: figures["step"])
    print(f"\n  {'':28}{'step s':>9}{'x faster':>10}{'AdamW s':>9}{'peak MiB':>10}{'x memory':>10}")
    for name, figures in results.items():
        line = f"  {name:28}{figures['step']:9.3f}{best['step'] / figures['step']:10.2f}"
        if "adamw" in figures:
            line += f"{figures['adamw']:9.3f}{figures['peak']:10.0f}{figures['peak'] / best['peak']:10.2f}"
        print(line)


def contend(name: str, preset: str, shape: str, drop_rate: float) -> None:
    """In a process of its own: one contender's figures."""
    B, T = map(int, shape.split("x"))
    config = GPTConfig.preset(preset, drop_rate=drop_rate)
    if name in MEMORY_KEPT:
        keep_freed_memory()
    rng = np.random.default_rng(0)
    ids, targets = rng.integers(0, config.vocab_size, (2, B, T))
    step, update = PREPARE[name](config, ids, targets)
    times = [timed(step) for _ in range(STEPS + 1)][1:]
    figures = {"step": times}
    if update is not None:
        figures["peak"] = [peak_memory_mb()]
        figures["adamw"] = [timed(update) for _ in range(STEPS + 1)][1:]
    report(figures)


def timed(function) -> float:
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def prepare_numpy(config, ids, targets):
    import numpy_gpt

    model, criterion = numpy_gpt.GPTModel(config), numpy_gpt.CrossEntropy()
    optimizer = numpy_gpt.AdamW(model.parameters())

    def step():
        optimizer.zero_grad()
        criterion(model(ids), targets)
        model.backward(criterion.backward())

    return step, optimizer.step


def prepare_torch(config, ids, targets):
    import torch

    import torch_gpt

    model, criterion = torch_gpt.GPTModel(config), torch_gpt.CrossEntropy()
    ids, targets = torch.from_numpy(ids), torch.from_numpy(targets)
    optimizer = torch_gpt.AdamW(model.parameters())

    def step():
        optimizer.zero_grad()
        criterion(model(ids), targets).backward()

    return step, optimizer.step


def prepare_transformers(config, ids, targets):
    import torch
    import transformers

    sizes = {"vocab_size": config.vocab_size, "n_positions": config.context_length, "n_embd": config.emb_dim}
    drop = dict.fromkeys(("embd_pdrop", "attn_pdrop", "resid_pdrop"), config.drop_rate)
    transformers.logging.set_verbosity_error()  # it warns of every small model
    theirs = transformers.GPT2Config(
        **sizes, n_layer=config.n_layers, n_head=config.n_heads, **drop, attn_implementation="sdpa"
    )
    model = transformers.GPT2LMHeadModel(theirs).train()
    ids = torch.from_numpy(ids)
    optimizer = torch.optim.AdamW(model.parameters())

    def step():
        optimizer.zero_grad()
        model(ids, labels=ids).loss.backward()

    return step, optimizer.step


def products(config, B: int, T: int) -> list[tuple[int, int, int, int]]:
    """(how often, rows, inner, columns) of every product of a forward pass; each has two more of its size backward."""
    N, C, V, D = B * T, config.emb_dim, config.vocab_size, config.head_dim
    layers, heads = config.n_layers, B * config.n_heads * config.n_layers
    dense = [(layers, N, C, 3 * C), (layers, N, C, C), (layers, N, C, 4 * C), (layers, N, 4 * C, C), (1, N, C, V)]
    return [*dense, (heads, T, D, T), (heads, T, T, D)]


def prepare_floor(config, ids, matrix):
    sizes = [(times, matrix(n, k), matrix(k, m), matrix(n, m)) for times, n, k, m in products(config, *ids.shape)]

    def step():
        for times, x, w, dy in sizes:
            for _ in range(times):
                x @ w
                dy @ w.T
                x.T @ dy

    return step, None


def prepare_numpy_floor(config, ids, targets):
    rng = np.random.default_rng(0)
    step, _ = prepare_floor(config, ids, lambda *shape: rng.standard_normal(shape, np.float32))
    return step, reading_and_writing(config)


def reading_and_writing(config) -> Callable[[], None]:
    """What an optimizer asks of the memory: weights, gradients and two moments read once, all but the gradients written."""
    import numpy_gpt

    number = numpy_gpt.GPTModel(config, initialize=False).num_parameters()
    w, g, m, v = (np.ones(number, np.float32) for _ in range(4))

    def touch(w, g, m, v):
        for array in (w, m, v):
            array += g

    return lambda: for_each(touch, row_chunks(w, g, m, v))


def prepare_torch_floor(config, ids, targets):
    import torch

    return prepare_floor(config, ids, torch.randn)


PREPARE = {
    "numpy_gpt": prepare_numpy,
    "torch_gpt": prepare_torch,
    "transformers": prepare_transformers,
    "tensorflow_gpt, eager": prepare_keras_eager,
    "tensorflow_gpt, compiled": prepare_keras,
    "numpy_gpt, one thread": prepare_numpy,
    "transformers, memory kept": prepare_transformers,
    "floor-numpy": prepare_numpy_floor,
    "floor-torch": prepare_torch_floor,
}

if __name__ == "__main__":
    contend(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]))
