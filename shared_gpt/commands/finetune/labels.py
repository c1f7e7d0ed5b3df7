"""finetune labels: from a model that goes on with a text to one that sorts texts into classes."""

from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Literal

from shared_gpt.commands.finetune.options import FineTuneSettings, LoRAOptions
from shared_gpt.options import OptionalInt, OptionalText


@dataclass(frozen=True)
class Labels:
    """Teach a model to sort texts into classes, such as spam and ham."""

    weights: OptionalText = None
    """The model to begin with: a run's folder, a folder or file with GPT-2's weights, or gpt2, gpt2-medium, gpt2-large,
    gpt2-xl."""
    data: str = "labels"
    """Lines of label TAB text, or a .csv; or labels, the set that ships."""
    out: Path = Path("runs/labels")
    """Folder of the run."""
    tokenizer: OptionalText = None
    """By default the one beside the weights, else GPT-2's; otherwise gpt2, stories, characters, or a path."""
    n_heads: OptionalInt = None
    """Attention heads in each block, for weights that do not say: the book's own checkpoints."""
    train: Literal["last-block", "all"] = "last-block"
    """Without LoRA: which weights learn. last-block: the last block, the last LayerNorm and the head."""
    balanced: bool = True
    """Keep as many texts of each class as the rarest class has."""
    test_fraction: float = 0.2
    """Share of the texts that is held out to the end."""
    resume: bool = False
    """Go on where the run in that folder stopped, with the options it began with, except those typed now."""
    lora: LoRAOptions = field(default_factory=LoRAOptions)
    training: FineTuneSettings = field(default_factory=FineTuneSettings)

    def run(self, twin: ModuleType) -> None:
        import numpy as np

        from shared_gpt.commands.finetune.setup import adapt, describe, identify, settle, training_parts
        from shared_gpt.commands.loading import load_classifier, load_model
        from shared_gpt.text import LabelDataset, balance, load_labels
        from shared_gpt.text.labels import LABELS
        from shared_gpt.training.display import choose_display
        from shared_gpt.training.label_tuning import LabelTuning, judge_labels
        from shared_gpt.training.lifecycle import begin_or_resume, claimed, closing_message, errors_of
        from shared_gpt.training.run_folder import RunFolder

        folder = RunFolder(self.out)
        options = settle(self, folder, "labels")
        settings = options.training
        with claimed(twin, settings, folder, may_hold_a_run=self.resume) as processes:
            rng = np.random.default_rng(settings.seed)
            with errors_of(folder.training, when=self.resume):
                model, tokenizer = load_model(twin, options.weights, options.tokenizer, settings.dtype, options.n_heads)
                rows = load_labels(options.data)
                if options.balanced:
                    rows = balance(rows, np.random.default_rng([settings.seed, 5]))
                parts = training_parts(rows, options)
            classes = sorted({row.label for row in rows})
            train_set, val_set, test_set = (
                LabelDataset(part, tokenizer, model.config.context_length, classes) if part else None for part in parts
            )
            identity = identify(options, LABELS, model, tokenizer)
            twin.add_class_head(model, len(classes), rng)
            if options.lora.lora_rank is None and options.train == "last-block":
                twin.freeze_below_last_block(model)
            adapt(twin, model, options.lora, rng, ("lm_head",))
            run = LabelTuning(
                twin, model, rng, settings, tokenizer, train_set, val_set, identity, folder, choose_display(), processes
            )
            run.show_lora()
            begin_or_resume(run, folder, self.resume, describe(options, LABELS, "labels"), {"classes": classes})
            run.run()
            if run.step == settings.steps and processes.is_first:
                best, _, _ = load_classifier(twin, folder)
                sets = {"training": train_set, "validation": val_set, "test": test_set}
                with errors_of(folder.best):
                    judge_labels(twin, best, sets, folder, run.display, settings.batch_size)
            run.display.say(closing_message(run, folder, "finetune labels", "classify"))
