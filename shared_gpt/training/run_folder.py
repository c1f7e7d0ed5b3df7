"""RunFolder: everything a training run leaves behind, in files that people and other programs can read.

config.json         the model's sizes: the keys of GPTConfig
training.json       the settings of the run, and which text it reads
tokenizer.json      the tokenizer
metrics.csv         one row per step, in the columns of COLUMNS
loss.png            the same as a picture
samples.txt         what the model wrote on the way
last.safetensors    everything that going on needs: weights, AdamW's moments, generators, place in the data
previous.safetensors  the last.safetensors before that, to go on from where the newer one is damaged
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
from contextlib import suppress
from pathlib import Path
from typing import Any

from shared_gpt.checkpoints import shipped
from shared_gpt.checkpoints.run_files import BEST, LAST, PREVIOUS
from shared_gpt.config import GPTConfig
from shared_gpt.files import naming, read_json, written_beside
from shared_gpt.json_values import build, entry
from shared_gpt.training.metrics import COLUMNS, Row, read_metrics
from shared_gpt.training.settings import TrainSettings

TASK = "task.json"


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
        self.previous = self.path / PREVIOUS
        self.best = self.path / BEST
        self.task = self.path / TASK
        self.adapter = self.path / "adapter"
        self.scores = self.path / "scores.json"
        self.responses = self.path / "responses.json"
        self.confusion = self.path / "confusion.png"
        self._lock: Any = None
        self._held: os.stat_result | None = None  # the lock's file

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
        self._held = os.stat(self.path / ".lock")

    @property
    def is_taken(self) -> bool:
        """Whether the folder was removed, and another process has begun one of this name."""
        try:
            return self._held is not None and not os.path.samestat(self._held, os.stat(self.path / ".lock"))
        except OSError:  # removed; what is written next says so
            return False

    def write_json(self, path: Path, data: Any) -> None:
        self._write(path, json.dumps(data, indent=2) + "\n")

    def read_json(self, path: Path) -> dict[str, Any]:
        """Raises FileNotFoundError or ValueError where the file is missing or broken."""
        if not path.is_file():
            raise FileNotFoundError(
                f"{self.path} is no run: it has no {path.name}. Runs are made by the pretrain command."
            )
        return read_json(path)

    def read_config(self) -> GPTConfig:
        return build(GPTConfig, self.read_json(self.config), self.config)

    def read_training(self, command: str, **kinds: Any) -> dict[str, Any]:
        """training.json, whose settings are checked, and whose other entries must be of these types. Raises ValueError where
        another command than this one ("pretrain", "finetune labels") began the run."""
        kept = self.read_json(self.training)
        task = entry(kept, "task", str, self.training) if "task" in kept else None
        began = f"finetune {task}" if task else "pretrain"
        if began != command:
            raise ValueError(
                f"{self.path} is no {command} run; by its {self.training.name} it was begun with {began[:40]!a}."
            )
        for key, kind in {"settings": dict, **kinds}.items():
            entry(kept, key, kind, self.training)
        settings = build(TrainSettings, kept["settings"], f"{self.training}: 'settings'")
        try:
            settings.check()
        except ValueError as error:
            raise ValueError(f"{self.training}: {error}") from None
        return kept

    def read_task(self, task: str, key: str, kind: Any) -> Any:
        """What task.json says under a key. Raises ValueError where this is no run of `finetune {task}`."""
        entries = read_json(self.task) if self.task.is_file() else {}
        if key not in entries:
            raise ValueError(
                f"{self.path} is no finetune {task} run; give the folder of one, or {shipped.MADE_BY[task]}."
            )
        return entry(entries, key, kind, self.task)

    def checkpoints(self) -> list[Path]:
        """What the run can go on from, the newest first."""
        return [path for path in (self.last, self.previous) if path.is_file()]

    def keep_last(self) -> None:
        """Give the last checkpoint the name of the one before, since the next one takes its own."""
        if self.last.is_file():
            second = self.path / f".{PREVIOUS}.part"
            try:
                second.unlink(missing_ok=True)
                os.link(self.last, second)  # so that there is a last one at every moment
                os.replace(second, self.previous)
            except OSError:  # a file system without links
                os.replace(self.last, self.previous)

    def add_row(self, row: Row) -> None:
        """Append one row of metrics and hand it to the operating system."""
        new = not self.metrics.exists()
        with self.metrics.open("a", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
            if new:
                writer.writeheader()
            writer.writerow(row)

    def rows(self) -> list[Row]:
        """The metrics so far. Raises what `read_metrics` raises."""
        if not self.metrics.is_file():
            raise FileNotFoundError(f"{self.path} has no {self.metrics.name}; give the folder of a training run.")
        return read_metrics(self.metrics)

    def cut_back(self, step: int) -> list[str]:
        """Remove what came after a step, which the resumed run writes again, and what a killed run left half written. What
        cannot be read is set aside under another name; returns a sentence for each such file."""
        self._sweep()
        said = []
        try:
            kept = [row for row in self.rows() if row["step"] <= step]
        except FileNotFoundError:
            kept, said = [], [f"{self.metrics} is missing; the metrics begin anew after step {step}."]
        except ValueError as error:
            kept, said = [], [self._begin_anew(self.metrics, error)]
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(kept)
        self._write(self.metrics, text.getvalue())
        if self.samples.exists():
            try:
                parts = re.split(
                    r"^--- step (\d{1,18})\n", self.samples.read_bytes().decode("utf-8"), flags=re.MULTILINE
                )
            except UnicodeDecodeError as error:
                return [*said, self._begin_anew(self.samples, f"{self.samples} is not UTF-8 (byte {error.start}).")]
            samples = [(number, text) for number, text in zip(parts[1::2], parts[2::2]) if int(number) <= step]
            self._write(self.samples, "".join(f"--- step {number}\n{text}" for number, text in samples))
        return said

    def set_aside(self, path: Path) -> str:
        """Give what cannot be read another name, which is returned: "metrics.unreadable.csv"."""
        names = (path.with_name(f"{path.stem}.unreadable{number or ''}{path.suffix}") for number in range(10_000))
        aside = next(name for name in names if not name.exists())
        os.replace(path, aside)
        return aside.name

    def _begin_anew(self, path: Path, reason: object) -> str:
        return f"{reason} It is kept as {self.set_aside(path)}, and a new one begins here."

    def start_over(self) -> None:
        """Remove what the steps of an earlier run left."""
        self._sweep()
        for path in (self.metrics, self.samples, self.best, self.last, self.previous, self.picture):
            path.unlink(missing_ok=True)

    def flush_metrics(self) -> None:
        """Have the metrics on the disk, not only with the operating system."""
        with suppress(FileNotFoundError), naming(self.metrics), self.metrics.open("rb+") as file:
            os.fsync(file.fileno())  # not if somebody moved it away; the next row begins anew

    def add_sample(self, step: int, text: str) -> None:
        with naming(self.samples), self.samples.open("a", encoding="utf-8", newline="\n") as file:
            file.write(f"--- step {step}\n{text}\n\n")

    def _sweep(self) -> None:
        for path in self.path.glob(".*.part"):
            path.unlink()

    def _write(self, path: Path, text: str) -> None:
        with written_beside(path) as file:
            file.write(text.encode("utf-8"))
