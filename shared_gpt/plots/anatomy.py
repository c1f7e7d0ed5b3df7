"""What each module of a model costs."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from shared_gpt.plots.figure import COLOURS, new_figure, save_figure, short_number


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
