"""From one layout to another, one tensor at a time, and the vocabulary with them."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from shared_gpt.checkpoints.checkpoint import Checkpoint
from shared_gpt.checkpoints.source import open_checkpoint
from shared_gpt.checkpoints.writers import save_checkpoint
from shared_gpt.files import written_beside

VOCABULARY_NAMES = {  # the same two files under two names each: the merges of byte pairs, and the tokens' ids
    "openai": ("vocab.bpe", "encoder.json"),
    "huggingface": ("merges.txt", "vocab.json"),
    "book": ("merges.txt", "vocab.json"),
}


class Weights(Mapping):
    """A checkpoint's tensors by our key, each of them read when it is asked for."""

    def __init__(self, checkpoint: Checkpoint, dtype: str):
        self.checkpoint, self.dtype = checkpoint, dtype

    def __getitem__(self, key: str) -> np.ndarray:
        return self.checkpoint.read(key, self.dtype)

    def __iter__(self) -> Iterator[str]:
        return iter(self.checkpoint.tensors)

    def __len__(self) -> int:
        return len(self.checkpoint.tensors)


def convert(
    source: str | os.PathLike,
    folder: str | os.PathLike,
    layout: str,
    dtype: str | None = None,
    n_heads: int | None = None,
) -> list[str]:
    """Write what `source` holds (anything that open_checkpoint takes) into a folder in a layout; the names of its files.

    dtype: that of the numbers written (None: as they are stored; bfloat16, which NumPy lacks, becomes float32). n_heads: see
    open_checkpoint. If the two
    files of GPT-2's vocabulary lie beside the source, they are copied, too.
    """
    folder = Path(folder)
    with open_checkpoint(source, n_heads) as checkpoint:
        dtype = dtype or checkpoint.dtype.replace("bfloat16", "float32")
        save_checkpoint(folder, checkpoint.config, Weights(checkpoint, dtype), layout, dtype)
        for name, found in zip(VOCABULARY_NAMES[layout], vocabulary_in(checkpoint.path.parent)):
            if not (folder / name).exists():
                with written_beside(folder / name) as file:
                    file.write(found.read_bytes())
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def vocabulary_in(folder: Path) -> list[Path]:
    """The two files of GPT-2's vocabulary in a folder, or none."""
    for names in VOCABULARY_NAMES.values():
        files = [folder / name for name in names]
        if all(file.is_file() for file in files):
            return files
    return []
