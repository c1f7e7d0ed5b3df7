"""convert: the same weights for another program."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Literal

from tyro.conf import Positional


@dataclass(frozen=True)
class Convert:
    """Write weights in another layout: for transformers, or for OpenAI's own program."""

    source: Positional[str]
    """A folder, a file, or gpt2, gpt2-medium, gpt2-large, gpt2-xl."""
    out: Positional[Path]
    """The folder to write."""
    layout: Literal["huggingface", "openai"] = "huggingface"
    """config.json and model.safetensors, or hparams.json and model.ckpt."""
    dtype: Literal["same", "float16", "float32", "float64"] = "same"
    """Type of the numbers in the file; same: as in the source."""

    def run(self, twin: ModuleType) -> None:
        from shared_gpt.checkpoints.convert import convert

        files = convert(self.source, self.out, self.layout, None if self.dtype == "same" else self.dtype)
        print(f"wrote {self.out}: {', '.join(files)}")
