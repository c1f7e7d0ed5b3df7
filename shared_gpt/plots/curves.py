"""The losses of several programs that should train alike."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from shared_gpt.plots.figure import COLOURS, INK, new_figure, save_figure


def plot_curves(curves: Mapping[str, Sequence[float]], title: str, band: float, path: str | os.PathLike) -> Path:
    """The losses of several programs, step by step: above, the curves over one another; below, how far each is from the first,
    and how far it may be (band)."""
    from matplotlib.ticker import MaxNLocator

    figure, (top, bottom) = new_figure(2, 6.0, sharex=True, gridspec_kw={"height_ratios": [3, 2]})
    (first, reference), *compared = curves.items()
    steps, floor = range(1, len(reference) + 1), band * 1e-8  # a logarithmic axis has no 0
    top.plot(steps, reference, color=COLOURS[0], linewidth=5, alpha=0.35, label=first)
    for i, ((name, losses), style) in enumerate(zip(compared, ("-", ":", "--"))):
        top.plot(steps, losses, color=COLOURS[i + 1], linewidth=1.6, linestyle=style, label=name)
        apart = [max(abs(a - b), floor) for a, b in zip(losses, reference)]
        bottom.plot(steps, apart, color=COLOURS[i + 1], marker=".", linewidth=0.8, label=f"{name} and {first}")
    bottom.axhline(band, color=INK, linewidth=0.8, linestyle="--")
    for y, above, text in ((band, 4, f"allowed: {band:g}"), (floor, -12, "equal to the last bit")):
        bottom.annotate(text, (1, y), xytext=(0, above), textcoords="offset points", fontsize=8, color=INK)
    bottom.set_yscale("log")
    bottom.set_ylim(floor / 30, band * 100)
    bottom.xaxis.set_major_locator(MaxNLocator(integer=True, steps=[1, 2, 5, 10]))
    bottom.set(xlabel="step", ylabel="difference of the losses")
    top.set_ylabel("loss (nats per token)")
    top.set_title(title, fontsize=10)
    for axis in (top, bottom):
        axis.legend(frameon=False, fontsize=8)
    return save_figure(figure, path)
