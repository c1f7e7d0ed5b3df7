"""What both kinds of fine-tuning have in common as options: LoRA, and how to train."""

from dataclasses import dataclass
from typing import TypeVar

from tyro.conf import Fixed, Suppress

from shared_gpt.options import OptionalFloat, OptionalInt
from shared_gpt.training.settings import TrainSettings

T = TypeVar("T")
OfPretraining = Suppress[Fixed[T]]  # keeps its default value, and is not shown


@dataclass(frozen=True)
class FineTuneSettings(TrainSettings):
    """How to train."""

    val_fraction: float = 0.1
    """Share of the examples that is kept for validation."""
    initial_weights: OfPretraining[str] = TrainSettings.initial_weights
    stride: OfPretraining[int | None] = TrainSettings.stride
    sample_prompt: OfPretraining[str | None] = TrainSettings.sample_prompt
    sample_temperature: OfPretraining[float] = TrainSettings.sample_temperature


@dataclass(frozen=True)
class LoRAOptions:
    """Low-rank adaptation (LoRA)."""

    lora_rank: OptionalInt = None
    """Rank of the trained branches beside the frozen weights, such as 8; without it the weights themselves train."""
    lora_alpha: OptionalFloat = None
    """Strength: what a branch adds is scaled by alpha / rank; default: twice the rank."""
    lora_dropout: float = 0.0
    """Share of the branches' inputs that is dropped while training."""
    lora_targets: tuple[str, ...] = ("c_attn", "c_proj", "c_fc")
    """Layers that get a branch, by name, in every block."""

    def refuse_contradictions(self) -> None:
        """Raises ValueError for an option of LoRA's where there is no LoRA."""
        if self.lora_rank is not None:
            return
        default = LoRAOptions()
        for name, value in vars(self).items():
            if value != getattr(default, name):
                typed = f"--{name.replace('_', '-')} {' '.join(map(str, value)) if isinstance(value, tuple) else value}"
                raise ValueError(f"{typed} is for LoRA, and without --lora-rank there is none; give one, such as 8.")
