"""GPTConfig: the one that numpy_gpt uses; sizes are no tensor maths."""

from numpy_gpt.config import GPTConfig

__all__ = ["GPTConfig"]
