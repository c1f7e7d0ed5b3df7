"""Three curves: the NumPy twin, the PyTorch twin and the Keras model train from one seed on the same batches; their losses, and
the distance between them."""

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
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


PROGRAMS = {"NumPy": "numpy_gpt", "PyTorch": "torch_gpt", "TensorFlow": "tensorflow_gpt"}


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
        import tensorflow_gpt  # noqa: F401  # first: it silences TensorFlow, or says what to install

        curves = self.curves()
        band = BANDS[self.dtype]
        apart = {name: float(np.abs(np.subtract(curve, curves["NumPy"])).max()) for name, curve in curves.items()}
        for name, curve in curves.items():
            print(f"{name:10}  loss {curve[0]:.4f} → {curve[-1]:.4f}   from NumPy's by at most {apart[name]:.1e}")
        title = f"{self.preset} preset{', LoRA' if self.lora else ''}, {self.dtype}: one seed, three programs"
        print(f"Picture: {plot_curves(curves, title, band, self.out)}")
        agree = max(apart.values()) <= band
        print(f"{'All agree' if agree else 'They do NOT agree'} to {band:g}.")
        return 0 if agree else 1

    def curves(self) -> dict[str, list[float]]:
        """The loss of each step, by program. A terminal shows how far each is."""
        from rich.console import Console

        curves: dict[str, list[float]] = {name: [] for name in PROGRAMS}
        with Console(stderr=True).status("Reading the text ...") as status:
            for name in PROGRAMS:
                for loss in self.losses(name):
                    curves[name].append(loss)
                    status.update(f"{name}: step {len(curves[name])} of {self.steps}, loss {loss:.4f}")
        return curves

    def losses(self, program: str) -> Iterator[float]:
        """The loss of one step of a program of PROGRAMS after the other."""
        settings = TrainSettings(steps=self.steps, seed=self.seed, dtype=self.dtype, lr=3e-3)
        settings.check()
        tokenizer = find_tokenizer("stories")
        config = GPTConfig.preset(self.preset, vocab_size=tokenizer.n_vocab, drop_rate=0.0)
        T = config.context_length
        if self.lora:
            entries = load_instructions("instructions")
            dataset = InstructionDataset(entries, tokenizer, T, "qa", mask_prompt=True, skip_long=True)
        else:
            dataset = TokenWindows(load_tokens("stories", tokenizer), T, stride=16)
        batches = Batches(dataset, settings.batch_size, np.random.default_rng(self.seed)).endless()
        twin = importlib.import_module(PROGRAMS[program])
        model = twin.GPTModel(config, np.random.default_rng(self.seed), getattr(twin, self.dtype))
        if self.lora:
            twin.apply_lora(model, rank=8, alpha=16, rng=np.random.default_rng(self.seed))
        betas = settings.beta1, settings.beta2
        optimizer = twin.AdamW(model.parameters(), betas=betas, weight_decay=settings.weight_decay)
        for progress in twin.train(model, optimizer, batches, self.steps, settings.learning_rate):
            yield progress.loss
