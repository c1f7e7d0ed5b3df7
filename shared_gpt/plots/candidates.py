"""What else a model might have written."""

import math
import os
from collections.abc import Sequence
from pathlib import Path

from shared_gpt.plots.figure import COLOURS, GRID, new_figure, save_figure


def plot_candidates(
    chosen: Sequence[str], candidates: Sequence[Sequence[tuple[str, float]]], path: str | os.PathLike
) -> Path:
    """For each step the chosen token, and under it the candidates with their probabilities, the likeliest on top, the chosen one
    framed. Steps run from left to right, ten to a line."""
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
