"""What a checkpoint holds, for a person to read: by module, the blocks' parts over all blocks."""

import re
from dataclasses import dataclass, field
from typing import Any

from shared_gpt.checkpoints.checkpoint import Checkpoint, Contents
from shared_gpt.checkpoints.run_files import read_metadata
from shared_gpt.config import ALIASES, GPT2_SIZES, GPTConfig

LAYOUTS = {
    "openai": "OpenAI's TensorFlow checkpoint",
    "huggingface": "Hugging Face's layout",
    "run": "a run of this project",
}


@dataclass
class Module:
    """One line: a module's name, its weight's shape in the model, its parameters and types of number over all blocks."""

    name: str
    shape: tuple[int, ...]
    parameters: int = 0
    dtypes: set[str] = field(default_factory=set)


def by_module(checkpoint: Checkpoint) -> list[Module]:
    """The modules in the order of the forward pass."""
    modules: dict[str, Module] = {}
    last = checkpoint.config.n_layers - 1
    for key, tensor in checkpoint.tensors.items():
        path = key.rpartition(".")[0]
        name = re.sub(r"^h\.\d+\.", f"h.0…{last} " if last else "h.0 ", path)
        module = modules.setdefault(name, Module(name, checkpoint.names[key].shape))
        module.parameters += tensor.size
        module.dtypes.add(tensor.dtype)
    return list(modules.values())


def as_stored(contents: Contents) -> list[Module]:
    """The tensors under the names and in the shapes of the file, for one that does not fit together."""
    tensors = contents.file.tensors.values()
    return [Module(tensor.name, tensor.shape, tensor.size, {tensor.dtype}) for tensor in tensors]


def size_name(config: GPTConfig) -> str:
    """Which of GPT-2's sizes this is, or "a size of its own"."""
    for alias, name in ALIASES.items():
        if all(getattr(config, key) == value for key, value in GPT2_SIZES[name].items()):
            return f"the width and depth of {name} ({alias})"
    return "a size of its own"


def run_state(checkpoint: Checkpoint) -> dict[str, Any]:
    """What a run noted beside its tensors, as far as it is one number or word."""
    if checkpoint.layout != "run":
        return {}
    return {key: value for key, value in read_metadata(checkpoint.file).items() if isinstance(value, (str, int, float))}
