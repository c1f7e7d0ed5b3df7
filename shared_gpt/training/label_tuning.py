"""LabelTuning: a run that learns to sort texts into classes; which class each text was given, and how often rightly."""

from types import ModuleType
from typing import Any

import numpy as np

from shared_gpt.text.labels import LabelDataset, labels_and_last
from shared_gpt.training.arrays import to_numpy
from shared_gpt.training.display import Display
from shared_gpt.training.finetuning import FineTuning
from shared_gpt.training.run_folder import RunFolder


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


def judge_labels(
    twin: ModuleType,
    model: Any,
    sets: dict[str, LabelDataset | None],
    folder: RunFolder,
    display: Display,
    batch_size: int,
) -> None:
    """Accuracy on every set, kept in scores.json, and the confusion matrix of the last set as a picture."""
    from shared_gpt.plots import plot_confusion

    scores = {}
    for name, dataset in sets.items():
        if dataset:
            confusion = confusion_matrix(twin, model, dataset, batch_size)
            scores[name] = {"accuracy": accuracy(confusion), "confusion": confusion.tolist(), "texts": len(dataset)}
            right = f"{np.trace(confusion)} of {len(dataset)} {name} texts sorted right"
            display.say(f"{right} ({accuracy(confusion):.1%})")
            last, classes = name, dataset.classes
    folder.write_json(folder.scores, scores)
    plot_confusion(np.array(scores[last]["confusion"]), classes, folder.confusion, f"{last} texts")
    display.say(f"Confusion matrix: {folder.confusion}")
