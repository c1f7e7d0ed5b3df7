"""From the options of the finetune commands to a run, and from its end to what it is judged by."""

import json
from dataclasses import asdict
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from numpy_gpt.checkpoints.adapters import fingerprint
from numpy_gpt.commands.loading import load_model
from numpy_gpt.files import written_beside
from numpy_gpt.text import (
    InstructionDataset,
    LabelDataset,
    balance,
    load_instructions,
    load_labels,
    save_tokenizer,
    split_examples,
)
from numpy_gpt.text.token_file import fingerprint as token_fingerprint
from numpy_gpt.training.corpus import describe_files
from numpy_gpt.training.display import Display, choose_display
from numpy_gpt.training.finetuning import (
    FineTuning,
    InstructionTuning,
    LabelTuning,
    accuracy,
    answers,
    confusion_matrix,
    exact_matches,
)
from numpy_gpt.training.processes import Processes
from numpy_gpt.training.run_folder import RunFolder
from numpy_gpt.training.settings import TrainSettings
from numpy_gpt.training.start import join, lasting_name
from numpy_gpt.training.state import to_numpy
from numpy_gpt.training.use import TASK, load_classifier

if TYPE_CHECKING:
    from numpy_gpt.commands.finetuning import Instructions, Labels, LoRAOptions


def tune_instructions(twin: ModuleType, options: "Instructions") -> None:
    """The finetune instructions command."""
    folder, settings = prepare_folder(options, "instructions")
    with join(twin, settings) as processes:
        rng = np.random.default_rng(settings.seed)
        model, tokenizer = load_model(twin, options.weights, options.tokenizer, settings.dtype)
        entries = load_instructions(options.data)
        parts = split_examples(
            entries, settings.val_fraction, options.test_fraction, np.random.default_rng([settings.seed, 4])
        )
        length, masks = model.config.context_length, options.mask_prompt
        sets = [
            InstructionDataset(part, tokenizer, length, options.style, masks, skip_long=True) if part else None
            for part in parts
        ]
        train_set, val_set = need(sets[0], "train on"), need(sets[1], "validate on")
        test_entries = sets[2].entries if sets[2] else []
        base = adapt(twin, model, options.lora, rng)
        run = InstructionTuning(
            twin,
            model,
            rng,
            settings,
            tokenizer,
            train_set,
            val_set,
            identity(options, base, tokenizer),
            folder,
            choose_display(),
            processes,
        )
        run.style = options.style
        skipped = sum(part.n_skipped for part in sets if part)
        if skipped:
            run.display.say(f"{skipped} entries are longer than the context of {length} tokens and were left out.")
        describe(run.display, twin, model)
        begin_or_resume(run, folder, options, {"style": options.style}, processes)
        if options.score and run.step == 0 and processes.is_first:
            score(run, "before", test_entries, answers(twin, model, tokenizer, test_entries, options.style))
        run.run()
        if processes.is_first and run.step == settings.steps:
            model = twin.load_gpt2(folder.path)
            given = answers(twin, model, tokenizer, test_entries, options.style)
            if options.score:
                score(run, "after", test_entries, given)
            rows = [{**entry, "response": answer} for entry, answer in zip(test_entries, given)]
            write_json(folder.path / "responses.json", rows)
            run.display.say(f"Answers to {len(rows)} held-out entries: {folder.path / 'responses.json'}")
        say_how_to_go_on(run, folder, "instructions", "chat")


def tune_labels(twin: ModuleType, options: "Labels") -> None:
    """The finetune labels command."""
    folder, settings = prepare_folder(options, "labels")
    with join(twin, settings) as processes:
        rng = np.random.default_rng(settings.seed)
        model, tokenizer = load_model(twin, options.weights, options.tokenizer, settings.dtype)
        rows = load_labels(options.data)
        if options.balanced:
            rows = balance(rows, np.random.default_rng([settings.seed, 5]))
        parts = split_examples(
            rows, settings.val_fraction, options.test_fraction, np.random.default_rng([settings.seed, 4])
        )
        classes = sorted({row.label for row in rows})
        length = model.config.context_length
        sets = [LabelDataset(part, tokenizer, length, classes) if part else None for part in parts]
        train_set, val_set = need(sets[0], "train on"), need(sets[1], "validate on")
        base = base_fingerprint(model)
        twin.add_class_head(model, len(classes), rng)
        if options.lora.lora_rank is None and options.train == "last-block":
            twin.freeze_below_last_block(model)
        adapt(twin, model, options.lora, rng, ("lm_head",))
        run = LabelTuning(
            twin,
            model,
            rng,
            settings,
            tokenizer,
            train_set,
            val_set,
            identity(options, base, tokenizer),
            folder,
            choose_display(),
            processes,
        )
        describe(run.display, twin, model)
        begin_or_resume(run, folder, options, {"classes": classes}, processes)
        run.run()
        if processes.is_first and run.step == settings.steps:
            judge_labels(run, folder, [("train", train_set), ("validation", val_set), ("test", sets[2])], classes)
        say_how_to_go_on(run, folder, "labels", "classify")


def prepare_folder(options: Any, task: str) -> tuple[RunFolder, TrainSettings]:
    """The folder, and the settings: a resumed run keeps its own, but for those given anew."""
    folder = RunFolder(options.out)
    if not options.resume:
        if folder.training.exists():
            raise FileExistsError(
                f"{folder.path} holds a run already; go on with it by --resume, take another --out, or remove the folder."
            )
        return folder, options.training
    kept = folder.read_json(folder.training)
    if kept.get("task") != task:
        raise ValueError(f"{folder.path} is no finetune {task} run; resume it with the command that began it.")
    given = asdict(options.training)
    defaults = asdict(type(options)(weights="").training)
    changed = {key: value for key, value in given.items() if value != defaults[key]}
    return folder, TrainSettings(**(kept["settings"] | changed))


def need(part: Any, purpose: str) -> Any:
    if part is None:
        raise ValueError(f"No example is left to {purpose}; give more data, or other fractions.")
    return part


def adapt(
    twin: ModuleType, model: Any, lora: "LoRAOptions", rng: np.random.Generator, more: tuple[str, ...] = ()
) -> str:
    """Give the model its branches, if a rank was asked for; the fingerprint of the weights before."""
    base = base_fingerprint(model)
    if lora.lora_rank is not None:
        alpha = 2.0 * lora.lora_rank if lora.lora_alpha is None else lora.lora_alpha
        twin.apply_lora(model, lora.lora_rank, alpha, (*lora.lora_targets, *more), lora.lora_dropout, rng)
    return base


def base_fingerprint(model: Any) -> str:
    return fingerprint({name: to_numpy(tensor) for name, tensor in model.state_dict().items()})


def identity(options: Any, base: str, tokenizer: Any) -> dict[str, Any]:
    """What a resumed run must have in common with itself."""
    told = {
        key: value
        for key, value in asdict(options).items()
        if key not in ("training", "resume", "out", "weights", "data")
    }
    lora = told.pop("lora")
    lora["lora_targets"] = list(lora["lora_targets"])
    source = options.data
    data = describe_files([Path(source)]) if Path(source).is_file() else source
    return {**told, **lora, "data": data, "base": base[:16], "vocabulary": token_fingerprint(tokenizer).hex()[:16]}


def begin_or_resume(run: FineTuning, folder: RunFolder, options: Any, told: dict, processes: Processes) -> None:
    if options.resume and folder.last.is_file():
        run.resume(folder)
    elif processes.is_first:
        folder.lock()
        folder.start_over()
        folder.write_json(folder.config, run.config.to_dict())
        save_tokenizer(run.tokenizer, folder.path)
        write_json(folder.path / TASK, told)
        about = {"task": "instructions" if "style" in told else "labels", "weights": lasting_name(options.weights)}
        about |= {"data": lasting_name(options.data), "program": run.twin.__name__}
        folder.write_json(folder.training, {**about, "settings": asdict(run.settings)})


def describe(display: Display, twin: ModuleType, model: Any) -> None:
    """The adapted layers as a table, one row a kind."""
    layers = twin.lora.adapted(model)
    if not layers:
        return
    kinds: dict[str, list[Any]] = {}
    for path, layer in layers.items():
        kinds.setdefault(path.split(".", 2)[-1] if path.startswith("h.") else path, []).append(layer)
    lines = [f"{'layer':<14}{'how many':>9}{'shape':>16}{'rank':>6}{'alpha':>8}{'trained':>12}"]
    for name, same in kinds.items():
        out_features, in_features = same[0].weight.shape
        trained = len(same) * same[0].rank * (out_features + in_features)
        shape = f"{out_features} x {in_features}"
        lines.append(f"{name:<14}{len(same):>9}{shape:>16}{same[0].rank:>6}{same[0].alpha:>8g}{trained:>12,}")
    trained = sum(int(np.prod(p.shape)) for p in model.parameters() if p.requires_grad)
    total = model.num_parameters()
    lines.append(f"{'together':<14}{len(layers):>9}{'':>30}{trained:>12,} of {total:,} ({trained / total:.2%})")
    display.say("\n".join(lines))


def score(run: InstructionTuning, when: str, entries: list, given: list[str]) -> None:
    """Say, and keep in scores.json, how many answers are exactly right, by category."""
    counts = exact_matches(entries, given)
    right, total = (sum(column) for column in zip(*counts.values())) if counts else (0, 0)
    run.display.say(f"exact match {when}: {right} of {total} held-out entries ({right / max(total, 1):.1%})")
    if when == "after":
        for category, (hits, of) in counts.items():
            run.display.say(f"    {category or 'all'}: {hits} of {of}")
    path = run.folder.path / "scores.json"
    kept = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    write_json(path, {**kept, when: {"right": right, "total": total, "by_category": counts}})


def judge_labels(run: LabelTuning, folder: RunFolder, sets: list, classes: list[str]) -> None:
    """Accuracy on all three parts, with the weights that did best; the confusion matrix of the test part as a picture."""
    from numpy_gpt.plots import plot_confusion

    model, _, _ = load_classifier(run.twin, folder)
    scores = {}
    for name, part in sets:
        if part:
            matrix = confusion_matrix(run.twin, model, part, run.settings.batch_size)
            scores[name] = {"accuracy": accuracy(matrix), "confusion": matrix.tolist(), "texts": len(part)}
            run.display.say(f"{name}: {accuracy(matrix):.1%} of {len(part)} texts sorted right")
    write_json(folder.path / "scores.json", scores)
    part = "test" if "test" in scores else "validation"
    picture = folder.path / "confusion.png"
    plot_confusion(np.array(scores[part]["confusion"]), classes, picture, f"{part} texts")
    run.display.say(f"Confusion matrix: {picture}")


def say_how_to_go_on(run: FineTuning, folder: RunFolder, task: str, command: str) -> None:
    program = run.twin.__name__.replace("_", "-")
    if run.step < run.settings.steps:
        kept = folder.read_json(folder.training)
        run.display.say(
            f"Stopped after step {run.step} of {run.settings.steps}; nothing is lost.\n"
            f"Go on with: {program} finetune {task} --weights {kept['weights']} --out {folder.path} --resume"
        )
    else:
        run.display.say(f"Try:    {program} {command} --weights {folder.path}")


def write_json(path: Path, data: Any) -> None:
    with written_beside(path) as file:
        file.write((json.dumps(data, indent=2, ensure_ascii=False) + "\n").encode("utf-8"))
