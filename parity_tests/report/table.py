"""The report as text: the verdict, one table, the worst elements; and all numbers as JSON, for programs."""

import json
import math
import os
import platform
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from parity_tests.report.comparison import KERAS, Entry
from parity_tests.report.subject import Subject
from shared_gpt import __version__
from shared_gpt.files import written_beside

PRINTED = 10  # lines of what a student's code prints
SHADES = "▁▂▃▄▅▆▇█"
HEADINGS = {"modules": "modules, forward order", "parameters": "parameters", "together": "together"}


def show(
    subject: Subject,
    entries: Sequence[Entry],
    lines: Sequence[str],
    seconds: float,
    out: Path,
    brief: bool = False,
    printed: str = "",
    seeds: int = 1,
) -> None:
    """Print the report; where the twins differ, the first line says where they first part."""
    console = Console(highlight=False)
    wrong = [entry for entry in entries if not entry.agrees]
    for line in lines:
        console.print(Text(line, "bold red"), soft_wrap=True)
    if wrong and not lines:
        console.print(Text(_differs(wrong[0]), "bold red"), soft_wrap=True)
    if not lines and not wrong:
        console.print(Text(_verdict(entries), "bold green"), soft_wrap=True)
    c = subject.config
    console.print(
        f"\nGPT with V={c.vocab_size} C={c.emb_dim} H={c.n_heads} D={c.head_dim} n_layers={c.n_layers}"
        f"{' tied' if c.tie_embeddings else ' untied'}{'' if c.qkv_bias else ', no qkv bias'}; "
        f"B={subject.batch_size} T={subject.length}; "
        f"{'given weights' if subject.state else f'seed {subject.seed}'}"
        f"{f' to {subject.seed + seeds - 1}, the worst of all' if seeds > 1 else ''}; {seconds:.1f} s",
        soft_wrap=True,
    )
    shown = wrong if brief else entries
    if shown:
        console.print(_table(shown))
    if entries and not brief:
        for precision in dict.fromkeys(entry.precision for entry in entries):
            _show_worst(console, _worst(entries, precision))
    if printed.strip():
        _show_printed(console, printed)
    console.print(f"\nPicture: {out / 'parity.png'}   numbers: {out / 'parity.json'}", soft_wrap=True)
    if lines or wrong:
        who = (
            "The twins differ"
            if lines or any(e.twin != KERAS for e in wrong)
            else "The twins agree, TensorFlow differs"
        )
        console.print(Text(f"{who}: {len(wrong)} of {len(entries)} comparisons.", "bold red"))
        if judged := [entry for entry in entries if entry.twin == KERAS]:
            console.print(_third_opinion(judged), soft_wrap=True)
        reason = lines[0] if lines else _differs(wrong[0])
        console.print(Text(reason, "bold red"), soft_wrap=True)
    else:
        console.print(Text(_verdict(entries), "bold green"), soft_wrap=True)


def _show_printed(console: Console, printed: str) -> None:
    """The first lines that the student's code printed, cut."""
    lines = printed.splitlines()
    console.print(f"\nYour code printed {len(lines)} lines:", style="bold")
    for line in lines[:PRINTED]:
        console.print(Text(f"  {line[:100]}"), soft_wrap=True)
    if len(lines) > PRINTED:
        console.print(f"  ... and {len(lines) - PRINTED} more")


def _differs(entry: Entry) -> str:
    return f"{entry.name}: the {entry.quantity} differs{' from TensorFlow' if entry.twin == KERAS else ''}."


def _third_opinion(judged: Sequence[Entry]) -> str:
    """What TensorFlow's word about the NumPy twin means for twins that differ."""
    against = sum(not entry.agrees for entry in judged)
    if against:
        return f"TensorFlow differs from numpy_gpt too, in {against} of {len(judged)} comparisons."
    return f"TensorFlow agrees with numpy_gpt in all {len(judged)} comparisons: look in torch_gpt, or at what Keras cannot do."


def _verdict(entries: Sequence[Entry]) -> str:
    def count(section: str) -> int:
        return len({entry.name for entry in entries if entry.section == section})

    worst = [
        f"{_worst(entries, precision).error:.1e} in {precision}"
        for precision in dict.fromkeys(entry.precision for entry in entries)
    ]
    third = sum(entry.twin == KERAS for entry in entries)
    return (
        f"The twins agree: {count('modules')} modules, {count('parameters')} parameters, {count('together')} more checks; "
        f"worst error {', '.join(worst)}.{f' TensorFlow agrees in {third} comparisons.' if third else ''}"
    )


def _worst(entries: Sequence[Entry], precision: str) -> Entry:
    """The one that is nearest to what is allowed, or furthest beyond it."""
    return max((e for e in entries if e.precision == precision), key=lambda e: e.error / e.tolerance)


def _table(entries: Sequence[Entry]) -> Table:
    """A row for each thing compared; its value and its gradient, in each precision, and the worse of both beside TensorFlow."""
    precisions = list(dict.fromkeys(entry.precision for entry in entries))
    cells: dict[tuple[str, ...], Entry] = {}
    for e in entries:  # of several entries for one cell, the worst
        key = e.section, e.name, *((KERAS,) if e.twin == KERAS else (e.quantity, e.precision))
        cells[key] = max(cells.get(key, e), e, key=lambda entry: entry.error)
    judged = list(dict.fromkeys(entry.precision for entry in entries if entry.twin == KERAS))
    columns = [(q, p) for q in ("value", "gradient") for p in precisions] + [(KERAS,)] * len(judged)
    table = Table(box=None, padding=(0, 1), pad_edge=False)
    table.add_column("", no_wrap=True)
    for quantity in ("value", "gradient"):
        for precision in precisions:
            table.add_column(f"{quantity}\n{precision}", no_wrap=True, min_width=9)
    for precision in judged:
        table.add_column(f"TensorFlow\n{precision}", no_wrap=True)
    for section, heading in HEADINGS.items():
        names = list(dict.fromkeys(entry.name for entry in entries if entry.section == section))
        if not names:
            continue
        table.add_row(Text(f"\n{heading}", "bold"))
        for name in names:
            row = [cells.get((section, name, *column)) for column in columns]
            wrong = any(entry is not None and not entry.agrees for entry in row)
            table.add_row(Text(name, "bold red" if wrong else ""), *map(_cell, row))
    return table


def _cell(entry: Entry | None) -> Text:
    """The error, and a bar that is full where the tolerance is reached."""
    if entry is None:
        return Text("")
    if not math.isfinite(entry.error):
        return Text("differs █", "bold red")
    if entry.error == 0:
        return Text("same", "green")
    floor = 1e-17 if entry.precision == "float64" else 1e-9
    share = math.log(entry.error / floor) / math.log(entry.tolerance / floor)
    shade = SHADES[min(max(int(share * len(SHADES)), 0), len(SHADES) - 1)]
    return Text(f"{entry.error:.1e} {shade}", "green" if entry.agrees else "bold red")


def _show_worst(console: Console, entry: Entry) -> None:
    """The element that differs most, with both values; the digits that differ stand out."""
    index = list(entry.index) if entry.index else ""
    what = f"{entry.quantity} of {entry.tensor or 'the model'}{index}"
    check = f", {entry.name}" if entry.section == "together" else ""
    console.print(f"\nworst in {entry.precision}: {what}{check}", style="bold", soft_wrap=True)
    if not math.isfinite(entry.error):
        console.print("  the shapes, or the types, or what is finite differ")
        return
    digits = 17 if entry.precision == "float64" else 9
    ours, theirs = (f"{value: .{digits - 1}e}" for value in (entry.ours, entry.theirs))
    same = next((i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b), len(ours))
    for name, value in (("numpy_gpt", ours), (entry.twin, theirs)):
        console.print(Text.assemble(f"  {name:14} ", value[:same], (value[same:], "bold yellow")))
    console.print(f"  error {entry.error:.1e}, of {entry.tolerance:.0e} allowed")


def save_numbers(path: Path, subject: Subject, seeds: int, entries: Sequence[Entry], lines: Sequence[str]) -> None:
    """Everything measured, as JSON; an infinite error (shapes or types differ) is null."""
    numbers = {
        "config": subject.config.to_dict(),
        "seed": subject.seed,
        "seeds": seeds,
        "machine": machine(),
        "batch_size": subject.batch_size,
        "length": subject.length,
        "agree": not lines and all(entry.agrees for entry in entries),
        "findings": list(lines),
        "entries": [
            {key: _finite(value) for key, value in vars(entry).items()} | {"agrees": entry.agrees} for entry in entries
        ],
    }
    with written_beside(path) as file:
        file.write(json.dumps(numbers, indent=1, ensure_ascii=False, allow_nan=False).encode())


def machine() -> dict[str, object]:
    """Where the numbers come from: the system, the processor, and the versions of what computes."""
    versions = {name: version(name) for name in ("numpy", "torch", "tensorflow", "tiktoken") if _installed(name)}
    return {
        "system": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "versions": {"python": platform.python_version(), "numpy_gpt": __version__, **versions},
    }


def _installed(name: str) -> bool:
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False


def _finite(value: object) -> object:
    return None if isinstance(value, float) and not math.isfinite(value) else value
