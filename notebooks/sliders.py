"""slider: a figure that its reader moves. Where nobody sits at the notebook, or ipywidgets is missing, it stands still."""

import importlib.util
import os
from collections.abc import Callable
from typing import Any

from notebooks.show import figure

STILL = "NUMPY_GPT_STILL_FIGURES"  # set where notebooks are built and tested: a widget is no picture once its kernel has ended


def slider(draw: Callable[..., Any], caption: str, alt: str, **ranges: tuple[float, float, float, float]) -> None:
    """Show the figure that draw(name=value, …) returns, and under the cell's code a slider for each name.

    ranges: for each name its least value, its largest, the step and the one that it begins with, with which the figure
    stands where nothing can move.
    """
    first = {name: begin for name, (_, _, _, begin) in ranges.items()}
    if STILL in os.environ or importlib.util.find_spec("ipywidgets") is None:
        figure(draw(**first), caption, alt)
        return
    import ipywidgets

    sliders = {
        name: (ipywidgets.IntSlider if isinstance(step, int) else ipywidgets.FloatSlider)(
            value=begin, min=least, max=most, step=step, description=name.replace("_", " "), continuous_update=False
        )
        for name, (least, most, step, begin) in ranges.items()
    }
    ipywidgets.interact(lambda **values: figure(draw(**values), caption, alt), **sliders)
