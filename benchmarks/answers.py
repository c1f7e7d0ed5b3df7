"""From raw text to answers, in both twins: a small GPT reads the village's stories and textbook, and LoRA teaches it to answer.

    python -m benchmarks answers [--twins numpy_gpt torch_gpt]

Counted are exact matches on the held-out entries of the categories with one right answer, before and after LoRA.
"""

import json
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from benchmarks.harness import Contender, machine, report, run_rounds
from numpy_gpt.cli import main
from numpy_gpt.text.make_data import CLOSED_CATEGORIES
from numpy_gpt.training.judging import SCORES

PRETRAIN = (
    "pretrain --text marren --vocab-size 4096 --context-length 64 --tie-embeddings False --drop-rate 0 --batch-size 32 "
    "--lr 3e-3 --steps 1000 --val-fraction 0.02 --eval-every 250"
)
FINETUNE = (
    "finetune instructions --style qa --mask-prompt --score --lora-rank 64 --lora-targets c_attn c_proj c_fc lm_head "
    "--batch-size 32 --lr 2e-3 --steps 2000 --eval-every 250"
)


@dataclass(frozen=True)
class Answers:
    """How many held-out questions a small GPT answers exactly, before and after LoRA, and how long both trainings take."""

    twins: tuple[str, ...] = ("numpy_gpt", "torch_gpt")
    """Which twins have their turn."""

    def run(self) -> None:
        print(f"{machine()}\n{PRETRAIN}\n{FINETUNE}")
        results = run_rounds([Contender(name, ("benchmarks.answers", name)) for name in self.twins], rounds=1)
        print(f"\n  {'minutes':12}{'pretrain':>10}{'LoRA':>8}{'held out':>10}{'before':>8}{'after':>8}{'share':>8}")
        for name, of in results.items():
            minutes = f"{of['pretrain_s'] / 60:10.1f}{of['lora_s'] / 60:8.1f}"
            counts = f"{of['held_out']:10.0f}{of['before']:8.0f}{of['after']:8.0f}"
            print(f"  {name:12}{minutes}{counts}{of['after'] / of['held_out']:8.1%}")


def contend(name: str) -> None:
    """In a process of its own: one twin's two runs."""
    twin = import_module(name)
    with tempfile.TemporaryDirectory() as folder:
        base, answers = Path(folder) / "base", Path(folder) / "answers"
        pretrain_s = seconds(twin, [*PRETRAIN.split(), "--out", str(base)])
        weights = ["--weights", str(base / "last.safetensors")]
        lora_s = seconds(twin, [*FINETUNE.split(), *weights, "--out", str(answers)])
        scores = json.loads((answers / SCORES).read_text(encoding="utf-8"))
    right, held_out = {}, 0
    for when, counts in scores.items():
        closed = [counts[category] for category in counts if category in CLOSED_CATEGORIES]
        right[when], held_out = sum(exact for exact, _ in closed), sum(of for _, of in closed)
    figures = {"pretrain_s": pretrain_s, "lora_s": lora_s, "held_out": held_out, **right}
    report({figure: [value] for figure, value in figures.items()})


def seconds(twin, arguments: list[str]) -> float:
    begin = time.perf_counter()
    if main(twin, arguments):
        sys.exit(2)
    return time.perf_counter() - begin


if __name__ == "__main__":
    contend(*sys.argv[1:])
