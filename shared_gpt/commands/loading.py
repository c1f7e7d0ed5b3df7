"""A trained model with its tokenizer, as the commands that use one begin."""

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from shared_gpt.checkpoints.run_files import load_tensors
from shared_gpt.checkpoints.stored import CheckpointError
from shared_gpt.text.bpe.files import find_gpt2
from shared_gpt.text.gpt2 import gpt2_tokenizer
from shared_gpt.text.tokenizer import Tokenizer
from shared_gpt.text.tokenizer_files import FILE, find_tokenizer, load_tokenizer
from shared_gpt.training.run_folder import RunFolder


def load_model(
    twin: ModuleType,
    weights: str,
    tokenizer: str | None = None,
    dtype: str = "float32",
    n_heads: int | None = None,
) -> tuple[Any, Tokenizer]:
    """The model of a source and its tokenizer: the one named, else the one beside the weights, else GPT-2's. n_heads: of a
    model whose file does not say."""
    model = twin.load_gpt2(weights, getattr(twin, dtype), n_heads)
    chosen = find_tokenizer(tokenizer) if tokenizer else tokenizer_beside(Path(weights))
    if chosen.n_vocab > model.config.vocab_size:
        raise ValueError(
            f"The tokenizer has {chosen.n_vocab} tokens but the model knows {model.config.vocab_size}; "
            "name the one it was trained with: --tokenizer."
        )
    return model, chosen


def tokenizer_beside(weights: Path) -> Tokenizer:
    """The tokenizer in the folder of the weights, or GPT-2's where there is none."""
    return (
        tokenizer_in(weights if weights.is_dir() else weights.parent) if weights.exists() else None
    ) or gpt2_tokenizer()


def tokenizer_in(folder: Path) -> Tokenizer | None:
    """The tokenizer in a folder, if there is one."""
    return load_tokenizer(folder) if find_gpt2(folder) or (folder / FILE).is_file() else None


def load_classifier(twin: ModuleType, folder: RunFolder) -> tuple[Any, Tokenizer, list[str]]:
    """The model of a finetune labels run with its best weights, its tokenizer, and the names of its classes."""
    classes = folder.read_task("labels", "classes", list[str])
    tensors, kept = load_tensors(folder.best)
    weight, config = tensors.get("model.wte.weight", np.empty(0, bool)), folder.read_config()
    if weight.dtype.name not in ("float32", "float64") or len(classes) < 2:
        raise CheckpointError(
            f"{folder.best} and {folder.task.name} make no classifier; train one with finetune labels."
        )
    if kept.get("config") != config.to_dict():
        raise CheckpointError(
            f"{folder.config} is not the config that {folder.best.name} was saved with; take both of one run."
        )
    model = twin.GPTModel(config, dtype=getattr(twin, weight.dtype.name), initialize=False)
    twin.add_class_head(model, len(classes))
    try:
        model.load_state_dict({name.removeprefix("model."): tensor for name, tensor in tensors.items()})
    except ValueError as error:
        raise CheckpointError(f"{folder.best} does not fit {folder.config.name}: {error}") from error
    return model.eval(), load_tokenizer(folder.path), classes
