"""The report as a picture: how far the twins are apart, module by module and parameter by parameter, on a log scale."""

import math
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from parity_tests.report.comparison import KERAS, Entry
from parity_tests.report.subject import Subject
from shared_gpt.files import written_beside

COLOURS = {"float64": "#2563a8", "float32": "#d9822b"}
WRONG = "#c1121f"
SAME, FAR = 1e-18, 10.0  # where an error of 0, and one above all measure, are drawn
TICKS = (1e-15, 1e-10, 1e-5, 1.0)
TITLES = {
    "modules": "Modules, as the forward pass meets them",
    "parameters": "Parameters: their gradients",
    "together": "Together",
}


def draw(path: Path, subject: Subject, entries: Sequence[Entry], lines: Sequence[str]) -> None:
    """Save the picture: a row for each thing compared, filled marks for values, open ones for gradients."""
    rows = {section: list(dict.fromkeys(e.name for e in entries if e.section == section)) for section in TITLES}
    left, right = len(rows["modules"]), len(rows["parameters"]) + len(rows["together"])
    height = min(2.2 + 0.2 * max(left, right + 4, 8), 60)
    figure = Figure(figsize=(12, height), layout="constrained")
    grid = figure.add_gridspec(2, 2, height_ratios=[max(len(rows["parameters"]), 1), len(rows["together"]) + 1])
    places = {"modules": grid[:, 0], "parameters": grid[0, 1], "together": grid[1, 1]}
    for section, place in places.items():
        _panel(figure.add_subplot(place), TITLES[section], rows[section], [e for e in entries if e.section == section])
    c = subject.config
    sizes = (
        f"V={c.vocab_size} C={c.emb_dim} H={c.n_heads} n_layers={c.n_layers}, B={subject.batch_size} T={subject.length}"
    )
    wrong = bool(lines) or not all(e.agrees for e in entries)
    title = "The twins differ" if wrong else "The twins agree"
    figure.suptitle(f"{title}: numpy_gpt against torch_gpt, {sizes}", color=WRONG if wrong else "black", fontsize=13)
    marks = [Line2D([], [], marker="o", ls="", color=COLOURS[p], label=p) for p in COLOURS]
    marks += [
        Line2D([], [], marker="o", ls="", color="gray", label="value"),
        Line2D([], [], marker="o", ls="", color="gray", mfc="white", label="gradient"),
        Line2D([], [], ls="--", lw=1, color="gray", label="allowed"),
    ]
    if any(e.twin == KERAS for e in entries):
        marks.append(Line2D([], [], marker="^", ls="", color="gray", label="against TensorFlow"))
    if wrong:
        marks.append(Line2D([], [], marker="o", ls="", color=WRONG, label="differs"))
    figure.legend(handles=marks, loc="outside lower center", ncols=len(marks), frameon=False)
    with written_beside(path) as file:
        figure.savefig(file, format="png", dpi=130)


def _panel(axes: Axes, title: str, names: list[str], entries: Sequence[Entry]) -> None:
    row = {name: i for i, name in enumerate(names)}
    marks: dict[tuple[str, str, str], list[tuple[float, int]]] = {}
    for e in entries:
        colour = COLOURS[e.precision] if e.agrees else WRONG
        x = min(max(e.error, SAME), FAR) if math.isfinite(e.error) else FAR
        shape = "^" if e.twin == KERAS else "o"
        marks.setdefault((shape, colour, colour if e.quantity == "value" else "white"), []).append((x, row[e.name]))
    for (shape, colour, filling), points in marks.items():
        axes.plot(*zip(*points), shape, ms=4.5, mew=1.1, color=colour, mfc=filling, clip_on=False)
    for precision, tolerance in dict.fromkeys((e.precision, e.tolerance) for e in entries):
        axes.axvline(tolerance, ls="--", lw=1, color=COLOURS[precision], zorder=0)
    axes.set(xscale="log", xlim=(SAME / 3, FAR * 3), ylim=(len(names) - 0.4, -0.6))
    axes.set_title(title, loc="left", fontsize=11)
    axes.set_xticks([SAME, *TICKS], ["same", *(f"$10^{{{round(math.log10(x))}}}$" for x in TICKS)])
    axes.minorticks_off()
    _name_rows(axes, names, {e.name for e in entries if not e.agrees})
    axes.grid(axis="x", color="0.92")
    axes.tick_params(length=0)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)


def _name_rows(axes: Axes, names: list[str], wrong: set[str]) -> None:
    """Every row by name; in a deep model, where they would be too many to read, only the first row of each block."""
    starts = [i for i, name in enumerate(names) if i == 0 or _block(name) != _block(names[i - 1])]
    shown = range(len(names)) if len(names) <= 120 else starts
    axes.set_yticks(list(shown), [names[i] if len(names) <= 120 else _block(names[i]) for i in shown], fontsize=8)
    for label, i in zip(axes.get_yticklabels(), shown):
        if names[i] in wrong:
            label.set_color(WRONG)
    for i in starts[1:]:
        if "h." in names[i][:2] + names[i - 1][:2]:
            axes.axhline(i - 0.5, lw=0.6, color="0.85")


def _block(name: str) -> str:
    """h.3 for all that belongs to block 3; anything else by its own first name."""
    return ".".join(name.split(".")[:2]) if name.startswith("h.") else name.split(".")[0]
