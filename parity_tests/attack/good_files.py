"""Good files of every format that is read: each function fills an empty folder."""

import contextlib
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

import numpy_gpt
from numpy_gpt import GPTConfig
from shared_gpt.cli import main
from shared_gpt.text import BytePairTokenizer, CharTokenizer
from shared_gpt.text.token_file import prepare
from shared_gpt.text.tokenizer import write_tokenizer

TINY = GPTConfig(vocab_size=3, context_length=2, emb_dim=4, n_heads=2, n_layers=1)
STORY = "The cat sat on the mat, and the dog did not. Who knows why?\n"
SIZES = ["--emb-dim", "8", "--n-heads", "2", "--n-layers", "1", "--context-length", "24"]
FEW = ["--steps", "2", "--batch-size", "2", "--eval-batches", "1", "--eval-every", "1", "--sample-tokens", "2"]


def make_model(layout: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        numpy_gpt.save_gpt2(numpy_gpt.GPTModel(TINY, rng=np.random.default_rng(0)), folder, layout)

    return make


def make_shards(folder: Path) -> None:
    from safetensors.numpy import load_file, save_file

    make_model("huggingface")(folder)
    whole = load_file(folder / "model.safetensors")
    (folder / "model.safetensors").unlink()
    files = {name: f"model-0000{1 + i % 2}-of-00002.safetensors" for i, name in enumerate(whole)}
    for file in set(files.values()):
        save_file({name: whole[name] for name in whole if files[name] == file}, folder / file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": files}), encoding="utf-8")


def make_bin(zipped: bool) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        import torch
        from safetensors.torch import load_file

        make_model("huggingface")(folder)
        torch.save(
            load_file(folder / "model.safetensors"), folder / "pytorch_model.bin", _use_new_zipfile_serialization=zipped
        )
        (folder / "model.safetensors").unlink()

    return make


def command(*args: str) -> None:
    with contextlib.redirect_stdout(io.StringIO()):
        if status := main(numpy_gpt, list(args)):
            raise RuntimeError(f"{args[0]} ended with {status}")


def make_run(folder: Path) -> None:
    text = folder.parent / f"{folder.name}.txt"  # beside the folder: not a file of the run
    text.write_text(STORY * 30, encoding="utf-8")
    command("pretrain", "--text", str(text), "--tokenizer", "characters", *FEW, *SIZES, "--out", str(folder))
    for name in (".lock", "loss.png"):
        (folder / name).unlink(missing_ok=True)


def make_tuned(task: str, data: str, name: str) -> Callable[[Path], None]:
    def make(folder: Path) -> None:
        base, source = folder.parent / f"{folder.name}-base", folder.parent / f"{folder.name}-{name}"
        source.write_text(data, encoding="utf-8")
        BytePairTokenizer.train(data + STORY, 280).save(folder.parent / f"{folder.name}.json")
        sizes = ["--emb-dim", "8", "--n-heads", "2", "--n-layers", "1", "--context-length", "96"]
        text = folder.parent / f"{folder.name}-story.txt"
        text.write_text(STORY * 200, encoding="utf-8")
        tokenizer = ["--tokenizer", str(folder.parent / f"{folder.name}.json")]
        command("pretrain", "--text", str(text), *tokenizer, *FEW, *sizes, "--out", str(base))
        style = ["--style", "qa"] if task == "instructions" else []
        tune = ["finetune", task, "--weights", str(base), "--data", str(source), "--out", str(folder), *style]
        command(
            *tune,
            "--steps",
            "2",
            "--batch-size",
            "2",
            "--eval-batches",
            "1",
            "--eval-every",
            "1",
            "--val-fraction",
            "0.2",
        )
        for path in folder.iterdir():
            if path.suffix not in (".json", ".safetensors", ".csv", ".txt"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    return make


def make_adapter(folder: Path) -> None:
    model = base_model()
    numpy_gpt.apply_lora(model, 2, 4.0, rng=np.random.default_rng(1))
    numpy_gpt.save_lora(model, folder)


def base_model() -> numpy_gpt.GPTModel:
    return numpy_gpt.GPTModel(TINY, rng=np.random.default_rng(0))


def make_tokenizer(tokenizer) -> Callable[[Path], None]:
    return lambda folder: write_tokenizer(folder / "tokenizer.json", tokenizer())


def make_tokens(folder: Path) -> None:
    (folder / "story.txt").write_text(STORY * 30, encoding="utf-8")
    prepare(folder / "story.txt", CharTokenizer(STORY), folder / "tokens.bin", progress=False)


def text_file(name: str, text: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).write_text(text, encoding="utf-8")
