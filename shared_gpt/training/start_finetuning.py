"""From the options of the finetune commands to a run, new or taken up again, and from its end to what it is judged by."""

from dataclasses import asdict, fields, is_dataclass, replace
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from shared_gpt.checkpoints.adapters import weights_fingerprint
from shared_gpt.commands.loading import load_model
from shared_gpt.text import (
    InstructionDataset,
    LabelDataset,
    Tokenizer,
    balance,
    load_instructions,
    load_labels,
    save_tokenizer,
    split_examples,
)
from shared_gpt.text.corpora import source_path
from shared_gpt.text.instructions import INSTRUCTIONS
from shared_gpt.text.labels import LABELS
from shared_gpt.text.token_file import tokenizer_fingerprint
from shared_gpt.training.corpus import describe_files
from shared_gpt.training.display import choose_display
from shared_gpt.training.finetuning import FineTuning, InstructionTuning, LabelTuning, answers
from shared_gpt.training.judging import judge_labels, keep_score, lora_table, score_table
from shared_gpt.training.processes import Processes
from shared_gpt.training.run_folder import RunFolder
from shared_gpt.training.start import join, lasting_name
from shared_gpt.training.state import to_numpy
from shared_gpt.training.use import TASK, load_classifier

if TYPE_CHECKING:
    from shared_gpt.commands.finetuning import Instructions, Labels, LoRAOptions

Options = TypeVar("Options")
NAMED = INSTRUCTIONS | LABELS
NO_PART = (
    "training",
    "resume",
    "out",
    "weights",
    "data",
    "tokenizer",
    "score",
)  # of what makes a run the one that it is


def tune_instructions(twin: ModuleType, options: "Instructions") -> None:
    """The finetune instructions command."""
    folder, options = settle(options, "instructions")
    settings = options.training
    with join(twin, settings) as processes:
        claim(folder, options, processes)
        rng = np.random.default_rng(settings.seed)
        model, tokenizer = load_model(twin, options.weights, options.tokenizer, settings.dtype)
        parts = split(load_instructions(options.data), options)
        length, style = model.config.context_length, options.style
        sets = [
            InstructionDataset(part, tokenizer, length, style, options.mask_prompt, skip_long=True) if part else None
            for part in parts
        ]
        told = identity(options, model, tokenizer)
        adapt(twin, model, options.lora, rng)
        run = InstructionTuning(
            twin, model, rng, settings, tokenizer, *sets[:2], told, folder, choose_display(), processes
        )
        if skipped := sum(part.n_skipped for part in sets if part):
            run.display.say(f"{skipped} entries are longer than the context of {length} tokens and were left out.")
        begin_or_resume(run, options, {"style": style}, "instructions")
        held_out = sets[2].entries if sets[2] and processes.is_first else []
        if options.score and run.step == 0 and held_out:
            keep_score(folder, "before", held_out, answers(twin, model, tokenizer, held_out, style))
        run.run()
        if run.step == settings.steps and held_out:
            given = answers(twin, twin.load_run(folder.path), tokenizer, held_out, style)
            if options.score:
                run.display.say(score_table(keep_score(folder, "after", held_out, given)))
            responses = folder.path / "responses.json"
            folder.write_json(responses, [{**entry, "response": answer} for entry, answer in zip(held_out, given)])
            run.display.say(f"Answers to {len(held_out)} held-out entries: {responses}")
        run.display.say(closing_words(run, "instructions", "chat"))


def tune_labels(twin: ModuleType, options: "Labels") -> None:
    """The finetune labels command."""
    folder, options = settle(options, "labels")
    settings = options.training
    with join(twin, settings) as processes:
        claim(folder, options, processes)
        rng = np.random.default_rng(settings.seed)
        model, tokenizer = load_model(twin, options.weights, options.tokenizer, settings.dtype)
        rows = load_labels(options.data)
        if options.balanced:
            rows = balance(rows, np.random.default_rng([settings.seed, 5]))
        classes = sorted({row.label for row in rows})
        sets = [
            LabelDataset(part, tokenizer, model.config.context_length, classes) if part else None
            for part in split(rows, options)
        ]
        told = identity(options, model, tokenizer)
        twin.add_class_head(model, len(classes), rng)
        if options.lora.lora_rank is None and options.train == "last-block":
            twin.freeze_below_last_block(model)
        adapt(twin, model, options.lora, rng, ("lm_head",))
        run = LabelTuning(twin, model, rng, settings, tokenizer, *sets[:2], told, folder, choose_display(), processes)
        begin_or_resume(run, options, {"classes": classes}, "labels")
        run.run()
        if run.step == settings.steps and processes.is_first:
            best, _, _ = load_classifier(twin, folder)
            parts = dict(zip(("training", "validation", "test"), sets))
            judge_labels(twin, best, parts, folder, run.display, settings.batch_size)
        run.display.say(closing_words(run, "labels", "classify"))


def settle(options: Options, task: str) -> tuple[RunFolder, Options]:
    """The folder, and the options: a run that goes on keeps its own, but for those given anew."""
    folder = RunFolder(options.out)
    if options.resume:
        kept = folder.read_json(folder.training)
        if kept.get("task") != task:
            raise ValueError(f"{folder.path} is no finetune {task} run; resume it with the command that began it.")
        options = kept_unless_given(options, type(options)(), kept["options"] | {"training": kept["settings"]})
    elif options.weights is None:
        raise ValueError(
            "No model to begin with; give --weights: the folder of a pretrain run, GPT-2's files, or gpt2 by name."
        )
    return folder, options


def kept_unless_given(options: Options, default: Options, kept: dict[str, Any]) -> Options:
    """Options in which whatever has its default value is as it was kept."""
    changes = {}
    for name in [field.name for field in fields(options) if field.name in kept]:
        value, usual = getattr(options, name), getattr(default, name)
        if is_dataclass(value):
            changes[name] = kept_unless_given(value, usual, kept[name])
        elif value == usual:
            changes[name] = tuple(kept[name]) if isinstance(kept[name], list) else kept[name]
    return replace(options, **changes)


def claim(folder: RunFolder, options: Any, processes: Processes) -> None:
    """Hold the folder; refuse one that holds another run."""
    if processes.is_first:
        folder.lock()
        if folder.training.exists() and not options.resume:
            raise FileExistsError(
                f"{folder.path} holds a run already; go on with it by --resume, take another --out, or remove the folder."
            )


def split(examples: list, options: Any) -> tuple[list, list, list]:
    """Training, validation and held-out examples; the first two are not empty."""
    fractions = options.training.val_fraction, options.test_fraction
    parts = split_examples(examples, *fractions, np.random.default_rng([options.training.seed, 4]))
    for part, name in zip(parts, ("train", "validate")):
        if not part:
            raise ValueError(
                f"{options.data} has {len(examples)} examples, and none is left to {name} on; "
                "give more, or other --val-fraction and --test-fraction."
            )
    return parts


def adapt(twin: ModuleType, model: Any, lora: "LoRAOptions", rng: np.random.Generator, more: tuple = ()) -> None:
    """Give the model its branches, if a rank was asked for."""
    if lora.lora_rank is not None:
        alpha = 2.0 * lora.lora_rank if lora.lora_alpha is None else lora.lora_alpha
        twin.apply_lora(model, lora.lora_rank, alpha, (*lora.lora_targets, *more), lora.lora_dropout, rng)


def identity(options: Any, model: Any, tokenizer: Tokenizer) -> dict[str, Any]:
    """What a run that goes on must have in common with the run that began; model: as it came, nothing added yet."""
    told = {key: value for key, value in asdict(options).items() if key not in NO_PART}
    lora = told.pop("lora")
    weights = weights_fingerprint({name: to_numpy(tensor) for name, tensor in model.state_dict().items()})
    return {
        **told,
        **lora,
        "lora_targets": list(lora["lora_targets"]),
        "data": describe_files([source_path(options.data, NAMED)]),
        "weights": f"sha256 {weights[:16]}",
        "tokenizer": tokenizer_fingerprint(tokenizer).hex()[:16],
    }


def begin_or_resume(run: FineTuning, options: Any, task: dict[str, Any], name: str) -> None:
    """Fill a new folder with all that tells how the run was made (training.json comes last and makes it a run), or take up
    the run where its last checkpoint left it."""
    folder = RunFolder(options.out)
    if table := lora_table(run.twin, run.model):
        run.display.say(table)
    if options.resume and folder.last.is_file():
        run.resume(folder)
    elif run.processes.is_first:
        folder.start_over()
        folder.write_json(folder.config, run.config.to_dict())
        save_tokenizer(run.tokenizer, folder.path)
        folder.write_json(folder.path / TASK, task)
        kept = {key: value for key, value in asdict(options).items() if key not in ("training", "resume", "out")}
        for key in ("weights", "data", "tokenizer"):
            kept[key] = kept[key] if kept[key] in (None, *NAMED) else lasting_name(kept[key])
        about = {"task": name, "program": run.twin.__name__, "options": kept}
        folder.write_json(folder.training, {**about, "settings": asdict(run.settings)})


def closing_words(run: FineTuning, task: str, command: str) -> str:
    if not run.folder:
        return ""
    program, out = run.twin.__name__.replace("_", "-"), run.folder.path
    if run.step < run.settings.steps:
        return (
            f"Stopped after step {run.step} of {run.settings.steps}; nothing is lost.\n"
            f"Go on with: {program} finetune {task} --out {out} --resume"
        )
    best = f" (best: step {run.best['step']}, validation loss {run.best['val_loss']:.3f})" if run.best else ""
    return f"Done in {run.seconds:.0f} s{best}.\nTry:    {program} {command} --weights {out}"
