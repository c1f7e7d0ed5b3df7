"""Every format that is read: how to make its good files, how to damage each, and what reads them."""

import contextlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from unittest import mock

import numpy as np

import numpy_gpt
from parity_tests.attack import damage
from parity_tests.attack.damage import Damage
from parity_tests.attack.good_files import (
    STORY,
    base_model,
    make_adapter,
    make_bin,
    make_model,
    make_run,
    make_shards,
    make_tokenizer,
    make_tokens,
    make_tuned,
    text_file,
)
from shared_gpt.text import (
    BytePairTokenizer,
    CharTokenizer,
    SimpleTokenizerV2,
    build_vocab,
    load_tokenizer,
    load_tokens,
)
from shared_gpt.text.bpe.huggingface import write_fast_tokenizer
from shared_gpt.text.token_file import tokenizer_fingerprint

RUN_FILES = {
    "training.json": [damage.json_at_random],
    "config.json": [damage.json_at_random],
    "tokenizer.json": [damage.json_at_random],
}


@dataclass(frozen=True)
class Target:
    """A format: `make` fills an empty folder, `damages` has for each file the ways that know its format, `read` does what a
    user of the folder does."""

    make: Callable[[Path], None]
    damages: dict[str, list[Damage]]
    read: Callable[[Path], object]


def resume(folder: Path) -> None:
    """All that `pretrain --resume` does around the training."""
    from shared_gpt.commands.pretrain import Pretrain
    from shared_gpt.training.pretraining import Pretraining

    with mock.patch.object(Pretraining, "run"), contextlib.redirect_stdout(io.StringIO()):
        Pretrain(out=folder, resume=True).run(numpy_gpt)


def resume_tuned(task: Literal["labels", "instructions"]) -> Callable[[Path], object]:
    """All that `finetune labels --resume` or `finetune instructions --resume` does around the training."""
    from shared_gpt.commands import TASKS
    from shared_gpt.training.training_run import TrainingRun

    def resume(folder: Path) -> None:
        with mock.patch.object(TrainingRun, "run"), contextlib.redirect_stdout(io.StringIO()):
            TASKS[task](out=folder, resume=True).run(numpy_gpt)

    return resume


def use_tokenizer(folder: Path) -> None:
    tokenizer = load_tokenizer(folder)
    tokenizer_fingerprint(tokenizer)
    try:
        tokenizer.decode(tokenizer.encode(STORY))
    except ValueError as error:
        if "vocabulary" not in str(error):  # a whole vocabulary may lack a word or a letter of this text
            raise


def use_classifier(folder: Path) -> None:
    from shared_gpt.commands.loading import load_classifier
    from shared_gpt.training.run_folder import RunFolder

    load_classifier(numpy_gpt, RunFolder(folder))


def use_chat(folder: Path) -> None:
    from shared_gpt.text.prompts import PROMPT_STYLES
    from shared_gpt.training.run_folder import RunFolder

    RunFolder(folder).read_task("instructions", "style", Literal[tuple(PROMPT_STYLES)])
    numpy_gpt.load_run(folder)
    load_tokenizer(folder)


def read_tokens(folder: Path) -> None:
    np.asarray(load_tokens(folder / "tokens.bin", CharTokenizer(STORY)))


def load_lines(kind: str, name: str) -> Callable[[Path], object]:
    from shared_gpt.text import load_instructions, load_labels, load_text

    loads = {"labels": load_labels, "instructions": load_instructions, "text": load_text}
    return lambda folder: loads[kind](folder / name)


def metrics_and_picture(folder: Path) -> None:
    from shared_gpt.training.run_folder import RunFolder

    RunFolder(folder).rows()


SAFETENSORS = [damage.header_at_random, damage.numbers_at_random]
JSON = [damage.json_at_random]
QUESTIONS = "".join(f'{{"instruction": "Add {i} and 1.", "input": "", "output": "{i + 1}"}}\n' for i in range(12))
MESSAGES = "".join(f"{'spam' if i % 2 else 'ham'}\tmessage {i}, as it came\n" for i in range(24))
CONFIG = {"config.json": JSON}
TARGETS: dict[str, Target] = {
    "OpenAI's files": Target(
        make_model("openai"),
        {"hparams.json": JSON, "model.ckpt.index": [damage.index_at_random], "checkpoint": [damage.text_at_random]}
        | {"model.ckpt.data-00000-of-00001": []},
        numpy_gpt.load_gpt2,
    ),
    "safetensors": Target(make_model("huggingface"), CONFIG | {"model.safetensors": SAFETENSORS}, numpy_gpt.load_gpt2),
    "shards": Target(
        make_shards,
        {"model.safetensors.index.json": JSON, "model-00001-of-00002.safetensors": SAFETENSORS} | CONFIG,
        numpy_gpt.load_gpt2,
    ),
    "pytorch_model.bin": Target(make_bin(True), CONFIG | {"pytorch_model.bin": []}, numpy_gpt.load_gpt2),
    "pytorch_model.bin of 2019": Target(make_bin(False), CONFIG | {"pytorch_model.bin": []}, numpy_gpt.load_gpt2),
    "the book's model.pth": Target(
        make_model("book"), CONFIG | {"model.pth": [damage.state_at_random]}, numpy_gpt.load_gpt2
    ),
    "a run, resumed": Target(
        make_run,
        RUN_FILES
        | {
            "metrics.csv": [damage.text_at_random],
            "samples.txt": [damage.text_at_random],
            "last.safetensors": SAFETENSORS,
        },
        resume,
    ),
    "a run, loaded": Target(make_run, {"best.safetensors": SAFETENSORS}, numpy_gpt.load_run),
    "metrics": Target(make_run, {"metrics.csv": [damage.text_at_random]}, metrics_and_picture),
    "a classifier": Target(
        make_tuned("labels", MESSAGES, "labels.tsv"),
        {"task.json": JSON, "config.json": JSON, "tokenizer.json": JSON, "best.safetensors": SAFETENSORS},
        use_classifier,
    ),
    "a chat partner": Target(
        make_tuned("instructions", QUESTIONS, "questions.jsonl"),
        {"task.json": JSON, "tokenizer.json": JSON, "best.safetensors": SAFETENSORS},
        use_chat,
    ),
    "a classifier, resumed": Target(
        make_tuned("labels", MESSAGES, "labels.tsv"),
        RUN_FILES | {"task.json": JSON, "last.safetensors": SAFETENSORS, "best.safetensors": SAFETENSORS},
        resume_tuned("labels"),
    ),
    "a chat partner, resumed": Target(
        make_tuned("instructions", QUESTIONS, "questions.jsonl"),
        RUN_FILES | {"task.json": JSON, "last.safetensors": SAFETENSORS, "best.safetensors": SAFETENSORS},
        resume_tuned("instructions"),
    ),
    "a LoRA adapter": Target(
        make_adapter,
        {"adapter_config.json": JSON, "adapter_model.safetensors": SAFETENSORS},
        lambda folder: numpy_gpt.load_lora(base_model(), folder),
    ),
    "tokenizer.json, byte pairs": Target(
        make_tokenizer(lambda: BytePairTokenizer.train(STORY * 9, 290)), {"tokenizer.json": JSON}, use_tokenizer
    ),
    "tokenizer.json, transformers": Target(
        lambda folder: write_fast_tokenizer(folder, BytePairTokenizer.train(STORY * 9, 290), 16),
        {"tokenizer.json": JSON},
        use_tokenizer,
    ),
    "tokenizer.json, characters": Target(
        make_tokenizer(lambda: CharTokenizer(STORY)), {"tokenizer.json": JSON}, use_tokenizer
    ),
    "tokenizer.json, words": Target(
        make_tokenizer(lambda: SimpleTokenizerV2(build_vocab(STORY))), {"tokenizer.json": JSON}, use_tokenizer
    ),
    "vocab.bpe": Target(
        lambda folder: BytePairTokenizer.train(STORY * 9, 290).save(folder),
        {"vocab.bpe": [damage.text_at_random], "encoder.json": JSON},
        use_tokenizer,
    ),
    "a token file": Target(make_tokens, {"tokens.bin": []}, read_tokens),
    "a text": Target(
        text_file("story.txt", STORY * 9), {"story.txt": [damage.text_at_random]}, load_lines("text", "story.txt")
    ),
    "labels, tabs": Target(
        text_file("labels.tsv", MESSAGES), {"labels.tsv": [damage.text_at_random]}, load_lines("labels", "labels.tsv")
    ),
    "labels, commas": Target(
        text_file("labels.csv", 'label,text\nham,"hello, you"\nspam,"win"" now"\n' * 4),
        {"labels.csv": [damage.text_at_random]},
        load_lines("labels", "labels.csv"),
    ),
    "instructions, JSON": Target(
        text_file("entries.json", "[" + ",".join(QUESTIONS.splitlines()) + "]"),
        {"entries.json": [*JSON, damage.text_at_random]},
        load_lines("instructions", "entries.json"),
    ),
    "instructions, lines": Target(
        text_file("entries.jsonl", QUESTIONS),
        {"entries.jsonl": [damage.json_lines_at_random, damage.text_at_random]},
        load_lines("instructions", "entries.jsonl"),
    ),
}
