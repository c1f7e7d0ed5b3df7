"""train, generate and chat: the student's pieces in the place of the reference's, in a model that runs."""

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from exercises import MY_GPT
from shared_gpt.options import OptionalText

# Options of numpy-gpt
TRAINING = """
--text stories --tokenizer stories --n-layers 2 --drop-rate 0 --batch-size 8 --lr 3e-3 --warmup 20 --threads 1
--sample-every 0
"""
BASE = """
--text marren --vocab-size 4096 --context-length 64 --tie-embeddings False --drop-rate 0 --batch-size 32 --lr 3e-3
--val-fraction 0.02
"""
ANSWERS = """
--style qa --mask-prompt --lora-rank 64 --lora-targets c_attn c_proj c_fc lm_head --batch-size 32 --lr 2e-3
--eval-every 250
"""
ASK = "It learnt to answer short tasks, such as: Give the plural form of 'turkey'. An empty line ends the talk."


def numpy_gpt(folder: Path | None, args: Sequence[str], quiet: bool = False) -> str:
    """Run a command of numpy-gpt, with the pieces of a folder or without any; what it printed, where it is quiet.

    Raises ValueError where it fails.
    """
    program = ["numpy_gpt"] if folder is None else ["exercises.with_pieces", str(folder)]
    command = [sys.executable, "-m", *program, *args]
    environment = os.environ | {"PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(command, env=environment, capture_output=quiet, encoding="utf-8")
    if done.returncode:
        print(done.stderr or "", end="", file=sys.stderr)
        whose = "With your pieces" if folder else "With the reference's own pieces"
        raise ValueError(
            f"{whose}, `{args[0]}` ended with status {done.returncode}; what it said stands above. "
            "gpt-exercise check NAME says which piece is wrong."
        )
    return done.stdout or ""


def pieces_of(folder: Path) -> int:
    """How many of the folder's exercises are noted as passed. ValueError for none."""
    from exercises.folder import StudentFolder

    number = sum(exercise.kind == "implement" for exercise in StudentFolder(folder).passed())
    if not number:
        raise ValueError(
            f"No exercise in {folder} is passed yet, so there is no piece of yours to use; see gpt-exercise list."
        )
    return number


@dataclass(frozen=True)
class Train:
    """Train a small model on the stories with your pieces in it, and draw its loss beside the reference's."""

    steps: int = 200
    """Updates of the weights; about a minute for the two runs"""
    folder: Path = Path(MY_GPT)
    """Your folder"""

    def run(self) -> int:
        from shared_gpt.plots import plot_losses
        from shared_gpt.training.run_folder import RunFolder

        number, runs = pieces_of(self.folder), self.folder / "runs"
        options = [*TRAINING.split(), "--steps", str(self.steps), "--eval-every", str(max(self.steps // 8, 1))]
        print(f"The reference, {self.steps} steps:", flush=True)
        numpy_gpt(None, ["pretrain", *options, "--out", str(fresh(runs / "reference"))])
        print(f"\nYour GPT, with {number} pieces of yours:", flush=True)
        numpy_gpt(self.folder, ["pretrain", *options, "--out", str(fresh(runs / "yours"))])
        rows = {name: RunFolder(runs / name).rows() for name in ("reference", "yours")}
        picture = plot_losses(rows, self.folder / "loss.png")
        a, b = ([row["loss"] for row in rows[name] if row["loss"] is not None] for name in ("reference", "yours"))
        apart = max(abs(x - y) for x, y in zip(a, b, strict=True))
        differ = f"no step differs by more than {apart:.1e}" if apart else "every step is the same"
        print(f"\nLast loss: yours {b[-1]:.4f}, the reference's {a[-1]:.4f}; {differ}.")
        print(f"Both curves: {picture}\nWhat it writes: gpt-exercise generate --weights {runs / 'yours'}")
        return 0


@dataclass(frozen=True)
class Generate:
    """Write a text with your pieces, and the same text with the reference's: they should agree word for word."""

    weights: OptionalText = None
    """A run's folder, GPT-2's weights or gpt2; default: a small model that the reference first trains on the stories"""
    prompt: str = "In the morning"
    """The text to continue"""
    max_new_tokens: int = 60
    """How many tokens to write"""
    folder: Path = Path(MY_GPT)
    """Your folder"""

    def run(self) -> int:
        number = pieces_of(self.folder)
        weights = self.weights
        if weights is None:
            run = self.folder / "runs" / "reference"
            weights = str(run / "last.safetensors")
            if not Path(weights).exists():
                print("First, once: the reference trains a small model on the stories, to have weights.\n", flush=True)
                options = [*TRAINING.split(), "--steps", "200", "--eval-every", "50", "--out", str(fresh(run))]
                numpy_gpt(None, ["pretrain", *options])
                print()
        options = ["generate", "--weights", weights, "--prompt", self.prompt]
        options += ["--max-new-tokens", str(self.max_new_tokens), "--seed", "0"]
        own, reference = (numpy_gpt(folder, options, quiet=True) for folder in (self.folder, None))
        print(own.strip())
        same = own == reference
        print(
            f"\nWith {number} pieces of yours: {'word for word what the reference writes.' if same else 'the reference writes:'}"
        )
        if not same:
            print(f"\n{reference.strip()}")
        return 0 if same else 1


@dataclass(frozen=True)
class Chat:
    """Talk to a model that was taught to answer, with your pieces in it."""

    weights: OptionalText = None
    """The folder of a `finetune instructions` run; default: one that your pieces train first (about ten minutes, once)"""
    steps: int = 1000
    """Steps of each of the two trainings that come first, where there is no run yet"""
    folder: Path = Path(MY_GPT)
    """Your folder"""

    def run(self) -> int:
        number = pieces_of(self.folder)
        run = self.weights or str(self.folder / "runs" / "answers")
        if self.weights is None and not Path(run, "best.safetensors").exists():
            base = self.folder / "runs" / "base"
            print(f"{number} pieces of yours learn the language first, then, by LoRA, to answer.", flush=True)
            steps = ["--steps", str(self.steps)]
            numpy_gpt(
                self.folder, ["pretrain", *BASE.split(), *steps, "--eval-every", "250", "--out", str(fresh(base))]
            )
            options = [
                *ANSWERS.split(),
                *steps,
                "--weights",
                str(base / "last.safetensors"),
                "--out",
                str(fresh(Path(run))),
            ]
            numpy_gpt(self.folder, ["finetune", "instructions", *options])
        if self.weights is None:
            print(f"\n{ASK}", flush=True)
        numpy_gpt(self.folder, ["chat", "--weights", run])
        return 0


def fresh(folder: Path) -> Path:
    """The folder, without an earlier run that lies there."""
    import shutil

    if (folder / "training.json").exists():
        shutil.rmtree(folder)
    return folder
