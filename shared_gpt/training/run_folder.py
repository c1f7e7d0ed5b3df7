"""RunFolder: everything a training run leaves behind, in files that people and other programs can read.

config.json         the model's sizes: the keys of GPTConfig
training.json       the settings of the run, and which text it reads
tokenizer.json      the tokenizer
metrics.csv         one row per step, in the columns of COLUMNS
loss.png            the same as a picture
samples.txt         what the model wrote on the way
last.safetensors    everything that going on needs: weights, AdamW's moments, generators, place in the data
best.safetensors    the weights with the lowest validation loss

A fine-tuning adds:

task.json           what using the model needs to know: the style of the prompts, or the names of the classes
adapter             with LoRA: the branches, in PEFT's layout
scores.json         how many answers, or classes, were right
responses.json      instructions: the answers to the entries that were held out
confusion.png       labels: how many texts of each class were given each class
"""

import csv
import io
import json
import os
import re
from pathlib import Path
from typing import Any

from shared_gpt.checkpoints.run_files import BEST, LAST
from shared_gpt.files import read_json, written_beside

COLUMNS = ("step", "tokens", "lr", "grad_norm", "loss", "train_loss", "val_loss", "seconds")
Row = dict[str, float | int | None]


class RunFolder:
    """The paths of a run, and its metrics. `loss` is of the step's own batch, dropout on; `train_loss` and `val_loss`
    are measured without dropout and stand in the rows where they were; `seconds` counts from the start of the run."""

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        self.config = self.path / "config.json"
        self.training = self.path / "training.json"
        self.metrics = self.path / "metrics.csv"
        self.picture = self.path / "loss.png"
        self.samples = self.path / "samples.txt"
        self.last = self.path / LAST
        self.best = self.path / BEST
        self.task = self.path / "task.json"
        self.adapter = self.path / "adapter"
        self.scores = self.path / "scores.json"
        self.responses = self.path / "responses.json"
        self.confusion = self.path / "confusion.png"
        self._lock: Any = None

    def lock(self) -> None:
        """Hold the folder, made if need be, until this process ends. Raises BlockingIOError while another one holds it."""
        from filelock import FileLock, Timeout

        self.path.mkdir(parents=True, exist_ok=True)
        try:
            self._lock = self._lock or FileLock(self.path / ".lock")
            self._lock.acquire(timeout=0)
        except Timeout:
            raise BlockingIOError(
                f"Another process is training in {self.path}; wait for it, or take another --out."
            ) from None

    def write_json(self, path: Path, data: Any) -> None:
        self._write(path, json.dumps(data, indent=2) + "\n")

    def read_json(self, path: Path) -> dict[str, Any]:
        """Raises FileNotFoundError or ValueError where the file is missing or broken."""
        if not path.is_file():
            raise FileNotFoundError(
                f"{self.path} is no run: it has no {path.name}. Runs are made by the pretrain command."
            )
        return read_json(path)

    def read_task(self, task: str, key: str) -> Any:
        """What task.json says under a key. Raises ValueError where this is no run of `finetune {task}`."""
        entries = read_json(self.task) if self.task.is_file() else {}
        if not isinstance(entries, dict) or key not in entries:
            raise ValueError(f"{self.path} is no finetune {task} run; give the folder of one.")
        return entries[key]

    def add_row(self, row: Row) -> None:
        """Append one row of metrics and hand it to the operating system."""
        new = not self.metrics.exists()
        with self.metrics.open("a", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            if new:
                writer.writeheader()
            writer.writerow(row)

    def rows(self, up_to_step: int | None = None) -> list[Row]:
        """The metrics so far. A last line that a killed run left half written is passed over."""
        if not self.metrics.is_file():
            raise FileNotFoundError(f"{self.path} has no {self.metrics.name}; give the folder of a training run.")
        rows = []
        for line in csv.DictReader(self.metrics.read_text(encoding="utf-8").splitlines()):
            if None in line.values() or None in line:
                continue
            row = {key: _number(text) for key, text in line.items()}
            if up_to_step is None or row["step"] <= up_to_step:
                rows.append(row)
        return rows

    def cut_back(self, step: int) -> None:
        """Remove what came after a step, which the resumed run writes again, and what a killed run left half written."""
        self._sweep()
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows(up_to_step=step))
        self._write(self.metrics, text.getvalue())
        if self.samples.exists():
            parts = re.split(r"^--- step (\d+)\n", self.samples.read_text(encoding="utf-8"), flags=re.MULTILINE)
            kept = [(number, text) for number, text in zip(parts[1::2], parts[2::2]) if int(number) <= step]
            self._write(self.samples, "".join(f"--- step {number}\n{text}" for number, text in kept))

    def start_over(self) -> None:
        """Remove what the steps of an earlier run left."""
        self._sweep()
        for path in (self.metrics, self.samples, self.best, self.last, self.picture):
            path.unlink(missing_ok=True)

    def flush_metrics(self) -> None:
        """Have the metrics on the disk, not only with the operating system."""
        with self.metrics.open("rb+") as file:
            os.fsync(file.fileno())

    def add_sample(self, step: int, text: str) -> None:
        with self.samples.open("a", encoding="utf-8", newline="\n") as file:
            file.write(f"--- step {step}\n{text}\n\n")

    def _sweep(self) -> None:
        for path in self.path.glob(".*.part"):
            path.unlink()

    def _write(self, path: Path, text: str) -> None:
        with written_beside(path) as file:
            file.write(text.encode("utf-8"))


def _number(text: str) -> float | int | None:
    if text == "":
        return None
    return int(text) if text.isdigit() else float(text)
