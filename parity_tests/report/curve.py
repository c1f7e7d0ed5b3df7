"""Three curves: the NumPy twin, the PyTorch twin and the TensorFlow model train from one seed on one text; their losses, and the
distance between them."""

import os
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Literal

import numpy as np

from numpy_gpt import GPTConfig
from shared_gpt.plots import plot_curves
from shared_gpt.text import Batches, TokenWindows, find_tokenizer, load_tokens
from shared_gpt.training.settings import TrainSettings

BANDS = {"float64": 1e-9, "float32": 1e-4}  # how far apart any two losses may be; measured: see docs/training.md


@dataclass(frozen=True)
class Curve:
    """Train the NumPy GPT, its PyTorch twin and the TensorFlow model in the same way; draw their losses and the differences.

    The exit status is 0 if every loss agrees within the band, 1 if not.
    """

    steps: int = 50
    """Steps of training."""
    dtype: Literal["float64", "float32"] = "float64"
    """Precision of all three: float64 is the proof, float32 the practice."""
    seed: int = 0
    """Decides the weights and the order of the text."""
    preset: str = "classroom"
    """The model's sizes. Dropout is left out, since TensorFlow cannot draw the same masks."""
    out: Path = Path("curve.png")
    """The picture."""

    def run(self) -> int:
        curves = main_curve(self.steps, self.dtype, self.seed, self.preset)
        band = BANDS[self.dtype]
        apart = {name: float(np.abs(np.subtract(curve, curves["NumPy"])).max()) for name, curve in curves.items()}
        for name, curve in curves.items():
            print(f"{name:10}  loss {curve[0]:.4f} → {curve[-1]:.4f}   from NumPy's by at most {apart[name]:.1e}")
        title = f"{self.preset} preset, {self.dtype}: one seed, three programs"
        print(f"Picture: {plot_curves(curves, title, band, self.out)}")
        agree = max(apart.values()) <= band
        print(f"{'All agree' if agree else 'They do NOT agree'} to {band:g}.")
        return 0 if agree else 1


def main_curve(
    steps: int = 50, dtype: str = "float64", seed: int = 0, preset: str = "classroom"
) -> dict[str, list[float]]:
    """The loss of each step, by program."""
    for name, value in (("TF_CPP_MIN_LOG_LEVEL", "3"), ("TF_ENABLE_ONEDNN_OPTS", "0"), ("CUDA_VISIBLE_DEVICES", "")):
        os.environ.setdefault(name, value)  # read when TensorFlow starts, which else reports on its hardware for a page
    import numpy_gpt
    import torch_gpt
    from parity_tests import tensorflow_gpt

    settings = TrainSettings(steps=steps, seed=seed, dtype=dtype, lr=3e-3)
    settings.check()
    tokenizer = find_tokenizer("stories")
    config = GPTConfig.preset(preset, vocab_size=tokenizer.n_vocab, drop_rate=0.0)
    windows = TokenWindows(load_tokens("stories", tokenizer), config.context_length, stride=16)
    batches = list(islice(Batches(windows, settings.batch_size, np.random.default_rng(seed)).endless(), steps))
    adamw = {"betas": (settings.beta1, settings.beta2), "weight_decay": settings.weight_decay}

    def train(twin) -> list[float]:
        model = twin.GPTModel(config, np.random.default_rng(seed), getattr(twin, dtype))
        optimizer = twin.AdamW(model.parameters(), **adamw)
        steps_taken = twin.train(model, optimizer, iter(batches), steps, settings.learning_rate)
        return [progress.loss for progress in steps_taken]

    start = numpy_gpt.GPTModel(config, np.random.default_rng(seed), getattr(numpy_gpt, dtype)).state_dict()
    third = tensorflow_gpt.TensorFlowGPT(config, start)
    optimizer = tensorflow_gpt.AdamW(third.trainable, lr=0.0, **adamw)
    losses = []
    for step, batch in enumerate(batches):
        optimizer.lr = settings.learning_rate(step)
        losses.append(tensorflow_gpt.train_step(third, optimizer, *batch, settings.max_norm))
    return {"NumPy": train(numpy_gpt), "PyTorch": train(torch_gpt), "TensorFlow": losses}
