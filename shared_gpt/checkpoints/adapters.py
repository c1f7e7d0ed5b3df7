"""LoRA adapters in the layout of Hugging Face's PEFT: adapter_config.json and adapter_model.safetensors in a folder."""

import hashlib
import json
import math
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from shared_gpt.checkpoints.checkpoint import Branch, check_finite
from shared_gpt.checkpoints.fitting import FLOATS
from shared_gpt.checkpoints.safetensors_file import SafetensorsFile, write_safetensors
from shared_gpt.checkpoints.save_folder import files_together
from shared_gpt.checkpoints.stored import CheckpointError, read_array
from shared_gpt.checks.numbers import fault_of
from shared_gpt.files import read_json
from shared_gpt.json_values import entry, short

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
NAME = re.compile(r"base_model\.model\.(?:transformer\.)?(.+\.lora_[AB])\.weight")
PLAIN_LORA = {  # keys of PEFT's config that can ask for other maths -> the values with which it is plain LoRA
    "use_dora": (False, None),
    "use_rslora": (False, None),
    "use_qalora": (False, None),
    "bias": ("none", None),
    "lora_bias": (False, None),
    "rank_pattern": ({}, None),
    "alpha_pattern": ({}, None),
    "modules_to_save": (None, []),
    "layers_to_transform": (None, []),
    "layer_replication": (None, []),
    "trainable_token_indices": (None, []),
}


@dataclass(frozen=True)
class Adapter:
    """What an adapter holds: rank R, alpha, the adapted layers' names within a block (`attn.c_attn`, …, or `lm_head`), the
    dropout it was trained with, its matrices by our key, the fingerprint of its base, if known, its folder, and the name of its
    base, if stated."""

    rank: int
    alpha: float
    targets: tuple[str, ...]
    dropout: float
    state: Mapping[str, np.ndarray]
    base: str | None = None
    folder: Path | None = None
    base_name: str | None = None

    def branches(self) -> dict[str, Branch]:
        """What reading the base adds to each adapted weight."""
        paths = dict.fromkeys(key.rpartition(".")[0] for key in self.state)
        matrices = {path: (self.state[f"{path}.lora_A"], self.state[f"{path}.lora_B"]) for path in paths}
        return {f"{path}.weight": Branch(A, B, self.alpha / self.rank) for path, (A, B) in matrices.items()}


def weights_fingerprint(state: Mapping[str, Any]) -> str:
    """A hash of a base model's weights (without LoRA's), the same in float32 and float64 and in both twins."""
    digest = hashlib.sha256()
    for name in sorted(name for name in state if ".lora_" not in name):
        digest.update(name.encode("utf-8"))
        digest.update(np.ascontiguousarray(state[name], np.float32))
    return digest.hexdigest()


def write_adapter(folder: str | os.PathLike, adapter: Adapter, dtype: str | None = None) -> None:
    """Write an adapter that PEFT loads onto transformers' GPT-2, whose layers hold (in, out): hence fan_in_fan_out. dtype: that
    of the numbers in the file (None: as they are)."""
    for key, array in adapter.state.items():
        if fault := fault_of(array):
            raise ValueError(f"{key} {fault}; an adapter of such numbers cannot be used, so none was saved.")
    names = {_peft_name(key): key for key in adapter.state}
    config = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": adapter.base_name,
        "r": adapter.rank,
        "lora_alpha": adapter.alpha,
        "lora_dropout": adapter.dropout,
        "target_modules": list(adapter.targets),
        "fan_in_fan_out": True,
        "bias": "none",
        "inference_mode": True,
    }
    specs = {name: (dtype or adapter.state[key].dtype.name, adapter.state[key].shape) for name, key in names.items()}
    metadata = {"format": "pt"} | ({"base": adapter.base} if adapter.base else {})
    with files_together(Path(folder)) as create:
        with create(WEIGHTS) as file:
            write_safetensors(file, specs, lambda name: adapter.state[names[name]], metadata)
        with create(CONFIG) as file:
            file.write(json.dumps(config, indent=2).encode("utf-8"))


def read_adapter(folder: str | os.PathLike) -> Adapter:
    """Read an adapter, written here or by PEFT. Raises FileNotFoundError, or CheckpointError for one that is not plain LoRA."""
    folder = Path(folder)
    for name in (CONFIG, WEIGHTS):
        if not (folder / name).is_file():
            raise FileNotFoundError(f"{folder} holds no {name}; give the folder of a LoRA adapter (PEFT's layout).")
    where = folder / CONFIG
    config = read_json(where, CheckpointError)
    if config.get("peft_type") != "LORA":
        raise CheckpointError(
            f"{where} describes an adapter of type {short(config.get('peft_type'))}; only LORA can be loaded."
        )
    rank, alpha = (
        entry(config, key, kind, where, CheckpointError) for key, kind in (("r", int), ("lora_alpha", float))
    )
    dropout = entry({"lora_dropout": None} | config, "lora_dropout", float | None, where, CheckpointError) or 0.0
    if not (rank >= 1 and 0 < alpha < math.inf and 0 <= dropout < 1):
        raise CheckpointError(
            f"{where} has r {short(rank)}, lora_alpha {short(alpha)} and lora_dropout {short(dropout)}, which make no LoRA."
        )
    for key, plain in PLAIN_LORA.items():
        if key in config and config[key] not in plain:
            raise CheckpointError(
                f"{where} has {key} = {short(config[key])}, which is not plain LoRA; train it without."
            )
    base_name = entry(
        {"base_model_name_or_path": None} | config, "base_model_name_or_path", str | None, where, CheckpointError
    )
    state = {}
    file = SafetensorsFile(folder / WEIGHTS)
    try:
        for name, tensor in file.tensors.items():
            if not (found := NAME.fullmatch(name)):
                raise CheckpointError(f"{folder / WEIGHTS} holds {name!a}, which is no LoRA matrix of a GPT-2.")
            if len(tensor.shape) != 2 or tensor.dtype not in FLOATS:
                raise CheckpointError(
                    f"{tensor} is {tensor.dtype} of shape {tensor.shape}, which is no matrix of LoRA's."
                )
            state[found[1]] = array = read_array(file, name)
            check_finite(tensor, array, "float32")
        base = file.metadata.get("base")
    finally:
        file.close()
    ranks = {len(array) for key, array in state.items() if key.endswith("lora_A")}
    if ranks != {rank}:
        raise CheckpointError(f"{where} says rank {short(rank)}, the matrices have rank {sorted(ranks)[:5]}.")
    targets = tuple(dict.fromkeys(target_name(key.rpartition(".")[0]) for key in state))
    return Adapter(rank, float(alpha), targets, float(dropout), state, base, folder, base_name)


def check_adapter(
    adapter: Adapter, base: str, linears: Mapping[str, tuple[int, ...]], layers: list[tuple[int, float]]
) -> None:
    """Refuse an adapter of another base, or of another rank or alpha than the model's layers have.

    base: the model's fingerprint; linears: (out, in) by path; layers: (rank, alpha) of the LoRA layers that are there.
    """
    if adapter.base and adapter.base != base:
        raise CheckpointError(
            f"{adapter.folder} was trained on other base weights (fingerprint {short(adapter.base[:12])}, this model's is "
            f"{short(base[:12])}); load the base that it was trained on."
        )
    if layers and set(layers) != {(adapter.rank, adapter.alpha)}:
        rank, alpha = layers[0]
        raise CheckpointError(
            f"{adapter.folder} has rank {adapter.rank} and alpha {adapter.alpha:g}, the model's LoRA layers have rank {rank} "
            f"and alpha {alpha:g}; load it onto the base model, or apply_lora with its numbers."
        )
    for key, array in adapter.state.items():
        path, _, matrix = key.rpartition(".")
        out_features, in_features = linears.get(path, (0, 0))
        shape = (adapter.rank, in_features) if matrix == "lora_A" else (out_features, adapter.rank)
        if array.shape != shape:
            raise CheckpointError(
                f"{key} in {adapter.folder} is {array.shape} where this model takes {shape if path in linears else 'none'}; "
                "load the base that it was trained on."
            )


def target_name(path: str) -> str:
    """A layer's name within its block: `attn.c_attn` for `h.3.attn.c_attn`."""
    return re.sub(r"^h\.\d+\.", "", path)


def _peft_name(key: str) -> str:
    inside = key if key.startswith("lm_head.") else f"transformer.{key}"
    return f"base_model.model.{inside}.weight"
