"""The models that ship: how each is trained, from the seed, and how it is packed. `python -m village models` does both.

marren reads (`reading.py`); marren-chat is marren with LoRA's branches, taught by the lessons (`lessons.py`), between which it
recites what it has read (`recitation.py`); marren-spam is marren with other branches and a head of two classes, taught by the
labelled messages. Each is trained by the command that anybody would type, in a folder of its own, and packed in float16. The two
adapters learn beside the base as it is packed, not as it was before it was rounded.
"""

import json
from dataclasses import asdict, replace
from pathlib import Path
from random import Random
from typing import Any

import numpy_gpt
from shared_gpt.checkpoints import load_tensors, shipped
from shared_gpt.checkpoints.adapters import read_adapter, weights_fingerprint, write_adapter
from shared_gpt.checkpoints.run_files import CLASS_HEAD, save_tensors
from shared_gpt.commands.convert import Convert
from shared_gpt.commands.finetune.instructions import Instructions
from shared_gpt.commands.finetune.labels import Labels
from shared_gpt.commands.finetune.options import FineTuneSettings, LoRAOptions
from shared_gpt.commands.loading import load_model
from shared_gpt.commands.model_options import ModelOptions
from shared_gpt.commands.pretrain import Pretrain
from shared_gpt.files import written_beside
from shared_gpt.text import load_tokenizer
from shared_gpt.text.corpora import SHIPPED
from shared_gpt.text.token_file import tokenizer_fingerprint
from shared_gpt.training.corpus import describe_files
from shared_gpt.training.run_folder import RunFolder
from shared_gpt.training.settings import TrainSettings
from village.draw import shuffled
from village.lessons import SEED, make_lessons
from village.measures import Share, shares
from village.model_cards import model_card
from village.reading import make_reading
from village.recitation import recitations

BASE, CHAT, SPAM = shipped.NAMES
STYLE = "qa"
ORIGIN = "origin.json"  # beside each shipped model: what it was made of
FIRST_STEPS = 3  # whose losses the origin keeps, so that a test can train them again
# What the base and the chat's branches have in common.
PACE = {
    "batch_size": 32,
    "warmup": 50,
    "final_lr": 0.02,
    "val_fraction": 0.01,
    "eval_every": 400,
    "eval_batches": 10,
}

Command = Pretrain | Instructions | Labels


def recipes(work: Path, models: Path) -> dict[str, Command]:
    """How each model is trained: work is the folder for texts and runs, models the one that holds the packed base."""
    base = str(models / BASE)
    return {
        BASE: Pretrain(
            text=str(work / "reading.txt"),
            out=work / BASE,
            model=ModelOptions(
                vocab_size=3072, context_length=64, emb_dim=160, n_heads=5, drop_rate=0.0, tie_embeddings=False
            ),
            training=TrainSettings(steps=4400, lr=3e-3, **PACE),
        ),
        CHAT: Instructions(
            weights=base,
            data=str(work / "lessons.json"),
            out=work / CHAT,
            style=STYLE,
            mask_prompt=True,
            test_fraction=0.0,
            lora=LoRAOptions(lora_rank=16, lora_targets=("c_attn", "c_proj", "c_fc", "lm_head")),
            training=FineTuneSettings(steps=6400, lr=2e-3, sample_tokens=24, **PACE),
        ),
        SPAM: Labels(
            weights=base,
            out=work / SPAM,
            lora=LoRAOptions(lora_rank=4),
            training=FineTuneSettings(steps=400, lr=3e-3, eval_every=100),
        ),
    }


def make_models(models: Path, work: Path) -> None:
    """Train and pack all three, in a quarter of an hour on two cores."""
    write_texts(work)
    for name, command in recipes(work, models).items():
        command.run(numpy_gpt)
        pack(name, command, models)


def write_texts(work: Path) -> None:
    """reading.txt and lessons.json, which the recipes train on. The reading has the lessons without the recitations."""
    work.mkdir(parents=True, exist_ok=True)
    lessons = make_lessons()
    (work / "reading.txt").write_bytes(make_reading(lessons).encode())
    lessons = shuffled([*lessons, *recitations()], Random(SEED))
    (work / "lessons.json").write_bytes(json.dumps(lessons, ensure_ascii=False, indent=0).encode())


def pack(name: str, command: Command, models: Path) -> None:
    """Put what a command trained into the folder of a shipped model, with its origin and its card."""
    run, folder = RunFolder(command.out), models / name
    if name == BASE:
        Convert(str(run.last), folder, dtype="float16", force=True).run(numpy_gpt)
    else:
        pack_adapter(run, folder, models)
        write_text(folder / run.task.name, run.task.read_text(encoding="utf-8"))
    made = origin(name, command) | {"figures": figures(name, run, folder)}
    write_text(folder / ORIGIN, json.dumps(made, indent=1) + "\n")
    write_text(folder / "README.md", model_card(name, made))


def write_text(path: Path, text: str) -> None:
    with written_beside(path) as file:
        file.write(text.encode("utf-8"))


def figures(name: str, run: RunFolder, folder: Path) -> dict[str, Share]:
    """How many of its questions, or messages, a packed model gets right, by measure."""
    if name == CHAT:
        model, tokenizer = load_model(numpy_gpt, str(folder.parent / BASE))
        numpy_gpt.load_lora(model, folder)
        numpy_gpt.merge_lora(model)
        return shares(numpy_gpt, model, tokenizer, STYLE)
    if name == SPAM:
        scores = run.read_json(run.scores)
        return {part: (round(score["accuracy"] * score["texts"]), score["texts"]) for part, score in scores.items()}
    return {}


def pack_adapter(run: RunFolder, folder: Path, models: Path) -> None:
    """The branches of a run in float16; a classifier's head, which is small, whole beside them."""
    base = numpy_gpt.load_gpt2(models / BASE)
    adapter = read_adapter(run.adapter)
    head, body = {}, dict(adapter.state)
    if run.confusion.exists():
        best, _ = load_tensors(run.best)
        head = {key.removeprefix("model."): best[key] for key in ("model.lm_head.weight", "model.lm_head.bias")}
        body = {key: matrix for key, matrix in body.items() if not key.startswith("lm_head.")}
    targets = tuple(target for target in adapter.targets if target != "lm_head" or not head)
    fingerprint = weights_fingerprint(base.state_dict())
    named = replace(adapter, state=body, targets=targets, base=fingerprint, base_name=BASE)
    write_adapter(folder, named, "float16")
    if head:
        save_tensors(folder / CLASS_HEAD, head, {})


def origin(name: str, command: Command) -> dict[str, Any]:
    """What a model was made of: fingerprints of its data, tokenizer and settings, and the losses of its first steps."""
    run = RunFolder(command.out)
    losses = [row["loss"] for row in run.rows() if 1 <= row["step"] <= FIRST_STEPS]
    return {"made_by": "python -m village models", **fingerprints(name, command), "first_losses": losses}


def fingerprints(name: str, command: Command) -> dict[str, Any]:
    """Of the data and the tokenizer, and every setting that decides about the weights."""
    data = {BASE: getattr(command, "text", None), SPAM: SHIPPED / "labels.tsv"}.get(name) or command.data
    tokenizer = load_tokenizer(command.out)
    settings = asdict(command)
    for place in ("out", "text", "data", "weights"):
        settings.pop(place, None)
    return {
        "data": describe_files([Path(data)]),
        "tokenizer": tokenizer_fingerprint(tokenizer).hex()[:16],
        "settings": json.loads(json.dumps(chosen(settings))),
    }


def chosen(settings: dict[str, Any]) -> dict[str, Any]:
    """The settings without those that are left out, so that a new option that nobody takes makes no other model."""
    return {
        key: chosen(value) if isinstance(value, dict) else value for key, value in settings.items() if value is not None
    }


def first_steps(name: str, work: Path, models: Path) -> Command:
    """The recipe of a model for its first steps alone. They are those of the whole training: while it warms up, the learning rate
    does not depend on how many steps there will be."""
    command = recipes(work, models)[name]
    short = replace(command.training, steps=FIRST_STEPS, eval_batches=1, sample_every=0)
    return replace(command, training=short)


def packed_bytes(models: Path) -> int:
    """The size of everything that ships."""
    return sum(path.stat().st_size for path in models.rglob("*") if path.is_file())
