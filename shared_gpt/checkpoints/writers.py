"""Write weights in the layouts of other programs: transformers', OpenAI's own, or the book's."""

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from shared_gpt.checkpoints.book import book_state
from shared_gpt.checkpoints.folder import candidates
from shared_gpt.checkpoints.huggingface import WEIGHTS_CHECKSUM, huggingface_config
from shared_gpt.checkpoints.names import QKV_BIAS, Name, in_model, weight_names
from shared_gpt.checkpoints.openai import openai_hparams
from shared_gpt.checkpoints.safetensors_file import write_safetensors
from shared_gpt.checkpoints.save_folder import files_together
from shared_gpt.checkpoints.tensor_bundle import write_tensor_bundle
from shared_gpt.checks.numbers import fault_of
from shared_gpt.config import GPTConfig

LAYOUTS = {  # -> the file that holds the weights
    "huggingface": "model.safetensors",
    "openai": "model.ckpt",
    "book": "model.pth",
}


def save_checkpoint(
    folder: str | os.PathLike,
    config: GPTConfig,
    state: Mapping[str, np.ndarray],
    layout: str = "huggingface",
    dtype: str | None = None,
) -> None:
    """Save a model's state dict in a folder that transformers (layout "huggingface"), OpenAI's program ("openai") or the
    book's code ("book") can load; for the first two one tensor at a time is taken. dtype: that of the numbers in the file
    (None: as they are).

    All files are whole and flushed before the first takes its name, and take it together (see save_folder.py). A model without
    bias for q, k and v is saved with zeros, which transformers and OpenAI's program expect; Hugging Face's config.json also
    notes it, so that loading it here is exact.
    """
    if layout not in LAYOUTS:
        raise ValueError(f"There is no layout {layout!r}; choose one of {', '.join(LAYOUTS)}.")
    check_state(config, state)
    folder, dtype = Path(folder), dtype or next(iter(state.values())).dtype.name
    already = [path.name for path in candidates(folder) if path.name != LAYOUTS[layout]] if folder.is_dir() else []
    if already:
        raise ValueError(
            f"{folder} already holds {already[0]}; save into another folder, so that each holds one model."
        )
    save = {"huggingface": save_huggingface, "openai": save_openai, "book": save_book}[layout]
    save(folder, config, lambda name: stored_array(name, config, state, dtype, layout), dtype)


def check_state(config: GPTConfig, state: Mapping[str, np.ndarray]) -> None:
    """Refuse a state dict with other keys than a plain GPT-2 of this config has."""
    expected = {key for key in weight_names(config) if in_model(key, config)}
    if extra := [key for key in state if key not in expected]:
        class_head = not any(".lora_" in key for key in state)
        way_out = (
            "a class head stays in its run's folder" if class_head else "merge adapters into the model before saving it"
        )
        raise ValueError(f"GPT-2's files have no place for {extra[0]}; {way_out}.")
    if missing := [key for key in expected if key not in state]:
        raise ValueError(f"The state dict lacks {min(missing)}; save a whole model.")


def save_openai(folder: Path, config: GPTConfig, get: Callable[[Name], np.ndarray], dtype: str) -> None:
    hparams = openai_hparams(config)
    names = {name.openai: name for name in stored_names(config)}
    specs = {stored: (dtype, name.openai_shape) for stored, name in names.items()}
    with files_together(folder) as create:  # the index, which fits no other data, comes after what it stands for
        with create("model.ckpt.data-00000-of-00001") as data:
            with create("hparams.json") as file:
                file.write(json.dumps(hparams).encode("utf-8"))
            with create("model.ckpt.index") as index:
                write_tensor_bundle(index, data, specs, lambda stored: get(names[stored]))
        with create("checkpoint") as file:
            file.write(b'model_checkpoint_path: "model.ckpt"\nall_model_checkpoint_paths: "model.ckpt"\n')


def save_huggingface(folder: Path, config: GPTConfig, get: Callable[[Name], np.ndarray], dtype: str) -> None:
    names = {name.huggingface: name for name in stored_names(config)}
    specs = {stored: (dtype, name.huggingface_shape) for stored, name in names.items()}
    with files_together(folder) as create:
        with create("model.safetensors") as file:  # transformers asks for the format
            checksum = write_safetensors(file, specs, lambda stored: get(names[stored]), {"format": "pt"})
        with create("config.json") as file:
            stated = huggingface_config(config, dtype) | {WEIGHTS_CHECKSUM: checksum}
            file.write(json.dumps(stated, indent=2).encode("utf-8"))


def save_book(folder: Path, config: GPTConfig, get: Callable[[Name], np.ndarray], dtype: str) -> None:
    try:
        import torch
    except ImportError as error:
        raise ImportError(
            "The book's layout is a file of PyTorch's, which only torch can write: pip install 'numpy-gpt[torch]'."
        ) from error
    state = book_state(config, get)
    with files_together(folder) as create:
        with create("model.pth") as file:
            torch.save(state, file)
        with create("config.json") as file:
            file.write(json.dumps(config.to_dict(), indent=2).encode("utf-8"))


def stored_names(config: GPTConfig) -> list[Name]:
    """The weights that files hold: the model's own, and the biases of q, k and v in any case."""
    return [n for n in weight_names(config).values() if in_model(n.ours, config) or n.ours.endswith(QKV_BIAS)]


def stored_array(name: Name, config: GPTConfig, state: Mapping[str, np.ndarray], dtype: str, layout: str) -> np.ndarray:
    """A weight as files hold it, transposed where the layout says so; OpenAI's leading 1 is still missing."""
    if not in_model(name.ours, config):
        return np.zeros(name.shape, dtype)
    array = state[name.ours]
    if fault := fault_of(array, dtype):
        raise ValueError(f"{name.ours} {fault}; such a model cannot be loaded again, so it was not saved.")
    return array.T if name.transposed_in(layout) else array
