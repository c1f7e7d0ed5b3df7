"""Fine-tuning runs: a model that answers instructions, and one that sorts texts into classes."""

from collections.abc import Sequence
from functools import partial
from types import ModuleType
from typing import Any

import numpy as np

from shared_gpt.text.instructions import Entry, InstructionDataset, format_prompt
from shared_gpt.text.labels import LabelDataset, labels_and_last
from shared_gpt.text.tokenizer import Tokenizer
from shared_gpt.training.display import Display
from shared_gpt.training.processes import ALONE, Processes
from shared_gpt.training.run_folder import RunFolder
from shared_gpt.training.settings import TrainSettings
from shared_gpt.training.state import to_numpy
from shared_gpt.training.training_run import TrainingRun

ADAPTER = "adapter"  # the folder within a run, in PEFT's layout


class FineTuning(TrainingRun):
    """A model that knows something already, and a dataset of another task. Its dropout draws from the run's generator."""

    def __init__(
        self,
        twin: ModuleType,
        model: Any,
        rng: np.random.Generator,
        settings: TrainSettings,
        tokenizer: Tokenizer,
        train_set: InstructionDataset | LabelDataset,
        val_set: InstructionDataset | LabelDataset,
        identity: dict[str, Any] | None = None,
        folder: RunFolder | None = None,
        display: Display | None = None,
        processes: Processes = ALONE,
    ):
        for module in model.modules():
            if isinstance(module, twin.Dropout):
                module.rng = rng
        length = float(np.mean([len(ids) for ids, _ in train_set.items]))
        per_step = round(length * settings.batch_size * settings.accumulate)
        others = (tokenizer, train_set, val_set, per_step, identity, folder, display, processes)
        super().__init__(twin, model, rng, settings, *others)

    def best_tensors(self) -> dict[str, np.ndarray]:
        """The weights with LoRA's branches added, as any command loads them; the adapter itself lies beside them."""
        if self.folder and self.twin.lora.adapted(self.model):
            self.twin.save_lora(self.model, self.folder.path / ADAPTER)
        merged = self.twin.merged_state_dict(self.model)
        return {f"model.{name}": to_numpy(tensor) for name, tensor in merged.items()}

    def title(self) -> str:
        trained = sum(int(np.prod(p.shape)) for p in self.optimizer.params)
        total = self.model.num_parameters()
        return (
            f"{self.twin.__name__}: {trained:,} of {total:,} parameters train ({trained / total:.2%}); "
            f"{len(self.train_set):,} examples to train on, {len(self.val_set):,} to validate on"
        )


class InstructionTuning(FineTuning):
    """Learns to answer; its samples are answers to the first entries of the validation set."""

    def sample(self) -> None:
        if not self.processes.is_first:
            return
        entries, length = self.val_set.entries[:3], self.settings.sample_tokens
        given = answers(self.twin, self.model, self.tokenizer, entries, self.val_set.style, length)
        text = "\n\n".join(told(entry, answer) for entry, answer in zip(entries, given))
        self.display.sample(self.step, text)
        if self.folder:
            self.folder.add_sample(self.step, text)


class LabelTuning(FineTuning):
    """Learns to name the class of a text; its samples are the accuracy on the validation set."""

    def sample(self) -> None:
        if not self.processes.is_first:
            return
        confusion = confusion_matrix(self.twin, self.model, self.val_set, self.settings.batch_size)
        text = f"{accuracy(confusion):.1%} of {len(self.val_set)} validation texts sorted right"
        self.display.say(f"step {self.step}: {text}")
        if self.folder:
            self.folder.add_sample(self.step, text)


def told(entry: Entry, answer: str) -> str:
    """A question with the answer given and the one wanted, for a person."""
    question = entry["instruction"] + (f"\n  {entry['input']}" if entry.get("input") else "")
    return f"{question}\n> {answer.strip()}\n  (wanted: {entry['output']})"


def answers(
    twin: ModuleType,
    model: Any,
    tokenizer: Tokenizer,
    entries: Sequence[Entry],
    style: str,
    max_new_tokens: int = 100,
    batch_size: int = 16,
) -> list[str]:
    """The model's answer to each entry, the likeliest token each time, up to the end token or the context length.

    Entries are answered side by side. One that has room left where the longest of its batch has none goes on alone.
    """
    prompts = [tokenizer.encode(format_prompt(entry, style)) for entry in entries]
    given = [""] * len(entries)
    generate = partial(twin.generate, model, temperature=0.0, eos_id=tokenizer.eot)
    order = sorted(range(len(entries)), key=lambda i: len(prompts[i]))  # alike lengths together: little padding
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        rooms = [min(max_new_tokens, max(model.config.context_length - len(prompts[i]), 1)) for i in chosen]
        rows = generate([prompts[i] for i in chosen], min(rooms))
        for i, row, room in zip(chosen, rows, rooms):
            if len(row) < len(prompts[i]) + room and row[-1] != tokenizer.eot:
                (row,) = generate([row], len(prompts[i]) + room - len(row))
            new = row[len(prompts[i]) :]
            given[i] = tokenizer.decode(new[:-1] if new[-1] == tokenizer.eot else new)
    return given


def exact_matches(entries: Sequence[Entry], given: Sequence[str]) -> dict[str, tuple[int, int]]:
    """category -> (answers that are the wanted text but for spaces around it, entries); "" where entries name none."""
    counts: dict[str, tuple[int, int]] = {}
    for entry, answer in zip(entries, given):
        right, total = counts.get(category := entry.get("category", ""), (0, 0))
        counts[category] = (right + (answer.strip() == entry["output"].strip()), total + 1)
    return dict(sorted(counts.items()))


def confusion_matrix(twin: ModuleType, model: Any, dataset: LabelDataset, batch_size: int) -> np.ndarray:
    """How many texts of each class (rows) were given each class (columns)."""
    K = len(dataset.classes)
    matrix = np.zeros((K, K), np.int64)
    for start in range(0, len(dataset), batch_size):
        inputs, targets = dataset.collate([dataset[i] for i in range(start, min(start + batch_size, len(dataset)))])
        labels, last = labels_and_last(targets)
        scores = to_numpy(twin.predict_classes(model, inputs, last))
        np.add.at(matrix, (labels, scores.argmax(axis=1)), 1)
    return matrix


def accuracy(confusion: np.ndarray) -> float:
    """The share on the diagonal."""
    return float(np.trace(confusion) / max(confusion.sum(), 1))
