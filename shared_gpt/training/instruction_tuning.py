"""InstructionTuning: a run that learns to answer requests; the answers, and how many of them are exactly right."""

from collections.abc import Sequence
from functools import partial
from types import ModuleType
from typing import Any

from shared_gpt.text.instructions import CLOSED_CATEGORIES, Entry, format_prompt
from shared_gpt.text.tokenizer import Tokenizer
from shared_gpt.training.finetuning import FineTuning
from shared_gpt.training.run_folder import RunFolder

Counts = dict[str, list[int]]  # category -> [right, of]


class InstructionTuning(FineTuning):
    """Learns to answer; its samples are answers to the first entries of the validation set."""

    def sample(self) -> None:
        if not self.processes.is_first:
            return
        entries, length = self.val_set.entries[:3], self.settings.sample_tokens
        responses = answers(self.twin, self.model, self.tokenizer, entries, self.val_set.style, length)
        text = "\n\n".join(beside_the_output(entry, response) for entry, response in zip(entries, responses))
        self.display.sample(self.step, text)
        if self.folder:
            self.folder.add_sample(self.step, text)


def beside_the_output(entry: Entry, response: str) -> str:
    """A request with the model's response and the output that was wanted, for a person to read."""
    request = entry["instruction"] + (f"\n  {entry['input']}" if entry.get("input") else "")
    return f"{request}\n> {response.strip()}\n  (wanted: {entry['output']})"


def answers(
    twin: ModuleType,
    model: Any,
    tokenizer: Tokenizer,
    entries: Sequence[Entry],
    style: str,
    max_new_tokens: int = 100,
    batch_size: int = 16,
) -> list[str]:
    """The model's response to each entry: the likeliest token each time, up to the end token or the context length.

    Entries are answered side by side. One that has room left where the longest of its batch has none goes on alone.
    """
    prompts = [tokenizer.encode(format_prompt(entry, style)) for entry in entries]
    responses = [""] * len(entries)
    generate = partial(twin.generate, model, temperature=0.0, eos_id=tokenizer.eot)
    order = sorted(range(len(entries)), key=lambda i: len(prompts[i]))  # similar lengths together: little padding
    for start in range(0, len(order), batch_size):
        chosen = order[start : start + batch_size]
        rooms = [min(max_new_tokens, max(model.config.context_length - len(prompts[i]), 1)) for i in chosen]
        rows = generate([prompts[i] for i in chosen], min(rooms))
        for i, row, room in zip(chosen, rows, rooms):
            if len(row) < len(prompts[i]) + room and row[-1] != tokenizer.eot:
                (row,) = generate([row], len(prompts[i]) + room - len(row))
            new = row[len(prompts[i]) :]
            responses[i] = tokenizer.decode(new[:-1] if new[-1] == tokenizer.eot else new)
    return responses


def exact_matches(entries: Sequence[Entry], responses: Sequence[str]) -> dict[str, tuple[int, int]]:
    """category -> (responses that equal the output but for spaces around it, entries); "" where entries name none."""
    counts: dict[str, tuple[int, int]] = {}
    for entry, response in zip(entries, responses):
        right, total = counts.get(category := entry.get("category", ""), (0, 0))
        counts[category] = (right + (response.strip() == entry["output"].strip()), total + 1)
    return dict(sorted(counts.items()))


def keep_score(folder: RunFolder, when: str, entries: Sequence[Entry], responses: Sequence[str]) -> dict[str, Counts]:
    """Count exact matches and add them to scores.json; returns all that is in it now: {"before": …, "after": …}."""
    scores = folder.read_json(folder.scores) if folder.scores.exists() else {}
    scores[when] = {category: list(counts) for category, counts in exact_matches(entries, responses).items()}
    folder.write_json(folder.scores, scores)
    return scores


def score_table(scores: dict[str, Counts]) -> str:
    """Exact matches by category, those with one right answer apart from those where many would do, in 80 columns."""
    before, after = (scores.get(when, {}) for when in ("before", "after"))
    closed = [category for category in after if category in CLOSED_CATEGORIES]
    several = [category for category in after if category not in closed]
    lines = [f"{'exact matches':<26}{'entries':>8}{'before':>9}{'after':>8}{'share':>9}"]

    def row(name: str, categories: Sequence[str]) -> None:
        right, of = total(after, categories)
        earlier = str(total(before, categories)[0]) if before else "?"
        lines.append(f"{name:<26}{of:>8}{earlier:>9}{right:>8}{right / max(of, 1):>9.1%}")

    for category in closed:
        row(category, [category])
    if closed:
        row("one right answer, all", closed)
    if several:
        row("several good answers, all" if closed else "all", several)
    return "\n".join(lines)


def total(counts: Counts, categories: Sequence[str]) -> tuple[int, int]:
    """(right, of) over some of the categories."""
    return sum(counts[name][0] for name in categories), sum(counts[name][1] for name in categories)
