"""inspect, convert: what a file of weights holds, and the same weights for another program."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Literal

from tyro.conf import Positional


@dataclass(frozen=True)
class Inspect:
    """Show what a file of weights holds: its layout, sizes and modules, and what would be loaded and ignored."""

    source: Positional[str]
    """A folder, a file, or gpt2, gpt2-medium, gpt2-large, gpt2-xl."""

    def run(self, twin: ModuleType) -> None:
        from rich.console import Console
        from rich.table import Table

        from numpy_gpt.checkpoints.inspection import LAYOUTS, by_module, run_state, size_name
        from numpy_gpt.checkpoints.source import open_checkpoint

        console = Console(highlight=False)
        with open_checkpoint(self.source) as checkpoint:
            modules, config = by_module(checkpoint), checkpoint.config
            table = Table("module", "weight", "parameters", "stored as", box=None, padding=(0, 3, 0, 0))
            table.columns[2].justify = "right"
            for module in modules:
                shape = " × ".join(map(str, module.shape))
                table.add_row(module.name, shape, f"{module.parameters:,}", ", ".join(sorted(module.dtypes)))
            console.print(f"[bold]{checkpoint.path}[/]", soft_wrap=True)
            console.print(f"{LAYOUTS[checkpoint.layout]}, {checkpoint.file.size / 1e6:,.1f} MB, {size_name(config)}\n")
            console.print(", ".join(f"{key} {value}" for key, value in config.to_dict().items()) + "\n")
            console.print(table)
            total = sum(module.parameters for module in modules)
            console.print(f"\nloaded: {len(checkpoint.tensors)} tensors, [bold]{total:,}[/] parameters")
            for name, reason in list(checkpoint.ignored.items())[:6]:
                console.print(f"ignored: {name} ({reason})", markup=False)
            if len(checkpoint.ignored) > 6:
                console.print(f"ignored: {len(checkpoint.ignored) - 6} more like these")
            for note in checkpoint.notes:
                console.print(f"note: {note}", markup=False)
            for key, value in run_state(checkpoint).items():
                console.print(f"{key}: {value}", markup=False)


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
    """The numbers in the file; same: as they are in the source."""

    def run(self, twin: ModuleType) -> None:
        from numpy_gpt.checkpoints.convert import convert

        files = convert(self.source, self.out, self.layout, None if self.dtype == "same" else self.dtype)
        print(f"wrote {self.out}: {', '.join(files)}")
