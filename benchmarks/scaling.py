"""A training step with one thread and with several: what cores add, and the part of the step that stays on one.

    python -m benchmarks scaling [--rounds 3] [--shape 4x256] [--preset gpt2-small]

Each row is a process of its own, with so many threads for BLAS and so many for numpy_gpt's own chunks. From the time with
one thread of each, t₁, and n of each, tₙ, follows the share s that gets no faster (Amdahl 1967): tₙ / t₁ = s + (1 - s) / n.
For more cores than this machine has, the table gives what the same share would leave, if memory keeps up.
"""

import os
from dataclasses import dataclass

from benchmarks.harness import Contender, machine, run_rounds

MORE = (4, 8)  # cores for which the table reckons


@dataclass(frozen=True)
class Scaling:
    """A training step with one thread and with several, and what more cores would give."""

    rounds: int = 3
    """How often each contender has its turn."""
    shape: str = "4x256"
    """Batch x context."""
    preset: str = "gpt2-small"
    """The model's sizes."""

    def run(self) -> None:
        cores = os.cpu_count() or 1
        print(machine())
        print(f"\n{self.preset}, batch x context {self.shape}, float32; seconds of forward + backward")
        if cores == 1:
            raise SystemExit("This machine has one core; the table needs two.")
        rows = [
            self.contender(name, blas, own)
            for name, blas, own in (
                ("numpy_gpt", 1, 1),
                ("numpy_gpt", cores, 1),
                ("numpy_gpt", cores, cores),
                ("floor-numpy", 1, 1),
                ("floor-numpy", cores, cores),
            )
        ]
        show(run_rounds(rows, self.rounds), cores)

    def contender(self, name: str, blas: int, own: int) -> Contender:
        threads = {"OPENBLAS_NUM_THREADS": str(blas), "NUMPY_GPT_THREADS": str(own)}
        return Contender(title(name, blas, own), ("benchmarks.training", name, self.preset, self.shape, "0.0"), threads)


def title(name: str, blas: int, own: int) -> str:
    return f"{name}, BLAS {blas}" + (f", chunks {own}" if name == "numpy_gpt" else "")


def show(results: dict[str, dict], cores: int) -> None:
    print(f"\n  {'':32}{'step s':>9}{'x faster':>10}")
    for name, figures in results.items():
        alone = results[title(name.split(",")[0], 1, 1)]["step"]
        print(f"  {name:32}{figures['step']:9.3f}{alone / figures['step']:10.2f}")
    print()
    for name in ("numpy_gpt", "floor-numpy"):
        alone, together = (results[title(name, n, n)]["step"] for n in (1, cores))
        share = one_core_share(alone, together, cores)
        more = ", ".join(f"{on_cores(alone, share, n):.2f} s on {n}" for n in MORE if n > cores)
        print(f"  {name}: {share:.0%} of the step stays on one core; reckoned {more}")


def one_core_share(alone: float, together: float, cores: int) -> float:
    """s of tₙ / t₁ = s + (1 - s) / n; never below 0."""
    return max((together / alone - 1 / cores) / (1 - 1 / cores), 0.0)


def on_cores(alone: float, share: float, cores: int) -> float:
    """t₁ (s + (1 - s) / n)."""
    return alone * (share + (1 - share) / cores)
