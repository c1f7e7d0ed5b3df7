"""The losses of runs, step by step."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from shared_gpt.plots.figure import COLOURS, INK, new_figure, save_figure, short_number


def plot_losses(runs: Mapping[str, Sequence[Mapping[str, Any]]], path: str | os.PathLike) -> Path:
    """Metrics of one run or several (name -> rows of metrics.csv): the losses, with the tokens seen on the upper axis; below
    them the learning rate and the norm of the gradient."""
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
    bottom.yaxis.set_major_formatter(lambda value, position: f"{value:g}")
    bottom.yaxis.set_minor_formatter(lambda value, position: f"{value:g}" if f"{value:.0e}"[0] in "25" else "")
    bottom.set_xlabel("step")
    add_token_axis(top, runs)
    return save_figure(figure, path)


def add_token_axis(axis: Any, runs: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """An upper axis with the tokens seen, where all runs see equally many in a step."""
    per_step = {row["tokens"] / row["step"] for rows in runs.values() for row in rows if row["step"]}
    if len(per_step) == 1:
        (n,) = per_step
        above = axis.secondary_xaxis("top", functions=(lambda step: step * n, lambda tokens: tokens / n))
        above.set_xlabel("tokens seen")
        above.xaxis.set_major_formatter(lambda value, position: short_number(value))
