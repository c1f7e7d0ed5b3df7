"""The state of a run between two steps, as last.safetensors keeps it: arrays by name, and the rest in plain values."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from numpy_gpt.training.settings import TrainSettings

if TYPE_CHECKING:
    from numpy_gpt.training.training_run import TrainingRun

FIXED = ("batch_size", "accumulate", "seed", "dtype", "stride", "val_fraction")  # what a run cannot change on its way


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


def unpack(tensors: dict[str, np.ndarray], state: dict[str, Any], run: TrainingRun) -> list[str]:
    """Bring a run to a state that `pack` gave; what changed of its settings since. Raises ValueError, with the differences and
    before anything is touched, for a run with another model, text, tokenizer, or other FIXED settings."""
    kept, now = asdict(TrainSettings(**state["settings"])), asdict(run.settings)
    unlike = differences(state["config"], run.config.to_dict()) + differences(state["identity"], run.identity)
    unlike += differences({name: kept[name] for name in FIXED}, {name: now[name] for name in FIXED})
    if unlike:
        raise ValueError(
            f"The run cannot go on as another one ({'; '.join(unlike)}); "
            "resume with what it began with, or start a new run in another folder."
        )
    moments = {m: [tensors[f"optimizer.{m}.{name}"] for name in trained_names(run.model)] for m in ("m", "v")}
    run.model.load_state_dict({k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")})
    run.optimizer.load_state_dict({"steps": state["optimizer_steps"], **moments})
    if run.processes.rank < len(state["rngs"]):
        run.rng.bit_generator.state = state["rngs"][run.processes.rank]
    run.order_rng.bit_generator.state = state["order_rng"]
    run.batches.load_state_dict(state["batches"])
    run.step, run.best, run.seconds = state["step"], state["best"], state["seconds"]
    return differences(kept, now)


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
