"""The state of a training run in one file, whole or absent: tensors, and whatever JSON can express.

A run folder keeps `last.safetensors`, the `previous.safetensors` before it, and `best.safetensors` (the lowest validation
loss). The model's keys begin with "model.", the optimizer's with "optimizer."; the metadata hold at least "config", the
model's GPTConfig as a dict.
"""

import json
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from shared_gpt.checkpoints.checkpoint import Contents, check_finite
from shared_gpt.checkpoints.names import our_key
from shared_gpt.checkpoints.safetensors_file import SafetensorsFile, write_safetensors
from shared_gpt.checkpoints.stored import CheckpointError, read_array
from shared_gpt.config import GPTConfig
from shared_gpt.files import parse_json, written_beside
from shared_gpt.json_values import build

FORMAT = "numpy_gpt run"
BEST, LAST, PREVIOUS = "best.safetensors", "last.safetensors", "previous.safetensors"
CLASS_HEAD = "class_head.safetensors"  # beside an adapter: the head of a classifier, which its base does not have


def save_tensors(
    path: str | os.PathLike,
    tensors: Mapping[str, np.ndarray],
    metadata: Mapping[str, Any],
    before_naming: Callable[[], object] = lambda: None,
) -> None:
    """Write arrays (of any shape, float, integer or bool) and metadata (whatever JSON can express) as one safetensors file.

    A reader, or a run that was killed while it wrote, finds the old file or the new one, whole. `before_naming` is called when
    the new one is on the disk and the old one still has the name.
    """
    try:
        text = json.dumps(dict(metadata), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ValueError(
            f"The metadata for {path} cannot be written as JSON ({error}); give text, numbers, lists."
        ) from error
    specs = {name: (array.dtype.name, array.shape) for name, array in tensors.items()}
    with written_beside(path, before_naming) as file:
        write_safetensors(file, specs, tensors.__getitem__, {"format": FORMAT, "json": text})


def load_tensors(path: str | os.PathLike) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """(arrays, metadata), bit for bit as `save_tensors` was given them. Raises CheckpointError where a float is not finite."""
    file = SafetensorsFile(path)
    try:
        metadata = read_metadata(file)
        arrays = {name: read_array(file, name) for name in file.tensors}
        for name, array in arrays.items():
            if array.dtype.kind == "f":
                check_finite(file.tensors[name], array)
        return arrays, metadata
    finally:
        file.close()


def is_run(file: SafetensorsFile) -> bool:
    """Whether a run of this project wrote the file."""
    return file.metadata.get("format") == FORMAT


def read_metadata(file: SafetensorsFile) -> dict[str, Any]:
    """What `save_tensors` was given beside the tensors."""
    if not is_run(file):
        raise CheckpointError(f"{file.path} was not saved by a run of this project; load it with load_gpt2.")
    try:
        return parse_json(file.metadata.get("json", "").encode("utf-8", "replace"))
    except ValueError as error:
        raise CheckpointError(f"{file.path}: the run's state {error}; take another checkpoint of the run.") from error


def open_run(file: SafetensorsFile) -> Contents:
    """The model's part of an open run file."""
    config = read_metadata(file).get("config")
    if not isinstance(config, dict):
        raise CheckpointError(f"{file.path} does not hold the model's config; it was saved by something else.")
    sizes = build(GPTConfig, config, f"{file.path}: the config", CheckpointError).to_dict()
    contents = Contents(file.path, "run", file, sizes, "its config")
    for name in file.tensors:
        if key := our_key(name.removeprefix("model."), "ours") if name.startswith("model.") else None:
            contents.keys[key] = name
        elif name.startswith("optimizer."):
            contents.ignored[name] = "state of the optimizer"
        else:
            contents.unexpected.append(name)
    return contents
