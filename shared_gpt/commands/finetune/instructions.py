"""finetune instructions: from a model that goes on with a text to one that answers."""

from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Literal

from shared_gpt.commands.finetune.options import FineTuneSettings, LoRAOptions
from shared_gpt.options import OptionalInt, OptionalText


@dataclass(frozen=True)
class Instructions:
    """Teach a model to answer: prompts and answers in, a chat partner out."""

    weights: OptionalText = None
    """The model to begin with: a run's folder, a folder or file with GPT-2's weights, or gpt2, gpt2-medium, gpt2-large,
    gpt2-xl."""
    data: str = "instructions"
    """A JSON or JSONL file of entries with instruction, input and output; or instructions, the set that ships."""
    out: Path = Path("runs/instructions")
    """Folder of the run."""
    tokenizer: OptionalText = None
    """By default the one beside the weights, else GPT-2's; otherwise gpt2, stories, characters, or a path."""
    n_heads: OptionalInt = None
    """Attention heads in each block, for weights that do not say: the book's own checkpoints."""
    style: Literal["alpaca", "phi3", "qa"] = "alpaca"
    """How a prompt is laid out; chat lays it out the same way."""
    mask_prompt: bool = False
    """Learn from the answers alone, not from the prompts."""
    test_fraction: float = 0.1
    """Share of the entries that is held out to the end; the answers to them go to responses.json."""
    score: bool = False
    """Count exact matches on the held-out entries before and after training, by the category that an entry may name."""
    resume: bool = False
    """Go on where the run in that folder stopped, with the options it began with, except those typed now."""
    lora: LoRAOptions = field(default_factory=LoRAOptions)
    training: FineTuneSettings = field(default_factory=lambda: FineTuneSettings(lr=5e-4, val_fraction=0.05))

    def run(self, twin: ModuleType) -> None:
        import numpy as np

        from shared_gpt.commands.finetune.setup import adapt, describe, identify, settle, training_parts
        from shared_gpt.commands.loading import load_model
        from shared_gpt.text import InstructionDataset, load_instructions
        from shared_gpt.text.instructions import INSTRUCTIONS
        from shared_gpt.training.display import choose_display
        from shared_gpt.training.instruction_tuning import InstructionTuning, answers, keep_score, score_table
        from shared_gpt.training.lifecycle import begin_or_resume, claimed, closing_message, errors_of
        from shared_gpt.training.run_folder import RunFolder

        folder = RunFolder(self.out)
        options = settle(self, folder, "instructions")
        settings, style = options.training, options.style
        with claimed(twin, settings, folder, may_hold_a_run=self.resume) as processes:
            rng = np.random.default_rng(settings.seed)
            with errors_of(folder.training, when=self.resume):
                model, tokenizer = load_model(twin, options.weights, options.tokenizer, settings.dtype, options.n_heads)
                parts = training_parts(load_instructions(options.data), options)
            context_length = model.config.context_length
            train_set, val_set, test_set = (
                InstructionDataset(part, tokenizer, context_length, style, options.mask_prompt, skip_long=True)
                if part
                else None
                for part in parts
            )
            identity = identify(options, INSTRUCTIONS, model, tokenizer)
            adapt(twin, model, options.lora, rng)
            run = InstructionTuning(
                twin, model, rng, settings, tokenizer, train_set, val_set, identity, folder, choose_display(), processes
            )
            if skipped := sum(dataset.n_skipped for dataset in (train_set, val_set, test_set) if dataset):
                run.display.say(
                    f"{skipped} entries are longer than the context of {context_length} tokens and were left out."
                )
            run.show_lora()
            begin_or_resume(run, folder, self.resume, describe(options, INSTRUCTIONS, "instructions"), {"style": style})
            held_out = test_set.entries if test_set and processes.is_first else []
            if options.score and run.step == 0 and held_out:
                keep_score(folder, "before", held_out, answers(twin, model, tokenizer, held_out, style))
            run.run()
            if run.step == settings.steps and held_out:
                with errors_of(folder.best):
                    responses = answers(twin, twin.load_run(folder.path), tokenizer, held_out, style)
                if options.score:
                    run.display.say(score_table(keep_score(folder, "after", held_out, responses)))
                answered = [{**entry, "response": response} for entry, response in zip(held_out, responses)]
                folder.write_json(folder.responses, answered)
                run.display.say(f"Answers to {len(held_out)} held-out entries: {folder.responses}")
            run.display.say(closing_message(run, folder, "finetune instructions", "chat"))
