"""finetune, chat, classify: from a model that knows a language to one that does as it is told."""

from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Annotated, Literal, TypeVar

import tyro

from shared_gpt.options import OpenFloat, OpenInt, OpenText
from shared_gpt.training.settings import TrainSettings

T = TypeVar("T")
NotHere = tyro.conf.Suppress[tyro.conf.Fixed[T]]  # an option of pretraining alone


@dataclass(frozen=True)
class FineTuneSettings(TrainSettings):
    """How to train."""

    val_fraction: float = 0.1
    """Share of the examples that is kept for validation."""
    initial_weights: NotHere[str] = TrainSettings.initial_weights
    stride: NotHere[int | None] = TrainSettings.stride
    sample_prompt: NotHere[str | None] = TrainSettings.sample_prompt
    sample_temperature: NotHere[float] = TrainSettings.sample_temperature


@dataclass(frozen=True)
class LoRAOptions:
    """Low-rank adaptation (LoRA)."""

    lora_rank: OpenInt = None
    """Rank of the trained branches beside the frozen weights, such as 8; without it the whole model trains."""
    lora_alpha: OpenFloat = None
    """Strength: branches count alpha / rank; default: twice the rank."""
    lora_dropout: float = 0.0
    """Share of the branches' inputs dropped while training."""
    lora_targets: tuple[str, ...] = ("c_attn", "c_proj", "c_fc")
    """Layers that get a branch, by name, in every block."""


@dataclass(frozen=True)
class Instructions:
    """Teach a model to answer: prompts and answers in, a chat partner out."""

    weights: OpenText = None
    """The model to begin with: a run's folder, a folder or file with GPT-2's weights, or gpt2, gpt2-medium, gpt2-large,
    gpt2-xl."""
    data: str = "instructions"
    """A JSON or JSONL file of entries with instruction, input and output; or instructions, the set that ships."""
    out: Path = Path("runs/instructions")
    """Folder of the run."""
    tokenizer: OpenText = None
    """By default the one beside the weights, else GPT-2's; otherwise gpt2, stories, characters, or a path."""
    style: Literal["alpaca", "phi3", "qa"] = "alpaca"
    """How a prompt is laid out; chat lays it out the same way."""
    mask_prompt: bool = False
    """Learn from the answers alone, not from the prompts as well."""
    test_fraction: float = 0.1
    """Share of the entries held out to the end; the answers to them go to responses.json."""
    score: bool = False
    """Count exact matches on the held-out entries, before and after, by the category that an entry may name."""
    resume: bool = False
    """Go on where the run in that folder stopped; its own options hold, but for those given anew."""
    lora: LoRAOptions = field(default_factory=LoRAOptions)
    training: FineTuneSettings = field(default_factory=lambda: FineTuneSettings(lr=5e-4, val_fraction=0.05))

    def run(self, twin: ModuleType) -> None:
        from shared_gpt.training.start_finetuning import tune_instructions

        tune_instructions(twin, self)


@dataclass(frozen=True)
class Labels:
    """Teach a model to sort texts into classes, such as spam and ham."""

    weights: OpenText = None
    """The model to begin with: a run's folder, a folder or file with GPT-2's weights, or gpt2, gpt2-medium, gpt2-large,
    gpt2-xl."""
    data: str = "labels"
    """Lines of label TAB text, or a .csv; or labels, the set that ships."""
    out: Path = Path("runs/labels")
    """Folder of the run."""
    tokenizer: OpenText = None
    """By default the one beside the weights, else GPT-2's; otherwise gpt2, stories, characters, or a path."""
    train: Literal["last-block", "all"] = "last-block"
    """Without LoRA: which weights learn. last-block: the last block, the last LayerNorm and the head."""
    balanced: bool = True
    """As many texts of every class as the rarest has."""
    test_fraction: float = 0.2
    """Share of the texts held out to the end."""
    resume: bool = False
    """Go on where the run in that folder stopped; its own options hold, but for those given anew."""
    lora: LoRAOptions = field(default_factory=LoRAOptions)
    training: FineTuneSettings = field(default_factory=FineTuneSettings)

    def run(self, twin: ModuleType) -> None:
        from shared_gpt.training.start_finetuning import tune_labels

        tune_labels(twin, self)


@dataclass(frozen=True)
class Finetune:
    """Teach a trained model a task: to follow instructions, or to sort texts."""

    task: (
        Annotated[Instructions, tyro.conf.subcommand("instructions", prefix_name=False)]
        | Annotated[Labels, tyro.conf.subcommand("labels", prefix_name=False)]
    )

    def run(self, twin: ModuleType) -> None:
        self.task.run(twin)


@dataclass(frozen=True)
class Chat:
    """Talk to a model that was fine-tuned on instructions; each line is a request of its own, an empty one ends."""

    weights: str
    """The folder of a finetune instructions run."""
    temperature: float = 0.0
    """0: always the likeliest token; above: more daring."""
    max_new_tokens: int = 200
    """Length of an answer at most."""
    seed: OpenInt = None
    """The same seed gives the same answers."""

    def run(self, twin: ModuleType) -> None:
        from shared_gpt.training.use import chat

        chat(twin, self)


@dataclass(frozen=True)
class Classify:
    """Sort texts with a model that was fine-tuned on labels."""

    weights: str
    """The folder of a finetune labels run."""
    texts: tyro.conf.Positional[tuple[str, ...]] = ()
    """The texts; without any, each line of standard input is one."""

    def run(self, twin: ModuleType) -> None:
        from shared_gpt.training.use import classify

        classify(twin, self)
