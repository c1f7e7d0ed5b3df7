"""The state of a run between two steps, as last.safetensors keeps it: arrays by name, and the rest in plain values."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from shared_gpt.checkpoints.run_files import read_metadata
from shared_gpt.checkpoints.safetensors_file import SafetensorsFile
from shared_gpt.config import GPTConfig
from shared_gpt.training.settings import TrainSettings

if TYPE_CHECKING:
    from shared_gpt.training.training_run import TrainingRun

# what a run cannot change on its way
FIXED = ("batch_size", "accumulate", "seed", "dtype", "initial_weights", "stride", "val_fraction")


def pack(run: TrainingRun, rngs: list[dict[str, Any]]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays (NumPy's own, no copies) and plain values. rngs: every process's generator of dropout, by rank."""
    tensors = pack_model(run.model)
    for moment in ("m", "v"):
        for name, tensor in zip(trained_names(run.model), run.optimizer.state_dict()[moment]):
            tensors[f"optimizer.{moment}.{name}"] = to_numpy(tensor)
    return tensors, {
        "config": run.config.to_dict(),
        "settings": asdict(run.settings),
        "identity": run.identity,
        "step": run.step,
        "best": run.best,
        "seconds": run.seconds,
        "optimizer_steps": run.optimizer.steps,
        "rngs": rngs,
        "order_rng": run.order_rng.bit_generator.state,
        "batches": run.batches.state_dict(),
    }


def refuse_another(state: dict[str, Any], config: GPTConfig, settings: TrainSettings, identity: dict[str, Any]) -> None:
    """Raises ValueError, with the differences, where a run with this model, these settings and this text and tokenizer is not the
    one that the state belongs to."""
    kept, now = state["settings"], asdict(settings)
    unlike = differences(state["config"], config.to_dict()) + differences(state["identity"], identity)
    unlike += differences({name: kept[name] for name in FIXED}, {name: now[name] for name in FIXED})
    if unlike:
        raise ValueError(
            f"The run cannot go on as another one ({'; '.join(unlike)}); "
            "resume with what it began with, or start a new run in another folder."
        )


def unpack(tensors: dict[str, np.ndarray], state: dict[str, Any], run: TrainingRun) -> list[str]:
    """Bring a run to what `pack` gave; what changed of its settings since. Raises what `refuse_another` raises, before anything
    is touched."""
    refuse_another(state, run.config, run.settings, run.identity)
    moments = {m: [tensors[f"optimizer.{m}.{name}"] for name in trained_names(run.model)] for m in ("m", "v")}
    run.model.load_state_dict({k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")})
    run.optimizer.load_state_dict({"steps": state["optimizer_steps"], **moments})
    if run.processes.rank < len(state["rngs"]):
        run.rng.bit_generator.state = state["rngs"][run.processes.rank]
    run.order_rng.bit_generator.state = state["order_rng"]
    run.batches.load_state_dict(state["batches"])
    run.step, run.best, run.seconds = state["step"], state["best"], state["seconds"]
    return differences(asdict(TrainSettings(**state["settings"])), asdict(run.settings))


def read_state(path: Path) -> dict[str, Any]:
    """The plain values in a last.safetensors, without its tensors."""
    file = SafetensorsFile(path)
    try:
        return read_metadata(file)
    finally:
        file.close()


def pack_model(model: Any) -> dict[str, np.ndarray]:
    return {f"model.{name}": to_numpy(tensor) for name, tensor in model.state_dict().items()}


def trained_names(model: Any) -> list[str]:
    """The parameters that the optimizer holds, in its order."""
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]


def to_numpy(tensor: Any) -> np.ndarray:
    """An array as it is, a tensor as an array, from whatever device."""
    return tensor if isinstance(tensor, np.ndarray) else tensor.detach().cpu().numpy()


def differences(kept: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What differs, key by key: "emb_dim 64 → 128"."""
    return [f"{key} {kept.get(key)} → {now.get(key)}" for key in now | kept if kept.get(key) != now.get(key)]
