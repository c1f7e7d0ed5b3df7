"""Training runs that take a fraction of a second: a small model, the first lines of the stories, characters as tokens."""

from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from shared_gpt.config import GPTConfig
from shared_gpt.text import CharTokenizer, load_text, save_tokenizer
from shared_gpt.training.pretraining import Pretraining
from shared_gpt.training.processes import ALONE
from shared_gpt.training.run_folder import RunFolder
from shared_gpt.training.settings import TrainSettings

IDENTITY = {"text": "the first lines of the stories", "tokenizer": "their characters"}


@cache
def text() -> str:
    return load_text("stories")[:2000]


def settings(**changes: Any) -> TrainSettings:
    usual = {"steps": 12, "batch_size": 4, "accumulate": 2, "lr": 1e-2, "warmup": 3, "stride": 3}
    looks = {"eval_every": 4, "eval_batches": 2, "sample_every": 6, "sample_tokens": 5, "save_every": 3}
    return TrainSettings(**(usual | looks | changes))


def tiny_run(twin: ModuleType, path: str | Path | None = None, drop_rate: float = 0.1, **changes: Any) -> Pretraining:
    """A run before its first step; `changes` are settings, or sizes of the model."""
    tokenizer = CharTokenizer(text())
    sizes = {"context_length": 8, "emb_dim": 8, "n_heads": 2, "n_layers": 1}
    sizes |= {key: changes.pop(key) for key in sizes if key in changes}
    other = {key: changes.pop(key) for key in ("display", "processes", "identity") if key in changes}
    config = GPTConfig(vocab_size=tokenizer.n_vocab, drop_rate=drop_rate, **sizes)
    folder = None
    if path is not None and other.get("processes", ALONE).is_first:
        folder = RunFolder(path)
        folder.path.mkdir(parents=True, exist_ok=True)
        save_tokenizer(tokenizer, path)
    tokens = np.array(tokenizer.encode(text()))
    other = {"identity": IDENTITY} | other
    run = Pretraining(twin, config, settings(**changes), tokenizer, tokens, folder=folder, **other)
    run.draw = lambda: None  # a picture takes longer than all steps
    return run


def resumed(twin: ModuleType, path: str | Path, **changes: Any) -> Pretraining:
    """The run of a folder at its last checkpoint, or at its beginning where there is none yet."""
    run = tiny_run(twin, path, **changes)
    if RunFolder(path).checkpoints():
        run.resume(RunFolder(path))
    else:
        run.folder.start_over()
    return run


def trace(run: Pretraining) -> dict[str, Any]:
    """All that must not differ by a bit: the metrics but for the seconds, the samples, the weights."""
    rows = [{key: value for key, value in row.items() if key != "seconds"} for row in run.folder.rows()]
    weights = {name: np.asarray(array).tobytes() for name, array in run.model.state_dict().items()}
    return {"rows": rows, "samples": run.folder.samples.read_text(encoding="utf-8"), "weights": weights}
