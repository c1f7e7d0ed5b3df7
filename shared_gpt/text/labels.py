"""LabelDataset: texts, each with its class, on which a model is fine-tuned to sort messages into spam and ham."""

import csv
import io
import os
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from shared_gpt.array_types import Int
from shared_gpt.text.batches import IGNORE_INDEX, Dataset
from shared_gpt.text.corpora import SHIPPED, read_text, source_path
from shared_gpt.text.tokenizer import Tokenizer

LABELS = {"labels": SHIPPED / "labels.tsv"}
EncodedRow = tuple[Int[np.ndarray, " _"], int]  # ids, the number of the class


class Labelled(NamedTuple):
    label: str
    text: str


def load_labels(source: str | os.PathLike) -> list[Labelled]:
    """Rows of a label and a text, from a .csv with commas and quotes, from any other file as label TAB text without quotes
    (the form of the SMS Spam Collection, Almeida and Hidalgo 2011), or from a name.

    A first row with the words `label` and `text` is a header, and may state the opposite order. Raises ValueError that
    names the first row (counted from 1) that is not two fields with something in each.
    """
    path = source_path(source, LABELS)
    text = read_text(path)
    if path.suffix.lower() == ".csv":
        lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    else:
        lines = (line.split("\t", maxsplit=1) for line in text.split("\n"))
    rows, label_first = [], True
    number = 0
    try:
        for number, fields in enumerate(lines, start=1):
            if not any(map(str.strip, fields)):
                continue
            if number == 1 and sorted(field.strip().lower() for field in fields) == ["label", "text"]:
                label_first = fields[0].strip().lower() == "label"
                continue
            if len(fields) != 2 or not all(map(str.strip, fields)):
                raise ValueError(
                    f"Row {number} of {path} is {str(fields)[:60]}; give a label and a text, separated by "
                    f"{'a comma' if path.suffix.lower() == '.csv' else 'a tab'}."
                )
            label, message = fields if label_first else reversed(fields)
            rows.append(Labelled(label.strip(), message.strip()))
    except csv.Error as error:
        raise ValueError(f"Row {number + 1} of {path} is no CSV ({error}); quote texts that hold commas.") from None
    if not rows:
        raise ValueError(f"{path} holds a header and no rows below it; give labels with their texts.")
    return rows


def balance(rows: Sequence[Labelled], rng: np.random.Generator) -> list[Labelled]:
    """As many rows of every class as the rarest class has, drawn by `rng` and kept in their order."""
    numbers = {label: [] for label in sorted({row.label for row in rows})}
    for number, row in enumerate(rows):
        numbers[row.label].append(number)
    n = min(map(len, numbers.values()))
    kept = [rng.choice(those, size=n, replace=False) for those in numbers.values()]
    return [rows[number] for number in np.sort(np.concatenate(kept))]


def labels_and_last(targets: Int[np.ndarray, "B T"]) -> tuple[Int[np.ndarray, " B"], Int[np.ndarray, " B"]]:
    """Each row's class, and the position of its last real token, from the targets of a LabelDataset's batch."""
    last = (targets != IGNORE_INDEX).argmax(axis=1)
    return targets[np.arange(len(targets)), last], last


class LabelDataset(Dataset):
    """Rows (a list, or a source of `load_labels`) as ids and the number of their class.

    `classes` gives the classes their numbers. Without it the classes are those of the rows, in alphabetical order (ham 0,
    spam 1); give validation and test data the classes of the training data. Texts are cut off after `context_length` tokens.
    """

    def __init__(
        self,
        rows: Iterable[Labelled | tuple[str, str]] | str | os.PathLike,
        tokenizer: Tokenizer,
        context_length: int | None = None,
        classes: Sequence[str] | None = None,
    ):
        rows = load_labels(rows) if isinstance(rows, (str, os.PathLike)) else [Labelled(*row) for row in rows]
        if not rows:
            raise ValueError("There are no rows; give texts with their labels.")
        self.rows = rows
        self.classes = tuple(sorted({row.label for row in rows}) if classes is None else classes)
        self.context_length = context_length
        self.pad_id = tokenizer.eot or 0  # any id would do: it stands after the last token that the model looks at
        self.items: list[EncodedRow] = []
        for number, (label, text) in enumerate(rows, start=1):
            if label not in self.classes:
                raise ValueError(
                    f"Row {number} has the label {label!r}, which is none of {', '.join(self.classes)}; "
                    "correct it, or give classes that hold it."
                )
            ids = tokenizer.encode(text)[:context_length]
            if not ids:
                raise ValueError(f"Row {number} has the text {text!r}, which gives no token; leave it out.")
            self.items.append((np.array(ids), self.classes.index(label)))

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, i: int) -> EncodedRow:
        return self.items[i]

    def collate(self, items: Sequence[EncodedRow]) -> tuple[Int[np.ndarray, "B T"], Int[np.ndarray, "B T"]]:
        """Texts side by side, padded on the right. All targets are ignored but one in each row: the class, at the last token.

        With the causal mask only that position sees the whole text, and it sees no padding. A head that takes classes (B,)
        and positions (B,) gets them from `labels_and_last`.
        """
        T = max(len(ids) for ids, _ in items)
        inputs = np.full((len(items), T), self.pad_id, dtype=np.int64)
        targets = np.full((len(items), T), IGNORE_INDEX, dtype=np.int64)
        for row, (ids, label) in enumerate(items):
            inputs[row, : len(ids)] = ids
            targets[row, len(ids) - 1] = label
        return inputs, targets
