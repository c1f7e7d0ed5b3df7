"""Every picture. Each function takes plain numbers and a path, and returns the path that it wrote."""

from shared_gpt.plots.anatomy import plot_anatomy
from shared_gpt.plots.attention import plot_attention
from shared_gpt.plots.candidates import plot_candidates
from shared_gpt.plots.confusion import plot_confusion
from shared_gpt.plots.curves import plot_curves
from shared_gpt.plots.losses import plot_losses

__all__ = ["plot_anatomy", "plot_attention", "plot_candidates", "plot_confusion", "plot_curves", "plot_losses"]
