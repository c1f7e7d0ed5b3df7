"""A trained model with its tokenizer, as the commands that use one begin."""

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from shared_gpt.checkpoints import shipped
from shared_gpt.checkpoints.adapters import CONFIG, read_adapter
from shared_gpt.checkpoints.names import HEAD
from shared_gpt.checkpoints.run_files import CLASS_HEAD, load_tensors
from shared_gpt.checkpoints.source import open_checkpoint
from shared_gpt.checkpoints.stored import CheckpointError
from shared_gpt.config import GPTConfig
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
    chosen = find_tokenizer(tokenizer) if tokenizer else tokenizer_beside(shipped.local_path(weights))
    if chosen.n_vocab > model.config.vocab_size:
        raise ValueError(
            f"The tokenizer has {chosen.n_vocab} tokens but the model knows {model.config.vocab_size}; "
            "name the one it was trained with: --tokenizer."
        )
    return model, chosen


def tokenizer_beside(weights: Path) -> Tokenizer:
    """The tokenizer in the folder of the weights (of an adapter's base, where these are an adapter), or GPT-2's where there is
    none."""
    if not weights.exists():
        return gpt2_tokenizer()
    folder = weights if weights.is_dir() else weights.parent
    if found := tokenizer_in(folder):
        return found
    base = read_adapter(folder).base_name if (folder / CONFIG).is_file() else None
    return tokenizer_beside(shipped.local_path(base)) if base else gpt2_tokenizer()


def tokenizer_in(folder: Path) -> Tokenizer | None:
    """The tokenizer in a folder, if there is one."""
    return load_tokenizer(folder) if find_gpt2(folder) or (folder / FILE).is_file() else None


def folder_of(source: str, file: Path) -> Path:
    """The folder that a source of weights stands for, or that its file lies in."""
    path = shipped.local_path(source)
    return path if path.is_dir() else file.parent


def task_folder(weights: str) -> RunFolder:
    """The folder of a fine-tuning run, or of a shipped model."""
    return RunFolder(shipped.local_path(weights))


def load_classifier(twin: ModuleType, folder: RunFolder) -> tuple[Any, Tokenizer, list[str]]:
    """The model of a finetune labels run with its best weights, its tokenizer, and the names of its classes."""
    classes = folder.read_task("labels", "classes", list[str])
    beside_adapter = (folder.path / CLASS_HEAD).is_file()
    tensors, config, source = adapted_classifier(folder) if beside_adapter else whole_classifier(folder)
    weight = tensors.get("wte.weight", np.empty(0, bool))
    if weight.dtype.name not in ("float32", "float64") or len(classes) < 2:
        raise CheckpointError(f"{source} and {folder.task.name} make no classifier; train one with finetune labels.")
    model = twin.GPTModel(config, dtype=getattr(twin, weight.dtype.name), initialize=False)
    twin.add_class_head(model, len(classes))
    try:
        model.load_state_dict(tensors)
    except ValueError as error:
        raise CheckpointError(f"{source} does not fit {folder.config.name}: {error}") from error
    return model.eval(), tokenizer_beside(folder.path) if beside_adapter else load_tokenizer(folder.path), classes


def whole_classifier(folder: RunFolder) -> tuple[dict[str, np.ndarray], GPTConfig, Path]:
    """(tensors by our key, config, where they are from) of a finetune labels run."""
    tensors, kept = load_tensors(folder.best)
    config = folder.read_config()
    if kept.get("config") != config.to_dict():
        raise CheckpointError(
            f"{folder.config} is not the config that {folder.best.name} was saved with; take both of one run."
        )
    return {name.removeprefix("model."): tensor for name, tensor in tensors.items()}, config, folder.best


def adapted_classifier(folder: RunFolder) -> tuple[dict[str, np.ndarray], GPTConfig, Path]:
    """The same of an adapter, its base, and the head beside it."""
    head, _ = load_tensors(folder.path / CLASS_HEAD)
    with open_checkpoint(folder.path, classifier=True) as checkpoint:
        body = {key: checkpoint.read(key, "float32") for key in checkpoint.tensors if key != HEAD}
    return body | {name: tensor.astype(np.float32) for name, tensor in head.items()}, checkpoint.config, folder.path
