"""What a finished fine-tuning is judged by: exact answers before and after, accuracy, a confusion matrix; kept as scores.json."""

from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np

from shared_gpt.files import read_json
from shared_gpt.text.instructions import CLOSED_CATEGORIES, Entry
from shared_gpt.text.labels import LabelDataset
from shared_gpt.training.display import Display
from shared_gpt.training.finetuning import accuracy, confusion_matrix, exact_matches
from shared_gpt.training.run_folder import RunFolder

SCORES = "scores.json"
Counts = dict[str, list[int]]  # category -> [right, of]


def keep_score(folder: RunFolder, when: str, entries: Sequence[Entry], given: Sequence[str]) -> dict[str, Counts]:
    """Count exact matches and add them to scores.json; all that stands there: {"before": …, "after": …}."""
    path = folder.path / SCORES
    kept = read_json(path) if path.exists() else {}
    kept[when] = {category: list(counts) for category, counts in exact_matches(entries, given).items()}
    folder.write_json(path, kept)
    return kept


def closed_categories(counts: Counts) -> list[str]:
    """Those of the categories that have one right answer."""
    return [category for category in counts if category in CLOSED_CATEGORIES]


def total(counts: Counts, categories: Sequence[str]) -> tuple[int, int]:
    """(right, of) over some of the categories."""
    return sum(counts[name][0] for name in categories), sum(counts[name][1] for name in categories)


def score_table(scores: dict[str, Counts]) -> str:
    """Exact matches by category, those with one right answer apart from those where many would do, in 80 columns."""
    before, after = (scores.get(when, {}) for when in ("before", "after"))
    closed = closed_categories(after)
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


def judge_labels(
    twin: ModuleType,
    model: Any,
    sets: dict[str, LabelDataset | None],
    folder: RunFolder,
    display: Display,
    batch_size: int,
) -> None:
    """Accuracy on every part, and the confusion matrix of the last one as a picture."""
    from shared_gpt.plots import plot_confusion

    scores = {}
    for name, part in sets.items():
        if part:
            confusion = confusion_matrix(twin, model, part, batch_size)
            scores[name] = {"accuracy": accuracy(confusion), "confusion": confusion.tolist(), "texts": len(part)}
            right = f"{np.trace(confusion)} of {len(part)} {name} texts sorted right"
            display.say(f"{right} ({accuracy(confusion):.1%})")
            last, classes = name, part.classes
    folder.write_json(folder.path / SCORES, scores)
    picture = folder.path / "confusion.png"
    plot_confusion(np.array(scores[last]["confusion"]), classes, picture, f"{last} texts")
    display.say(f"Confusion matrix: {picture}")


def lora_table(twin: ModuleType, model: Any) -> str:
    """What was adapted, a row for each kind of layer, and how much of the model trains; "" without LoRA."""
    kinds: dict[str, list[Any]] = {}
    for path, layer in twin.lora.adapted(model).items():
        kinds.setdefault(path.split(".", 2)[-1] if path.startswith("h.") else path, []).append(layer)
    if not kinds:
        return ""
    lines = [f"{'layer':<14}{'how many':>9}{'shape':>16}{'rank':>6}{'alpha':>8}{'trained':>13}"]
    for name, same in kinds.items():
        out_features, in_features = same[0].weight.shape
        trained = len(same) * same[0].rank * (out_features + in_features)
        shape = f"{out_features} x {in_features}"
        lines.append(f"{name:<14}{len(same):>9}{shape:>16}{same[0].rank:>6}{same[0].alpha:>8g}{trained:>13,}")
    trained = sum(int(np.prod(p.shape)) for p in model.parameters() if p.requires_grad)
    lines.append(f"{'together':<14}{sum(map(len, kinds.values())):>9}{'':>30}{trained:>13,}")
    lines.append(f"{'the whole model, branches included':<53}{model.num_parameters():>13,}")
    return "\n".join(lines)
