"""InstructionDataset: requests with their answers, laid out in a prompt style, padded, and masked by position."""

import math
import os
from collections.abc import Sequence
from json import JSONDecodeError
from typing import Any

import numpy as np

from shared_gpt.array_types import Int
from shared_gpt.files import parse_json_value
from shared_gpt.json_values import short
from shared_gpt.text.batches import IGNORE_INDEX, Dataset
from shared_gpt.text.corpora import SHIPPED, read_text, source_path
from shared_gpt.text.prompts import PROMPT_STYLES, Entry, format_prompt
from shared_gpt.text.tokenizer import Tokenizer

INSTRUCTIONS = {"instructions": SHIPPED / "instructions.json"}
# Categories of the shipped entries with one right answer, so that an exact match is a fair score.
CLOSED_CATEGORIES = (
    "addition", "subtraction", "multiplication", "division", "story sums", "number words", "next number",
    "larger number", "sorting numbers", "units", "plurals", "past tense", "comparatives", "superlatives", "articles",
    "antonyms", "prefixes", "young animals", "kinds", "odd one out", "spelling", "spelling in sentences",
    "spelling out", "counting letters", "counting words", "first letters", "last letters", "sorting words", "capitals",
    "sentences in the past", "sentences in the future", "story facts",
)  # fmt: skip
EncodedEntry = tuple[Int[np.ndarray, " _"], int]  # ids with the end token, how many of them are prompt


def load_instructions(source: str | os.PathLike) -> list[Entry]:
    """Entries with `instruction`, `output` and, where there is one, `input`, from JSON (a list), JSONL or a name.

    Raises ValueError that names the first entry (counted from 1) that lacks a key or holds something other than text.
    """
    path = source_path(source, INSTRUCTIONS)
    text = read_text(path)
    lines = [text] if text.lstrip().startswith("[") else text.split("\n")
    values = []
    for number, line in enumerate(lines, start=1):
        try:
            values += [parse_json_value(line.encode("utf-8"))] if line.strip() else []
        except ValueError as error:
            cause = error.__cause__
            at, why = (cause.lineno, cause.msg) if isinstance(cause, JSONDecodeError) else (1, cause)
            column = f", column {cause.colno}" if isinstance(cause, JSONDecodeError) else ""
            raise ValueError(
                f"{path} is no JSON at line {number + at - 1}{column} ({why}); give a list of entries, or one entry on each line."
            ) from None
    entries = values[0] if len(lines) == 1 and isinstance(values[0], list) else values
    for number, entry in enumerate(entries, start=1):
        _check_entry(entry, f"Entry {number} of {path}")
    return entries


def _check_entry(entry: Any, where: str) -> None:
    if not isinstance(entry, dict):
        raise ValueError(f"{where} is {short(entry, 40)}; give an object with instruction, input and output.")
    for key in ("instruction", "output"):
        if key not in entry:
            raise ValueError(
                f"{where} has no {key!r}, only {', '.join(map(short, list(entry)[:5])) or 'nothing'}; add it."
            )
    for key in ("instruction", "input", "output"):
        if not isinstance(entry.get(key) or "", str):
            raise ValueError(f"{where} has {short(entry[key], 40)} as its {key!r}; give text.")
    if not (entry["instruction"] or "").strip():
        raise ValueError(f"{where} has an empty 'instruction'; write one or leave the entry out.")


def collate(
    items: Sequence[EncodedEntry], pad_id: int, mask_prompt: bool = False, context_length: int | None = None
) -> tuple[Int[np.ndarray, "B T"], Int[np.ndarray, "B T"]]:
    """EncodedEntrys (ids that end with the end token, how many of them are prompt) side by side: inputs and targets.

    Targets are the ids one place later, the end token among them; beyond it inputs are `pad_id` and targets are
    ignored. With `mask_prompt` so are the targets inside the prompt: the first that counts is the answer's first
    token. Positions decide, never ids, so an end token inside a text counts. T is the longest item's length less
    one, and at most `context_length`.
    """
    T = min(max(len(ids) for ids, _ in items) - 1, context_length or np.inf)
    inputs = np.full((len(items), T), pad_id, dtype=np.int64)
    targets = np.full((len(items), T), IGNORE_INDEX, dtype=np.int64)
    for row, (ids, n_prompt) in enumerate(items):
        n = min(len(ids) - 1, T)
        first = n_prompt - 1 if mask_prompt else 0
        inputs[row, :n] = ids[:n]
        targets[row, first:n] = ids[first + 1 : n + 1]
    return inputs, targets


def styles_that_fit(entries: Sequence[Entry], tokenizer: Tokenizer, context_length: int) -> list[str]:
    """The prompt styles in which at least one of the entries has no more than context_length tokens."""

    def length(entry: Entry, style: str) -> float:
        try:
            return len(tokenizer.encode(format_prompt(entry, style))) + len(tokenizer.encode(entry["output"] or ""))
        except ValueError:  # a vocabulary without one of the style's letters or words
            return math.inf

    return [style for style in PROMPT_STYLES if any(length(entry, style) <= context_length for entry in entries)]


class InstructionDataset(Dataset):
    """Entries (a list, or a source of `load_instructions`) as ids: prompt, answer, end token.

    Prompt and answer are encoded separately, as they are when the model is asked, so that a token never spans both. What
    exceeds `context_length` is cut off at the end (`n_cut` entries), or with `skip_long` the entry is left out
    (`n_skipped`). dataset[i] is (ids, how many of them are prompt).
    """

    def __init__(
        self,
        entries: Sequence[Entry] | str | os.PathLike,
        tokenizer: Tokenizer,
        context_length: int | None = None,
        style: str = "alpaca",
        mask_prompt: bool = False,
        skip_long: bool = False,
    ):
        if tokenizer.eot is None:
            raise ValueError("An answer needs a token that ends it; give a tokenizer with <|endoftext|>.")
        entries = load_instructions(entries) if isinstance(entries, (str, os.PathLike)) else entries
        self.entries: list[Entry] = []
        self.items: list[EncodedEntry] = []
        self.tokenizer, self.context_length = tokenizer, context_length
        self.style, self.mask_prompt = style, mask_prompt
        self.n_cut = self.n_skipped = 0
        for number, entry in enumerate(entries, start=1):
            _check_entry(entry, f"Entry {number}")
            prompt, answer = tokenizer.encode(format_prompt(entry, style)), tokenizer.encode(entry["output"] or "")
            length = len(prompt) + len(answer)  # of the inputs: the end token is only a target
            if context_length and length > context_length:
                if skip_long:
                    self.n_skipped += 1
                    continue
                if mask_prompt and len(prompt) > context_length:
                    raise ValueError(
                        f"The prompt of entry {number} has {len(prompt)} tokens, context_length is {context_length}: "
                        "nothing of its answer is left; give a longer context, or skip_long=True."
                    )
                self.n_cut += 1
            self.entries.append(entry)
            self.items.append((np.array([*prompt, *answer, tokenizer.eot]), len(prompt)))
        if not self.items:
            fitting = styles_that_fit(entries, tokenizer, context_length) if context_length else []
            way_out = (
                f"take the style {fitting[-1]}, whose prompts are shorter (--style {fitting[-1]})"
                if fitting
                else ("give shorter ones, or take a model with a longer context")
            )
            raise ValueError(
                f"No entry is left of {len(entries)}: none fits context_length {context_length} in the style {style}; {way_out}."
                if entries
                else "No entry is left of 0; give some."
            )

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, i: int) -> EncodedEntry:
        return self.items[i]

    def collate(self, items: Sequence[EncodedEntry]) -> tuple[Int[np.ndarray, "B T"], Int[np.ndarray, "B T"]]:
        """`collate` with this dataset's tokenizer and settings."""
        return collate(items, self.tokenizer.eot, self.mask_prompt, self.context_length)
