"""From one layout to another, one tensor at a time, and the vocabulary with them."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from shared_gpt.checkpoints.checkpoint import Checkpoint
from shared_gpt.checkpoints.source import open_checkpoint
from shared_gpt.checkpoints.writers import save_checkpoint
from shared_gpt.files import written_beside
from shared_gpt.text.bpe.files import GPT2_NAMES, HUGGING_FACE_NAMES, find_gpt2

VOCABULARY_NAMES = {"openai": GPT2_NAMES, "huggingface": HUGGING_FACE_NAMES}


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


def convert(source: str | os.PathLike, folder: str | os.PathLike, layout: str, dtype: str | None = None) -> list[str]:
    """Write what `source` holds (anything that open_checkpoint takes) into a folder in a layout; the names of its files.

    dtype: that of the numbers written (None: as they are stored; bfloat16, which NumPy lacks, becomes float32). If the two
    files of GPT-2's vocabulary lie beside the source, they are copied, too.
    """
    folder = Path(folder)
    with open_checkpoint(source) as checkpoint:
        dtype = dtype or checkpoint.dtype.replace("bfloat16", "float32")
        save_checkpoint(folder, checkpoint.config, Weights(checkpoint, dtype), layout, dtype)
        for name, found in zip(VOCABULARY_NAMES[layout], find_gpt2(checkpoint.path.parent) or ()):
            if not (folder / name).exists():
                with written_beside(folder / name) as file:
                    file.write(found.read_bytes())
    return sorted(path.name for path in folder.iterdir() if path.is_file())
