"""From a file to the first logits: load_gpt2 against transformers, in time and in memory; and a model of 1.6 billion.

    python -m benchmarks loading [--rounds 5] [--no-large]

The files hold random weights in the shapes of GPT-2's sizes, and are in the system's file cache, for all contenders.
"over" is the peak of the process's resident memory while loading, above what it had once its libraries were imported,
in multiples of the model's own bytes; the time to the first logits counts from there too, and "with import" from the
start of the process.
"""

import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.harness import Contender, machine, peak_memory_mb, report, run_rounds
from shared_gpt.config import GPTConfig

PROMPT = 16  # tokens


@dataclass(frozen=True)
class Loading:
    """Time to the first logits and peak memory while loading GPT-2's weights, against transformers."""

    rounds: int = 5
    """How often each contender has its turn."""
    large: bool = True
    """Also a file of the 1558M shape: 6.2 GB on the disk, up to 9 GB of memory."""
    folder: Path | None = None
    """Where the files are written and kept (6.7 GB, 1 GB without the large one); default: a temporary folder."""

    def run(self) -> None:
        print(machine())
        with tempfile.TemporaryDirectory() as temporary:
            folder = self.folder or Path(temporary)
            small = write_random("gpt2-small", folder, "huggingface")
            openai = write_random("gpt2-small", folder, "openai")
            print("\ngpt2-small, float32, safetensors unless it says otherwise")
            show(
                "gpt2-small",
                run_rounds(
                    [
                        contender("numpy_gpt", small),
                        contender("torch_gpt", small),
                        contender("transformers", small),
                        contender("numpy_gpt", openai, "numpy_gpt, OpenAI's files"),
                        contender("floor", small, "reading the file"),
                    ],
                    self.rounds,
                ),
            )
            if self.large:
                print("\ngpt2-xl, float32, safetensors")
                show("gpt2-xl", run_rounds([contender("numpy_gpt", write_random("gpt2-xl", folder, "huggingface"))], 1))


def contender(name: str, source: Path, title: str = "") -> Contender:
    return Contender(title or name, ("benchmarks.loading", name, str(source)))


def show(preset: str, results: dict[str, dict]) -> None:
    size = model_bytes(preset) / 2**20
    print(f"\n  the model takes {size:,.0f} MiB")
    print(
        f"  {'':28}{'load s':>9}{'first logits s':>16}{'with import s':>15}{'peak MiB':>10}{'over':>7}{'peak, logits':>14}"
    )
    for name, figures in results.items():
        line = (
            f"  {name:28}{figures['load']:9.3f}{figures['logits']:16.3f}{figures['total']:15.3f}{figures['peak']:10.0f}"
        )
        print(line + f"{figures['over'] / size:7.2f}{figures['last']:14.0f}")


def model_bytes(preset: str) -> int:
    from shared_gpt.checkpoints.names import in_model, weight_names

    config = GPTConfig.preset(preset)
    return 4 * sum(int(np.prod(name.shape)) for key, name in weight_names(config).items() if in_model(key, config))


def write_random(preset: str, folder: Path, layout: str) -> Path:
    """A checkpoint with weights of GPT-2's spread, written one tensor at a time."""
    from shared_gpt.checkpoints import save_checkpoint
    from shared_gpt.checkpoints.names import in_model, weight_names

    config, rng = GPTConfig.preset(preset), np.random.default_rng(0)
    shapes = {key: name.shape for key, name in weight_names(config).items() if in_model(key, config)}

    class Random(dict):
        def __getitem__(self, key: str) -> np.ndarray:
            values = rng.standard_normal(shapes[key], np.float32)
            values *= 0.02
            return values + 1 if "ln_" in key and key.endswith("weight") else values

    target = folder / f"{preset}-{layout}"
    if not target.exists():
        save_checkpoint(target, config, Random(shapes), layout, "float32")
    return target


def contend(name: str, source: str) -> None:
    """In a process of its own: one contender's figures."""
    import psutil

    ids = np.random.default_rng(0).integers(0, 50257, (1, PROMPT))
    load, forward = PREPARE[name](source, ids)
    process = psutil.Process()
    before, imported = process.memory_info().rss / 2**20, time.time()
    model = load()
    loaded, peak = time.time(), peak_memory_mb()
    forward(model)
    done = time.time()
    report(
        {
            "load": [loaded - imported],
            "logits": [done - imported],
            "total": [done - process.create_time()],
            "peak": [peak],
            "over": [peak - before],
            "last": [peak_memory_mb()],
        }
    )


def prepare_numpy(source, ids):
    import numpy_gpt
    from numpy_gpt.weights import load_gpt2

    def forward(model):
        with numpy_gpt.no_grad():
            return model(ids)

    return lambda: load_gpt2(source), forward


def prepare_torch(source, ids):
    import torch

    from torch_gpt.weights import load_gpt2

    def forward(model):
        with torch.no_grad():
            return model(torch.from_numpy(ids))

    return lambda: load_gpt2(source), forward


def prepare_transformers(source, ids):
    import torch
    from transformers import GPT2LMHeadModel
    from transformers.utils import logging

    logging.disable_progress_bar()

    def forward(model):
        with torch.no_grad():
            return model(torch.from_numpy(ids)).logits

    return lambda: GPT2LMHeadModel.from_pretrained(source, dtype=torch.float32), forward


def prepare_floor(source, ids):
    """Reading every byte of the file into one buffer of a megabyte."""

    def read():
        buffer = bytearray(1 << 20)
        with open(Path(source) / "model.safetensors", "rb", buffering=0) as file:
            while file.readinto(buffer):
                pass

    return read, lambda _: None


PREPARE = {
    "numpy_gpt": prepare_numpy,
    "torch_gpt": prepare_torch,
    "transformers": prepare_transformers,
    "floor": prepare_floor,
}

if __name__ == "__main__":
    contend(*sys.argv[1:])
