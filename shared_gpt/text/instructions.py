"""InstructionDataset: requests with their answers, laid out as one prompt format, padded and masked by position."""

import json
import os
from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Int

from shared_gpt.text.batches import IGNORE_INDEX, Dataset
from shared_gpt.text.corpora import SHIPPED, locate, read_text
from shared_gpt.text.tokenizer import Tokenizer, visible

INSTRUCTIONS = {"instructions": SHIPPED / "instructions.json"}
# The categories of the shipped set whose entries have one right answer, so that an exact match is a fair score.
# fmt: off
CLOSED_CATEGORIES = (
    "addition", "subtraction", "multiplication", "division", "story sums", "number words", "next number",
    "larger number", "sorting numbers", "units", "plurals", "past tense", "comparatives", "superlatives", "articles",
    "antonyms", "prefixes", "young animals", "kinds", "odd one out", "spelling", "spelling in sentences",
    "spelling out", "counting letters", "counting words", "first letters", "last letters", "sorting words", "capitals",
    "sentences in the past", "sentences in the future", "story facts",
)
# fmt: on
Entry = dict[str, str]
Item = tuple[Int[np.ndarray, " _"], int]


def load_instructions(source: str | os.PathLike) -> list[Entry]:
    """Entries with `instruction`, `output` and, where there is one, `input`, from JSON (a list), JSONL or a name.

    Raises ValueError that names the entry (counted from 1) which lacks a key or holds something else than text.
    """
    path = locate(source, INSTRUCTIONS)
    text = read_text(path)
    lines = [text] if text.lstrip().startswith("[") else text.split("\n")
    values = []
    for number, line in enumerate(lines, start=1):
        try:
            values += [json.loads(line)] if line.strip() else []
        except json.JSONDecodeError as error:
            raise ValueError(
                f"{path} is no JSON at line {number + error.lineno - 1}, column {error.colno} ({error.msg}); give a "
                "list of entries, or one entry on each line."
            ) from None
    entries = values[0] if len(lines) == 1 and isinstance(values[0], list) else values
    for number, entry in enumerate(entries, start=1):
        _check_entry(entry, f"Entry {number} of {path}")
    return entries


def _check_entry(entry: Any, where: str) -> None:
    if not isinstance(entry, dict):
        raise ValueError(f"{where} is {str(entry)[:40]!r}; give an object with instruction, input and output.")
    for key in ("instruction", "output"):
        if key not in entry:
            raise ValueError(f"{where} has no {key!r}, only {', '.join(map(repr, entry)) or 'nothing'}; add it.")
    for key in ("instruction", "input", "output"):
        if not isinstance(entry.get(key) or "", str):
            raise ValueError(f"{where} has {str(entry[key])[:40]!r} as its {key!r}; give text.")
    if not (entry["instruction"] or "").strip():
        raise ValueError(f"{where} has an empty 'instruction'; write one or leave the entry out.")


def _alpaca(entry: Entry) -> str:
    """The layout of Stanford Alpaca (Taori et al. 2023), as in Raschka, Build a Large Language Model, ch. 7."""
    blocks = [
        "Below is an instruction that describes a task. Write a response that appropriately completes the request.",
        f"### Instruction:\n{entry['instruction']}",
        f"### Input:\n{entry['input']}" if entry.get("input") else None,
        "### Response:\n",
    ]
    return "\n\n".join(filter(None, blocks))


def _phi3(entry: Entry) -> str:
    """The chat template of Phi-3 (Microsoft, model card of Phi-3-mini-4k-instruct), the input under the request."""
    return f"<|user|>\n{_request(entry)}<|end|>\n<|assistant|>\n"


def _qa(entry: Entry) -> str:
    """Q and A, as GPT-3 was asked (Brown et al. 2020, appendix G): little markup, for vocabularies that have no tokens for it."""
    return f"Q: {_request(entry)}\nA:\n"


def _request(entry: Entry) -> str:
    return entry["instruction"] + (f"\n{entry['input']}" if entry.get("input") else "")


PROMPT_STYLES = {"alpaca": _alpaca, "phi3": _phi3, "qa": _qa}


def format_prompt(entry: Entry, style: str = "alpaca") -> str:
    """All that stands before the answer, for training and for asking alike: the answer is what comes next."""
    if style not in PROMPT_STYLES:
        raise ValueError(f"There is no prompt style {style!r}; choose one of {', '.join(PROMPT_STYLES)}.")
    return PROMPT_STYLES[style](entry)


def collate(
    items: Sequence[Item], pad_id: int, mask_prompt: bool = False, context_length: int | None = None
) -> tuple[Int[np.ndarray, "B T"], Int[np.ndarray, "B T"]]:
    """Items (ids that end with the end token, how many of them are prompt) side by side: inputs and targets.

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


class InstructionDataset(Dataset):
    """Entries (a list, or a source of `load_instructions`) as ids: prompt, answer, end token.

    Prompt and answer are encoded apart, as they are when the model is asked, so that the border between them is one
    between tokens. What exceeds `context_length` is cut off at the end (`n_cut` entries), or with `skip_long` the
    entry is left out (`n_skipped`). dataset[i] is (ids, how many of them are prompt).
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
            raise ValueError("An answer has to end; give a tokenizer that has <|endoftext|>.")
        entries = load_instructions(entries) if isinstance(entries, (str, os.PathLike)) else entries
        self.entries: list[Entry] = []
        self.items: list[Item] = []
        self.tokenizer, self.context_length = tokenizer, context_length
        self.style, self.mask_prompt = style, mask_prompt
        self.n_cut = self.n_skipped = 0
        for number, entry in enumerate(entries, start=1):
            _check_entry(entry, f"Entry {number}")
            prompt, answer = tokenizer.encode(format_prompt(entry, style)), tokenizer.encode(entry["output"] or "")
            length = len(prompt) + len(answer)  # of the inputs: the end token is only ever a target
            if context_length and length > context_length:
                if skip_long:
                    self.n_skipped += 1
                    continue
                if mask_prompt and len(prompt) > context_length:
                    raise ValueError(
                        f"The prompt of entry {number} has {len(prompt)} tokens, context_length is {context_length}: "
                        "none of its answer is left; give a longer context, or skip_long=True."
                    )
                self.n_cut += 1
            self.entries.append(entry)
            self.items.append((np.array([*prompt, *answer, tokenizer.eot]), len(prompt)))
        if not self.items:
            raise ValueError(f"No entry is left of {len(entries)}; give some that fit context_length {context_length}.")

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, i: int) -> Item:
        return self.items[i]

    def collate(self, items: Sequence[Item]) -> tuple[Int[np.ndarray, "B T"], Int[np.ndarray, "B T"]]:
        """`collate` with this dataset's tokenizer and choices."""
        return collate(items, self.tokenizer.eot, self.mask_prompt, self.context_length)


def show_targets(inputs: Int[np.ndarray, "B T"], targets: Int[np.ndarray, "B T"], tokenizer: Tokenizer) -> None:
    """Print, row by row of a batch, each token beside the one it is asked for; masked targets are left blank."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    def shown(i: int) -> Text:
        return (
            Text("") if i == IGNORE_INDEX else Text.assemble((f"{i:>6} ", "dim"), visible(tokenizer.decode_bytes([i])))
        )

    for row, (ids, wanted) in enumerate(zip(inputs.tolist(), targets.tolist())):
        counted = sum(i != IGNORE_INDEX for i in wanted)
        table = Table(title=f"row {row}: {counted} of {len(wanted)} targets count", title_justify="left")
        table.add_column("place", justify="right")
        table.add_column("input")
        table.add_column("target")
        for place, (i, target) in enumerate(zip(ids, wanted)):
            table.add_row(str(place), shown(i), shown(target), style="dim" if target == IGNORE_INDEX else "")
        Console().print(table)
