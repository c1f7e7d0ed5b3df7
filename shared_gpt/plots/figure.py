"""The style that every picture has, and how it is written."""

import os
import warnings
from pathlib import Path
from typing import Any

from shared_gpt.files import written_beside

INK, GRID = "#333333", "#dddddd"
# Okabe and Ito: colour-blind people can tell them apart
COLOURS = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
)


def blank_figure(width: float, height: float):
    """A figure without axes, drawn without a screen; width and height in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def new_figure(rows: int = 1, height: float = 4.5, columns: int = 1, width: float = 8, **options: Any):
    """A figure and its axes in this project's style; width and height in inches."""
    figure = blank_figure(width, height)
    axes = figure.subplots(rows, columns, **options)
    for axis in figure.axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(color=GRID, linewidth=0.6)
        axis.set_axisbelow(True)
    return figure, axes


def save_figure(figure: Any, path: str | os.PathLike) -> Path:
    """Write a PNG file, whole or not at all; returns its path."""
    with written_beside(path) as file, warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")  # a character that the font lacks is drawn as a box
        figure.savefig(file, format="png")
    return Path(path)


def short_number(value: float, giga: str = "B") -> str:
    """1.5M for 1500000; giga: the letter for 10^9, B (billion) or G (giga)."""
    for size, sign in ((1e12, "T"), (1e9, giga), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{value / size:.3g}{sign}"
    return f"{value:.3g}"
