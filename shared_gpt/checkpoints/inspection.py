"""What a checkpoint holds, for a person to read: module by module, each part of a block counted over all blocks."""

import re
from dataclasses import dataclass, field
from typing import Any

from shared_gpt.checkpoints.checkpoint import Checkpoint, Contents
from shared_gpt.checkpoints.run_files import read_metadata
from shared_gpt.config import ALIASES, GPT2_SIZES, GPTConfig

LAYOUT_NAMES = {
    "openai": "OpenAI's TensorFlow checkpoint",
    "huggingface": "Hugging Face's layout",
    "book": "the layout of the book's code",
    "run": "a run of this project",
}


@dataclass
class ModuleSummary:
    """One line of the table: a module's name, the shape of its weight, and over all blocks its parameters and types of number."""

    name: str
    shape: tuple[int, ...]
    parameters: int = 0
    dtypes: set[str] = field(default_factory=set)


def by_module(checkpoint: Checkpoint) -> list[ModuleSummary]:
    """The modules in the order of the forward pass."""
    modules: dict[str, ModuleSummary] = {}
    last = checkpoint.config.n_layers - 1
    for key, tensor in checkpoint.tensors.items():
        path = key.rpartition(".")[0]
        name = re.sub(r"^h\.\d+\.", f"h.0…{last} " if last else "h.0 ", path)
        module = modules.setdefault(name, ModuleSummary(name, checkpoint.names[key].shape))
        module.parameters += tensor.size
        module.dtypes.add(tensor.dtype)
    return list(modules.values())


def as_stored(contents: Contents) -> list[ModuleSummary]:
    """The tensors under the file's own names and in its shapes, for one that does not fit its config."""
    tensors = contents.file.tensors.values()
    return [ModuleSummary(tensor.name, tensor.shape, tensor.size, {tensor.dtype}) for tensor in tensors]


def size_name(config: GPTConfig) -> str:
    """Which of GPT-2's sizes a config has, or "a size of its own"."""
    for alias, name in ALIASES.items():
        if all(getattr(config, key) == value for key, value in GPT2_SIZES[name].items()):
            return f"the width and depth of {name} ({alias})"
    return "a size of its own"


def run_state(checkpoint: Checkpoint) -> dict[str, Any]:
    """What a run noted beside its tensors, as far as each is one number or word."""
    if checkpoint.layout != "run":
        return {}
    return {key: value for key, value in read_metadata(checkpoint.file).items() if isinstance(value, (str, int, float))}
