"""TrainSettings: every number that decides how a training run goes, and the learning rate that they give each step."""

import math
from dataclasses import dataclass
from typing import Literal

from shared_gpt.options import OptionalInt, OptionalText


@dataclass(frozen=True)
class TrainSettings:
    """How to train."""

    steps: int = 500
    """Number of updates of the weights."""
    batch_size: int = 8
    """Sequences in one forward pass, over all processes."""
    accumulate: int = 1
    """Forward passes (micro-batches) whose gradients make one update."""
    lr: float = 1e-3
    """Learning rate after the warm-up."""
    warmup: int = 20
    """Steps in which the learning rate rises from 0 to lr."""
    final_lr: float = 0.1
    """Share of lr that is left at the last step, to which it falls along a cosine; 1 keeps it constant."""
    weight_decay: float = 0.1
    """Share of each matrix, times the learning rate, that each step subtracts; biases and gains do not decay."""
    beta1: float = 0.9
    """AdamW: decay of the running mean of the gradients."""
    beta2: float = 0.99
    """AdamW: decay of the running mean of their squares."""
    max_norm: float = 1.0
    """Norm to which a longer gradient is clipped."""
    seed: int = 0
    """Decides weights, order of the data, dropout and samples."""
    initial_weights: Literal["gpt2", "pytorch"] = "gpt2"
    """How pretraining draws them: as GPT-2 does, or as PyTorch's layers do by default, from which Raschka's book trains."""
    dtype: Literal["float32", "float64"] = "float32"
    """Precision of weights and arithmetic."""
    device: str = "cpu"
    """Where to compute; torch-gpt also takes cuda, cuda:1, mps."""
    bf16: bool = False
    """torch-gpt: matrix products in bfloat16 (autocast), weights in float32."""
    threads: OptionalInt = None
    """CPU threads for matrix products; default: as many as NumPy or PyTorch choose. Small models are fastest with 1."""
    stride: OptionalInt = None
    """Tokens from the start of one training window to the next; default: a quarter of the context."""
    val_fraction: float = 0.1
    """Share of the text, at its end, that is kept for validation."""
    eval_every: int = 50
    """Steps between two measurements of the training and validation loss."""
    eval_batches: int = 20
    """Batches on which each of the two is measured, evenly spread; 0: all."""
    sample_every: OptionalInt = None
    """Steps between two samples; 0: none; default: at every evaluation."""
    sample_prompt: OptionalText = None
    """How the samples begin; default: as the text does."""
    sample_tokens: int = 60
    """Length of a sample."""
    sample_temperature: float = 0.8
    """Below 1, samples keep to likelier tokens; 0: always the likeliest."""
    save_every: OptionalInt = None
    """Steps between two checkpoints; default: at every evaluation."""

    @property
    def steps_between_samples(self) -> int:
        return self.eval_every if self.sample_every is None else self.sample_every

    def check(self) -> None:
        """Raises ValueError for a value out of range. Not in __post_init__: the parser of the options would wrap the message."""
        for name in ("steps", "batch_size", "accumulate", "eval_every", "sample_tokens"):
            self._check(name, getattr(self, name) >= 1, "a whole number of at least 1")
        for name in ("warmup", "eval_batches", "seed"):
            self._check(name, getattr(self, name) >= 0, "a whole number of at least 0")
        self._check("sample_every", self.steps_between_samples >= 0, "a whole number of at least 0")
        for name in ("threads", "stride", "save_every"):
            self._check(name, getattr(self, name) is None or getattr(self, name) >= 1, "a whole number of at least 1")
        self._check("lr", 0 <= self.lr < math.inf, "a number of at least 0, such as 1e-3")
        self._check("final_lr", 0 <= self.final_lr <= 1, "a share from 0 to 1")
        self._check(
            "sample_temperature", 0 <= self.sample_temperature < math.inf, "a number of at least 0, such as 0.8"
        )
        for name in ("beta1", "beta2"):
            self._check(name, 0 <= getattr(self, name) < 1, "a number of at least 0 and below 1")
        self._check("weight_decay", 0 <= self.weight_decay < math.inf, "a number of at least 0, such as 0.1")
        self._check("max_norm", self.max_norm > 0, "a length above 0 (inf: never cut)")
        self._check("val_fraction", 0 < self.val_fraction < 1, "a share above 0 and below 1")
        self._check("dtype", self.dtype in ("float32", "float64"), "float32 or float64")

    def _check(self, name: str, good: bool, wanted: str) -> None:
        if not good:
            raise ValueError(f"{name} is {getattr(self, name)!r}; give {wanted}.")

    def learning_rate(self, step: int) -> float:
        """For step 0, 1, …: a straight rise to lr over `warmup` steps, then half a cosine down to final_lr · lr."""
        if step < self.warmup:
            return self.lr * (step + 1) / self.warmup
        done = (step - self.warmup) / max(self.steps - 1 - self.warmup, 1)
        cosine = (1 + math.cos(math.pi * min(done, 1))) / 2
        return self.lr * (self.final_lr + (1 - self.final_lr) * cosine)
