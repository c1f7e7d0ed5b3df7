"""Every picture. Each function takes plain numbers and a path, and returns the path it wrote."""

import math
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from shared_gpt.files import written_beside

INK, GRID = "#333333", "#dddddd"
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9")  # Okabe and Ito: told apart by everyone


def new_figure(rows: int = 1, height: float = 4.5, columns: int = 1, width: float = 8, **options: Any):
    """A figure and its axes in this project's style, drawn without a screen."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(rows, columns, **options)
    for axis in figure.axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(color=GRID, linewidth=0.6)
        axis.set_axisbelow(True)
    return figure, axes


def save_figure(figure: Any, path: str | os.PathLike) -> Path:
    with written_beside(path) as file, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a character that the font lacks is drawn as a box
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
    bottom.yaxis.set_major_formatter(lambda value, position: f"{value:g}")
    bottom.yaxis.set_minor_formatter(lambda value, position: f"{value:g}" if f"{value:.0e}"[0] in "25" else "")
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


def plot_curves(curves: Mapping[str, Sequence[float]], title: str, band: float, path: str | os.PathLike) -> Path:
    """Losses by step of several programs, one over the other, and below how far each is from the first, with the band allowed."""
    figure, (top, bottom) = new_figure(2, 6.0, sharex=True, gridspec_kw={"height_ratios": [3, 2]})
    (first, reference), *others = curves.items()
    steps, nothing = range(1, len(reference) + 1), band * 1e-8
    top.plot(steps, reference, color=COLOURS[0], linewidth=5, alpha=0.35, label=first)
    for i, ((name, losses), style) in enumerate(zip(others, ("-", ":", "--"))):
        top.plot(steps, losses, color=COLOURS[i + 1], linewidth=1.6, linestyle=style, label=name)
        apart = [max(abs(a - b), nothing) for a, b in zip(losses, reference)]
        bottom.plot(steps, apart, color=COLOURS[i + 1], marker=".", linewidth=0.8, label=f"{name} and {first}")
    bottom.axhline(band, color=INK, linewidth=0.8, linestyle="--")
    for y, text in ((band, f"allowed: {band:g}"), (nothing, "equal to the last bit")):
        bottom.annotate(text, (1, y), xytext=(0, 4), textcoords="offset points", fontsize=8, color=INK)
    bottom.set_yscale("log")
    bottom.set(xlabel="step", ylabel="difference of the losses")
    top.set_ylabel("loss (nats per token)")
    top.set_title(title, fontsize=10)
    for axis in (top, bottom):
        axis.legend(frameon=False, fontsize=8)
    return save_figure(figure, path)


def plot_anatomy(parts: Sequence[Any], title: str, path: str | os.PathLike) -> Path:
    """The parts of `anatomy`, all copies together: parameters, operations and memory kept, side by side."""
    figure, panels = new_figure(columns=3, height=0.28 * len(parts) + 1.4, sharey=True)
    figure.suptitle(title, fontsize=10)
    names = [f"{part.name}  ×{part.copies}" if part.copies > 1 else part.name for part in parts]
    columns = (
        ("parameters", "parameters", ""),
        ("operations", "forward operations", "FLOP"),
        ("kept", "kept for backward", "B"),
    )
    for axis, colour, (key, label, unit) in zip(panels, COLOURS, columns):
        values = [getattr(part, key) * part.copies for part in parts]
        axis.barh(names, values, color=colour)
        axis.set_title(label, fontsize=9)
        axis.tick_params(labelsize=7)
        axis.xaxis.set_major_formatter(lambda value, position: short_number(value, "G"))
        axis.xaxis.get_major_locator().set_params(nbins=4)
        axis.set_xlim(0, max(values) * 1.3)
        for y, value in enumerate(values):
            if value:
                axis.text(value, y, f" {short_number(value, 'G')}{unit}", va="center", fontsize=6)
    panels[0].invert_yaxis()
    return save_figure(figure, path)


def short_number(value: float, giga: str = "B") -> str:
    """1.5M for 1500000; giga: the letter for 10^9, of which people have two."""
    for size, sign in ((1e12, "T"), (1e9, giga), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{sign}"
    return f"{value:.3g}"


def plot_attention(maps: Any, tokens: Sequence[str], path: str | os.PathLike, first_block: int = 0) -> Path:
    """Attention weights (n_layers, H, T, T) of one text, a panel for each head: row t is what position t sees.

    One layer gets large panels with the tokens beside them (up to 40), several a row of small panels each. The colour
    follows the square root of the weight, since most of it often goes to the first token.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import PowerNorm
    from matplotlib.figure import Figure

    n_layers, n_heads, T, _ = maps.shape
    columns = n_heads if n_layers > 1 else math.ceil(math.sqrt(n_heads))
    rows = math.ceil(n_layers * n_heads / columns)
    labelled = n_layers == 1 and T <= 40
    side = max(2.2, 0.17 * T) if labelled else 2.2 if n_layers == 1 else 1.1
    figure = Figure(figsize=(side * columns + 1.6, side * rows + 0.6), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(rows, columns, squeeze=False)
    for i, panel in enumerate(panels.flat):
        layer, head = divmod(i, n_heads) if n_layers > 1 else (0, i)
        if head >= n_heads:
            panel.axis("off")
            continue
        seen = np.where(np.tri(T, dtype=bool), np.asarray(maps[layer, head]), np.nan)  # what lies ahead stays blank
        image = panel.imshow(seen, cmap="magma_r", norm=PowerNorm(0.5, 0, 1), interpolation="nearest")
        panel.set_xticks(range(T) if labelled else [], tokens if labelled else [], rotation=90, fontsize=6)
        panel.set_yticks(range(T) if labelled and i % columns == 0 else [])
        if labelled and i % columns == 0:
            panel.set_yticklabels(tokens, fontsize=6)
        if n_layers == 1 or layer == 0:
            panel.set_title(f"head {head}", fontsize=8)
        if n_layers > 1 and head == 0:
            panel.set_ylabel(f"block {first_block + layer}", fontsize=8)
        for label in (*panel.get_xticklabels(), *panel.get_yticklabels()):
            label.set_parse_math(False)
    if n_layers == 1:
        figure.supylabel(f"block {first_block}: the position that looks", fontsize=9)
        figure.supxlabel("the position looked at", fontsize=9)
    figure.colorbar(image, ax=panels, label="attention weight", shrink=0.8, ticks=[0, 0.05, 0.25, 0.5, 1])
    return save_figure(figure, path)


def plot_candidates(
    chosen: Sequence[str], candidates: Sequence[Sequence[tuple[str, float]]], path: str | os.PathLike
) -> Path:
    """Each step's likeliest tokens with their probabilities, the likeliest on top, the chosen one framed: for every step the
    token that came, and its candidates. Steps run from left to right, ten to a line."""
    from matplotlib.patches import Rectangle

    per_line, deepest = 10, max(map(len, candidates))
    lines = math.ceil(len(chosen) / per_line)
    figure, axes = new_figure(lines, lines * (0.3 * deepest + 0.5) + 0.2, squeeze=False)
    for line, axis in enumerate(axes.flat):
        axis.axis("off")
        axis.set(xlim=(0, per_line), ylim=(deepest, -0.9))
        for x, step in enumerate(range(line * per_line, min((line + 1) * per_line, len(chosen)))):
            axis.text(x + 0.5, -0.35, chosen[step], ha="center", fontsize=8, weight="bold").set_parse_math(False)
            for y, (token, chance) in enumerate(candidates[step]):
                frame = {"edgecolor": COLOURS[1], "linewidth": 1.6, "zorder": 3} if token == chosen[step] else {}
                axis.add_patch(Rectangle((x + 0.03, y + 0.05), 0.94, 0.9, facecolor=GRID, alpha=0.35))
                axis.add_patch(Rectangle((x + 0.03, y + 0.05), 0.94 * chance, 0.9, facecolor=COLOURS[5]))
                axis.add_patch(Rectangle((x + 0.03, y + 0.05), 0.94, 0.9, fill=False, **({"linewidth": 0} | frame)))
                style = {"va": "center", "fontsize": 6, "zorder": 4, "clip_on": True}
                axis.text(x + 0.07, y + 0.52, token[:10], **style).set_parse_math(False)
                axis.text(x + 0.93, y + 0.52, f"{chance:.0%}", ha="right", **style)
    return save_figure(figure, path)


def plot_confusion(confusion: np.ndarray, classes: Sequence[str], path: str | os.PathLike, what: str = "texts") -> Path:
    """How many texts of each class (rows) were given each class (columns): shares as shades, counts as numbers."""
    figure, axes = new_figure(1, 5.0, width=5.8)
    axes.grid(False)
    shares = confusion / np.maximum(confusion.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(confusion):
        shade = "white" if shares[row, column] > 0.5 else INK
        axes.text(column, row, f"{count:,}", ha="center", va="center", color=shade, fontsize=14)
    axes.set_xticks(range(len(classes)), classes)
    axes.set_yticks(range(len(classes)), classes)
    axes.set_xlabel("class given")
    axes.set_ylabel("true class")
    axes.set_title(f"{np.trace(confusion):,} of {confusion.sum():,} {what} sorted right")
    return save_figure(figure, path)
