"""Where each position of a text looks."""

import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from shared_gpt.plots.figure import blank_figure, save_figure


def plot_attention(maps: Any, tokens: Sequence[str], path: str | os.PathLike, first_block: int = 0) -> Path:
    """Attention weights (n_layers, H, T, T) of one text, a panel for each head: row t is what position t sees.

    A single layer is drawn as large panels with the tokens beside them (up to 40), each of several layers as a row of small
    panels. The colour follows the square root of the weight, since most of the weight often goes to the first token.
    """
    from matplotlib.colors import PowerNorm

    n_layers, n_heads, T, _ = maps.shape
    columns = n_heads if n_layers > 1 else math.ceil(math.sqrt(n_heads))
    rows = math.ceil(n_layers * n_heads / columns)
    labelled = n_layers == 1 and T <= 40
    side = max(2.2, 0.17 * T) if labelled else 2.2 if n_layers == 1 else 1.1
    figure = blank_figure(side * columns + 1.6, side * rows + 0.6)
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
