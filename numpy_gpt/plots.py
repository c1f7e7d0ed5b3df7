"""Every picture. Each function takes plain numbers and a path, and returns the path it wrote."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from numpy_gpt.files import written_beside

INK, GRID = "#333333", "#dddddd"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")  # Okabe and Ito: told apart by everyone


def new_figure(rows: int = 1, height: float = 4.5, **options: Any):
    """A figure and its axes in this project's style, drawn without a screen."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, height), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, 1, **options)
    for axis in figure.axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(color=GRID, linewidth=0.6)
        axis.set_axisbelow(True)
    return figure, axes


def save_figure(figure: Any, path: str | os.PathLike) -> Path:
    with written_beside(path) as file:
        figure.savefig(file, format="png")
    return Path(path)


def plot_losses(runs: Mapping[str, Sequence[Mapping[str, Any]]], path: str | os.PathLike) -> Path:
    """Metrics of one run or several (name -> rows of metrics.csv): losses, with tokens seen above; below them the
    learning rate and the gradient's length."""
    figure, (top, middle, bottom) = new_figure(3, 6.5, sharex=True, gridspec_kw={"height_ratios": [4, 1, 1]})
    alone = len(runs) == 1
    for i, (name, rows) in enumerate(runs.items()):
        train_colour, val_colour = (COLOURS[0], COLOURS[1]) if alone else (COLOURS[i % len(COLOURS)],) * 2
        label = "" if alone else f"{name}: "
        steps = [row for row in rows if row["loss"] is not None]
        measured = [row for row in rows if row["val_loss"] is not None]
        x = [row["step"] for row in measured]
        if alone:
            top.plot(
                [row["step"] for row in steps],
                [row["loss"] for row in steps],
                color=COLOURS[5],
                linewidth=0.6,
                alpha=0.6,
                label="each step's own batch",
            )
        style = {"marker": "o", "markersize": 3, "linewidth": 1.6}
        top.plot(x, [row["train_loss"] for row in measured], color=train_colour, label=f"{label}training", **style)
        top.plot(
            x,
            [row["val_loss"] for row in measured],
            color=val_colour,
            linestyle="--",
            label=f"{label}validation",
            **style,
        )
        colour = INK if alone else train_colour
        middle.plot([row["step"] for row in steps], [row["lr"] for row in steps], color=colour, linewidth=1.2)
        bottom.plot([row["step"] for row in steps], [row["grad_norm"] for row in steps], color=colour, linewidth=0.7)
    top.set_ylabel("loss (nats per token)")
    top.legend(frameon=False)
    middle.set_ylabel("learning rate")
    bottom.set_ylabel("gradient norm")
    bottom.set_yscale("log")
    bottom.set_xlabel("step")
    add_token_axis(top, runs)
    return save_figure(figure, path)


def add_token_axis(axis: Any, runs: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Tokens seen, above the steps, where all runs see equally many in a step."""
    per_step = {row["tokens"] / row["step"] for rows in runs.values() for row in rows if row["step"]}
    if len(per_step) == 1:
        (n,) = per_step
        above = axis.secondary_xaxis("top", functions=(lambda step: step * n, lambda tokens: tokens / n))
        above.set_xlabel("tokens seen")
        above.xaxis.set_major_formatter(lambda value, position: short_number(value))


def short_number(value: float) -> str:
    """1.5M for 1500000."""
    for size, sign in ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{sign}"
    return f"{value:.3g}"
