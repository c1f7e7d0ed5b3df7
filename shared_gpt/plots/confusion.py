"""Which class texts were given, and which is theirs."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from shared_gpt.plots.figure import INK, new_figure, save_figure


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
