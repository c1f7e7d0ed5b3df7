"""Three curves: the NumPy twin, the PyTorch twin and the Keras model train from one seed on the same batches; their losses, and
the distance between them."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import ModuleType
from typing import Literal

import numpy as np

from numpy_gpt import GPTConfig
from shared_gpt.plots import plot_curves
from shared_gpt.text import (
    Batches,
    InstructionDataset,
    TokenWindows,
    find_tokenizer,
    load_instructions,
    load_tokens,
)
from shared_gpt.training.settings import TrainSettings

BANDS = {"float64": 1e-9, "float32": 1e-4}  # how far apart any two losses may be; measured: see docs/training.md


@dataclass(frozen=True)
class Curve:
    """Train the NumPy GPT, its PyTorch twin and the Keras model in the same way; draw their losses and the differences.

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
    lora: bool = False
    """Fine-tune on instructions, prompts masked, with LoRA branches alone, instead of training on stories."""
    out: Path = Path("curve.png")
    """The picture."""

    def run(self) -> int:
        curves = main_curve(self.steps, self.dtype, self.seed, self.preset, self.lora)
        band = BANDS[self.dtype]
        apart = {name: float(np.abs(np.subtract(curve, curves["NumPy"])).max()) for name, curve in curves.items()}
        for name, curve in curves.items():
            print(f"{name:10}  loss {curve[0]:.4f} → {curve[-1]:.4f}   from NumPy's by at most {apart[name]:.1e}")
        title = f"{self.preset} preset{', LoRA' if self.lora else ''}, {self.dtype}: one seed, three programs"
        print(f"Picture: {plot_curves(curves, title, band, self.out)}")
        agree = max(apart.values()) <= band
        print(f"{'All agree' if agree else 'They do NOT agree'} to {band:g}.")
        return 0 if agree else 1


def main_curve(
    steps: int = 50, dtype: str = "float64", seed: int = 0, preset: str = "classroom", lora: bool = False
) -> dict[str, list[float]]:
    """The loss of each step, by program."""
    import numpy_gpt
    import tensorflow_gpt
    import torch_gpt

    settings = TrainSettings(steps=steps, seed=seed, dtype=dtype, lr=3e-3)
    settings.check()
    tokenizer = find_tokenizer("stories")
    config = GPTConfig.preset(preset, vocab_size=tokenizer.n_vocab, drop_rate=0.0)
    T = config.context_length
    if lora:
        entries = load_instructions("instructions")
        dataset = InstructionDataset(entries, tokenizer, T, "qa", mask_prompt=True, skip_long=True)
    else:
        dataset = TokenWindows(load_tokens("stories", tokenizer), T, stride=16)
    batches = list(islice(Batches(dataset, settings.batch_size, np.random.default_rng(seed)).endless(), steps))

    def train(twin: ModuleType) -> list[float]:
        model = twin.GPTModel(config, np.random.default_rng(seed), getattr(twin, dtype))
        if lora:
            twin.apply_lora(model, rank=8, alpha=16, rng=np.random.default_rng(seed))
        betas = settings.beta1, settings.beta2
        optimizer = twin.AdamW(model.parameters(), betas=betas, weight_decay=settings.weight_decay)
        steps_taken = twin.train(model, optimizer, iter(batches), steps, settings.learning_rate)
        return [progress.loss for progress in steps_taken]

    return {"NumPy": train(numpy_gpt), "PyTorch": train(torch_gpt), "TensorFlow": train(tensorflow_gpt)}
