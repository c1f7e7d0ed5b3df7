"""FineTuning: a run in which a model that knows a language learns a task."""

from types import ModuleType
from typing import Any

import numpy as np

from shared_gpt.text.instructions import InstructionDataset
from shared_gpt.text.labels import LabelDataset
from shared_gpt.text.tokenizer import Tokenizer
from shared_gpt.training.arrays import to_numpy
from shared_gpt.training.display import Display
from shared_gpt.training.processes import ALONE, Processes
from shared_gpt.training.run_folder import RunFolder
from shared_gpt.training.settings import TrainSettings
from shared_gpt.training.training_run import TrainingRun


class FineTuning(TrainingRun):
    """A trained model, and a dataset of another task. The model's dropout draws from the run's generator."""

    def __init__(
        self,
        twin: ModuleType,
        model: Any,
        rng: np.random.Generator,
        settings: TrainSettings,
        tokenizer: Tokenizer,
        train_set: InstructionDataset | LabelDataset,
        val_set: InstructionDataset | LabelDataset,
        identity: dict[str, Any] | None = None,
        folder: RunFolder | None = None,
        display: Display | None = None,
        processes: Processes = ALONE,
    ):
        for module in model.modules():
            if isinstance(module, twin.Dropout):
                module.rng = rng
        mean_length = float(np.mean([len(ids) for ids, _ in train_set.items]))
        super().__init__(
            twin,
            model,
            rng,
            settings,
            tokenizer,
            train_set,
            val_set,
            round(mean_length * settings.batch_size * settings.accumulate),
            identity,
            folder,
            display,
            processes,
        )

    def best_tensors(self) -> dict[str, np.ndarray]:
        """The weights with LoRA's branches added, as any command loads them; the adapter itself is saved beside them."""
        if self.folder and self.twin.lora.adapted(self.model):
            self.twin.save_lora(self.model, self.folder.adapter)
        merged = self.twin.merged_state_dict(self.model)
        return {f"model.{name}": to_numpy(tensor) for name, tensor in merged.items()}

    def title(self) -> str:
        trained = sum(int(np.prod(p.shape)) for p in self.optimizer.params)
        total = self.model.num_parameters()
        return (
            f"{self.twin.__name__}: {trained:,} of {total:,} parameters train ({trained / total:.2%}); "
            f"{len(self.train_set):,} examples to train on, {len(self.val_set):,} to validate on"
        )

    def show_lora(self) -> None:
        """Show what was adapted, if anything was."""
        if table := lora_table(self.twin, self.model):
            self.display.say(table)


def lora_table(twin: ModuleType, model: Any) -> str:
    """What was adapted, a row for each kind of layer, and how much of the model trains; "" without LoRA."""
    kinds: dict[str, list[Any]] = {}
    for path, layer in twin.lora.adapted(model).items():
        kinds.setdefault(path.split(".", 2)[-1] if path.startswith("h.") else path, []).append(layer)
    if not kinds:
        return ""
    lines = [f"{'layer':<14}{'how many':>9}{'shape':>16}{'rank':>6}{'alpha':>8}{'trained':>13}"]
    for name, layers in kinds.items():
        out_features, in_features = layers[0].weight.shape
        trained = len(layers) * layers[0].rank * (out_features + in_features)
        shape = f"{out_features} x {in_features}"
        lines.append(f"{name:<14}{len(layers):>9}{shape:>16}{layers[0].rank:>6}{layers[0].alpha:>8g}{trained:>13,}")
    trained = sum(int(np.prod(p.shape)) for p in model.parameters() if p.requires_grad)
    lines.append(f"{'together':<14}{sum(map(len, kinds.values())):>9}{'':>30}{trained:>13,}")
    lines.append(f"{'the whole model, branches included':<53}{model.num_parameters():>13,}")
    return "\n".join(lines)
