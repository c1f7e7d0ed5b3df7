"""From raw text to answers, in both twins: a small GPT reads the village's stories and textbook, and LoRA teaches it to answer.

    python -m benchmarks answers [--twins numpy_gpt torch_gpt] [--unseen]

Counted are exact matches on the held-out entries of the categories with one right answer, before and after LoRA. Most of them ask
in other words what the training asked; with --unseen, one word in ten is asked of in no wording and counted apart.
"""

import json
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from benchmarks.harness import Contender, machine, report, run_rounds
from shared_gpt.cli import main
from shared_gpt.text import load_tokenizer
from shared_gpt.text.instructions import CLOSED_CATEGORIES
from shared_gpt.training.instruction_tuning import Counts, answers, exact_matches, total
from shared_gpt.training.run_folder import RunFolder
from village import make_instructions
from village.held_out import words_left_out

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
    unseen: bool = False
    """Keep every wording of one word in ten from the training, and count the answers to these as well."""

    def run(self) -> None:
        print(f"{machine()}\n{PRETRAIN}\n{FINETUNE}")
        more = ("unseen",) * self.unseen
        results = run_rounds([Contender(name, ("benchmarks.answers", name, *more)) for name in self.twins], rounds=1)
        print(f"\n  {'minutes':12}{'pretrain':>10}{'LoRA':>8}{'held out':>10}{'before':>8}{'after':>8}{'share':>8}")
        for name, of in results.items():
            minutes = f"{of['pretrain_s'] / 60:10.1f}{of['lora_s'] / 60:8.1f}"
            counts = f"{of['held_out']:10.0f}{of['before']:8.0f}{of['after']:8.0f}"
            print(f"  {name:12}{minutes}{counts}{of['after'] / of['held_out']:8.1%}")
            if self.unseen:
                share = of["unseen_right"] / of["unseen"]
                print(f"  {'':12}of words never asked of: {of['unseen_right']:.0f} of {of['unseen']:.0f}, {share:.1%}")


def contend(name: str, unseen: str = "") -> None:
    """In a process of its own: one twin's two runs."""
    twin, figures = import_module(name), {}
    with tempfile.TemporaryDirectory() as folder:
        base, tuned, data = (Path(folder) / part for part in ("base", "tuned", "data.json"))
        left_out = words_left_out() if unseen else []
        data.write_text(json.dumps([entry for entry in make_instructions() if entry not in left_out]), encoding="utf-8")
        figures["pretrain_s"] = seconds(twin, [*PRETRAIN.split(), "--out", str(base)])
        more = ["--weights", str(base / "last.safetensors"), "--data", str(data), "--out", str(tuned)]
        figures["lora_s"] = seconds(twin, [*FINETUNE.split(), *more])
        for when, counts in RunFolder(tuned).read_json(RunFolder(tuned).scores).items():
            figures[when], figures["held_out"] = right_of_closed(counts)
        if unseen:
            given = answers(twin, twin.load_run(tuned), load_tokenizer(tuned), left_out, "qa")
            counts = exact_matches(left_out, given)
            figures["unseen_right"], figures["unseen"] = right_of_closed(counts)
    report({figure: [value] for figure, value in figures.items()})


def right_of_closed(counts: Counts) -> tuple[int, int]:
    """(right, of) over the categories with one right answer."""
    return total(counts, [category for category in counts if category in CLOSED_CATEGORIES])


def seconds(twin, arguments: list[str]) -> float:
    begin = time.perf_counter()
    if main(twin, arguments):
        sys.exit(2)
    return time.perf_counter() - begin


if __name__ == "__main__":
    contend(*sys.argv[1:])
