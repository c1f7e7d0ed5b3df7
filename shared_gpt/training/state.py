"""RunState: a training run between two steps, as last.safetensors keeps it: arrays by name, and the rest in plain values."""

from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from shared_gpt.checkpoints.run_files import read_metadata
from shared_gpt.checkpoints.safetensors_file import SafetensorsFile
from shared_gpt.config import GPTConfig
from shared_gpt.text.batches import Batches, Dataset
from shared_gpt.training.arrays import to_numpy
from shared_gpt.training.settings import TrainSettings

# settings that a run keeps from its first step to its last
FIXED = ("batch_size", "accumulate", "seed", "dtype", "initial_weights", "stride", "val_fraction")


class RunState:
    """All that a bit-identical continuation needs: weights, the optimizer's moments, generators, the place in the data.

    Two generators come from one seed: rng, which drew the model's weights and draws its dropout, and order_rng for the order
    of the data, so that the order is the same for any model and any number of processes.

    identity: what tells this data and this tokenizer from any other, for resuming.
    """

    def __init__(
        self,
        twin: ModuleType,
        model: Any,
        rng: np.random.Generator,
        settings: TrainSettings,
        train_set: Dataset,
        identity: dict[str, Any],
    ):
        self.model, self.config, self.settings, self.identity = model, model.config, settings, identity
        self.rng, self.order_rng = rng, np.random.default_rng([settings.seed, 1])
        self.optimizer = twin.AdamW(
            model.parameters(), settings.lr, (settings.beta1, settings.beta2), weight_decay=settings.weight_decay
        )
        self.batches = Batches(train_set, settings.batch_size, self.order_rng)
        self.step = 0
        self.best: dict[str, float] | None = None  # the step with the lowest validation loss, and that loss
        self.seconds = 0.0  # spent on the steps so far

    def pack(self, rngs: list[dict[str, Any]]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Arrays (NumPy's own, no copies) and plain values. rngs: the state of every process's rng, by rank."""
        tensors = pack_model(self.model)
        for moment in ("m", "v"):
            for name, tensor in zip(trained_names(self.model), self.optimizer.state_dict()[moment]):
                tensors[f"optimizer.{moment}.{name}"] = to_numpy(tensor)
        return tensors, {
            "config": self.config.to_dict(),
            "settings": asdict(self.settings),
            "identity": self.identity,
            "step": self.step,
            "best": self.best,
            "seconds": self.seconds,
            "optimizer_steps": self.optimizer.steps,
            "rngs": rngs,
            "order_rng": self.order_rng.bit_generator.state,
            "batches": self.batches.state_dict(),
        }

    def unpack(self, tensors: dict[str, np.ndarray], state: dict[str, Any], rank: int) -> list[str]:
        """Go back to what `pack` returned, in the process of this rank; returns which settings have changed since then. Raises
        what `refuse_another` raises, before anything is touched."""
        refuse_another(state, self.config, self.settings, self.identity)
        moments = {m: [tensors[f"optimizer.{m}.{name}"] for name in trained_names(self.model)] for m in ("m", "v")}
        self.model.load_state_dict({k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")})
        self.optimizer.load_state_dict({"steps": state["optimizer_steps"], **moments})
        if rank < len(state["rngs"]):
            self.rng.bit_generator.state = state["rngs"][rank]
        self.order_rng.bit_generator.state = state["order_rng"]
        self.batches.load_state_dict(state["batches"])
        self.step, self.best, self.seconds = state["step"], state["best"], state["seconds"]
        return differences(asdict(TrainSettings(**state["settings"])), asdict(self.settings))


def refuse_another(state: dict[str, Any], config: GPTConfig, settings: TrainSettings, identity: dict[str, Any]) -> None:
    """Raises ValueError with the differences, unless a run with this model, these settings, this data and this tokenizer is the
    run whose state this is."""
    kept, now = state["settings"], asdict(settings)
    unlike = differences(state["config"], config.to_dict()) + differences(state["identity"], identity)
    unlike += differences({name: kept[name] for name in FIXED}, {name: now[name] for name in FIXED})
    if unlike:
        raise ValueError(
            f"The run cannot go on as another one ({'; '.join(unlike)}); "
            "resume with what it began with, or start a new run in another folder."
        )


def read_state(path: Path) -> dict[str, Any]:
    """The plain values in a last.safetensors, without its tensors."""
    file = SafetensorsFile(path)
    try:
        return read_metadata(file)
    finally:
        file.close()


def pack_model(model: Any) -> dict[str, np.ndarray]:
    """The weights, under the names that a run's files give them."""
    return {f"model.{name}": to_numpy(tensor) for name, tensor in model.state_dict().items()}


def trained_names(model: Any) -> list[str]:
    """The parameters that the optimizer holds, in its order."""
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]


def differences(kept: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What differs, key by key: "emb_dim 64 → 128"."""
    return [f"{key} {kept.get(key)} → {now.get(key)}" for key in now | kept if kept.get(key) != now.get(key)]
