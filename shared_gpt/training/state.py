"""RunState: a training run between two steps, as last.safetensors keeps it: arrays by name, and the rest in plain values."""

from dataclasses import asdict, dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from shared_gpt.checkpoints.run_files import read_metadata
from shared_gpt.checkpoints.safetensors_file import SafetensorsFile
from shared_gpt.checkpoints.stored import CheckpointError
from shared_gpt.config import GPTConfig
from shared_gpt.json_values import build, check_fields, entry, short
from shared_gpt.text.batches import Batches, Dataset, set_generator
from shared_gpt.training.arrays import to_numpy
from shared_gpt.training.settings import TrainSettings

# settings that a run keeps from its first step to its last
FIXED = ("batch_size", "accumulate", "seed", "dtype", "initial_weights", "stride", "val_fraction")


@dataclass(frozen=True)
class KeptState:
    """The plain values beside the tensors in last.safetensors."""

    config: dict
    settings: dict
    identity: dict
    step: int
    best: dict[str, float] | None
    seconds: float
    optimizer_steps: int
    rngs: list[dict]
    order_rng: dict
    batches: dict


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
        kept = KeptState(
            config=self.config.to_dict(),
            settings=asdict(self.settings),
            identity=self.identity,
            step=self.step,
            best=self.best,
            seconds=self.seconds,
            optimizer_steps=self.optimizer.steps,
            rngs=rngs,
            order_rng=self.order_rng.bit_generator.state,
            batches=self.batches.state_dict(),
        )
        return tensors, asdict(kept)

    def unpack(self, tensors: dict[str, np.ndarray], kept: KeptState, rank: int) -> list[str]:
        """Go back to what `pack` returned, in the process of this rank; returns which settings have changed since then. Raises
        ValueError for a state that makes no run."""
        names = [f"optimizer.{m}.{name}" for m in ("m", "v") for name in trained_names(self.model)]
        if missing := [name for name in names if name not in tensors]:
            raise ValueError(f"{missing[0]} is missing, the first of {len(missing)}")
        half = len(names) // 2
        moments = {"m": [tensors[name] for name in names[:half]], "v": [tensors[name] for name in names[half:]]}
        self.model.load_state_dict({k.removeprefix("model."): v for k, v in tensors.items() if k.startswith("model.")})
        self.optimizer.load_state_dict({"steps": kept.optimizer_steps, **moments})
        if rank < len(kept.rngs):
            set_generator(self.rng, kept.rngs[rank], "rngs")
        set_generator(self.order_rng, kept.order_rng, "order_rng")
        self.batches.load_state_dict(kept.batches)
        self.step, self.best, self.seconds = kept.step, kept.best, kept.seconds
        return differences(asdict(TrainSettings(**kept.settings)), asdict(self.settings))


def refuse_another(
    path: Path, kept: KeptState, config: GPTConfig, settings: TrainSettings, identity: dict[str, Any]
) -> None:
    """Raises ValueError with the differences, unless a run with this model, these settings, this data and this tokenizer is the
    run whose state was kept in the folder of this path."""
    now = asdict(settings)
    unlike = differences(kept.config, config.to_dict()) + differences(kept.identity, identity)
    unlike += differences({name: kept.settings[name] for name in FIXED}, {name: now[name] for name in FIXED})
    if unlike:
        raise ValueError(
            f"The run in {path.parent} cannot go on as another one ({'; '.join(unlike)}); "
            "resume with what it began with, or start a new run in another folder."
        )


def read_state(paths: list[Path]) -> KeptState:
    """The plain values in the first of some checkpoints whose header can be read, without the tensors."""
    path, *older = paths
    try:
        file = SafetensorsFile(path)
        try:
            return check_state_of(path, read_metadata(file))
        finally:
            file.close()
    except (CheckpointError, OSError):
        if older:
            return read_state(older)
        raise


def check_state_of(path: Path, metadata: dict[str, Any]) -> KeptState:
    """The plain values of a file, once each is of its type. Raises CheckpointError with the file and the key."""
    kept = build(KeptState, metadata, path, CheckpointError)
    check_fields(kept.settings, TrainSettings, f"{path}: 'settings'", CheckpointError)
    for name in FIXED:
        entry(kept.settings, name, Any, f"{path}: 'settings'", CheckpointError)
    if kept.best is not None:
        for name, kind in (("step", int), ("val_loss", float)):
            entry(kept.best, name, kind, f"{path}: 'best'", CheckpointError)
    return kept


def pack_model(model: Any) -> dict[str, np.ndarray]:
    """The weights, under the names that a run's files give them."""
    return {f"model.{name}": to_numpy(tensor) for name, tensor in model.state_dict().items()}


def trained_names(model: Any) -> list[str]:
    """The parameters that the optimizer holds, in its order."""
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]


def differences(kept: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """What differs, key by key: "emb_dim 64 → 128"."""
    unlike = [key for key in now | kept if kept.get(key) != now.get(key)]
    return [f"{brief(key)} {brief(kept.get(key))} → {brief(now.get(key))}" for key in unlike]


def brief(value: Any) -> str:
    """A value in a message as it is printed, unless it is too long for one."""
    plain = not isinstance(value, int) or value.bit_length() < 200  # longer ones may not be written out at all
    return str(value) if plain and len(repr(value)) <= 200 and str(value).isprintable() else short(value)
