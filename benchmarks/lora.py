"""One training step at 124M: LoRA against full fine-tuning, in both packages: what frozen weights save in time and memory.

    python -m benchmarks lora [--rounds 2] [--shape 2x128] [--rank 16]

Figures: seconds for forward + backward, seconds for AdamW, peak memory of the process, the optimizer's moments included.
"""

import sys
from dataclasses import dataclass
from importlib import import_module

import numpy as np

from benchmarks.harness import Contender, machine, peak_memory_mb, report, run_rounds
from benchmarks.training import STEPS, timed
from shared_gpt.config import GPTConfig

WAYS = ("full", "lora", "last-block")


@dataclass(frozen=True)
class LoRA:
    """Forward + backward, AdamW and peak memory of a fine-tuning step: all weights, LoRA, the last block alone."""

    rounds: int = 2
    """How often each contender has its turn."""
    shape: str = "2x128"
    """Batch x context at GPT-2's 124M shape."""
    rank: int = 16
    """Rank of the branches."""

    def run(self) -> None:
        print(machine())
        print(f"\ngpt2-small, batch x context {self.shape}, float32, LoRA rank {self.rank} on all four matrices")
        argv = (self.shape, str(self.rank))
        names = [f"{package} {way}" for package in ("numpy_gpt", "torch_gpt") for way in WAYS]
        show(run_rounds([Contender(name, ("benchmarks.lora", *name.split(), *argv)) for name in names], self.rounds))


def show(results: dict[str, dict]) -> None:
    """A table; every share is of the same package's full fine-tuning."""
    print(f"\n  {'':22}{'trained':>13}{'step s':>9}{'share':>7}{'AdamW s':>9}{'peak MiB':>10}{'share':>7}")
    for name, figures in results.items():
        full = results[f"{name.split()[0]} full"]
        print(
            f"  {name:22}{figures['trained']:>13,.0f}{figures['step']:>9.3f}{figures['step'] / full['step']:>7.2f}"
            f"{figures['adamw']:>9.3f}{figures['peak']:>10,.0f}{figures['peak'] / full['peak']:>7.2f}"
        )


def contend(package: str, way: str, shape: str, rank: int) -> None:
    """In a process of its own: one contender's figures."""
    twin = import_module(package)
    B, T = map(int, shape.split("x"))
    config = GPTConfig.preset("gpt2-small", drop_rate=0.0)
    rng = np.random.default_rng(0)
    ids, targets = rng.integers(0, config.vocab_size, (2, B, T))
    model = twin.GPTModel(config)
    if way == "lora":
        twin.apply_lora(model, rank, 2.0 * rank, rng=rng)
    elif way == "last-block":
        freeze_below_last_block(model)
    optimizer, criterion = twin.AdamW(model.parameters()), twin.CrossEntropy()
    if package == "torch_gpt":
        import torch

        ids, targets = torch.from_numpy(ids), torch.from_numpy(targets)

    def step() -> None:
        optimizer.zero_grad()
        loss = criterion(model(ids), targets)
        if package == "torch_gpt":
            loss.backward()
        else:
            model.backward(criterion.backward())

    times = [(timed(step), timed(optimizer.step)) for _ in range(STEPS + 1)][1:]
    trained = sum(int(np.prod(parameter.shape)) for parameter in optimizer.params)
    steps, updates = map(list, zip(*times))
    report({"trained": [trained], "step": steps, "adamw": updates, "peak": [peak_memory_mb()]})


def freeze_below_last_block(model) -> None:
    """As for classification, but with the vocabulary's head, which is the embedding: frozen as well."""
    for name, parameter in model.named_parameters():
        parameter.requires_grad = name.startswith((f"h.{len(model.h) - 1}.", "ln_f."))


if __name__ == "__main__":
    contend(*sys.argv[1:4], rank=int(sys.argv[4]))
