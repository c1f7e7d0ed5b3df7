"""inspect: what a file of weights holds."""

from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

from tyro.conf import Positional

if TYPE_CHECKING:
    from rich.table import Table

    from shared_gpt.checkpoints.inspection import ModuleSummary


@dataclass(frozen=True)
class Inspect:
    """Show what a file of weights holds: its layout, sizes and modules, and what would be loaded and ignored."""

    source: Positional[str]
    """A folder, a file, or gpt2, gpt2-medium, gpt2-large, gpt2-xl."""

    def run(self, twin: ModuleType) -> None:
        from rich.console import Console
        from rich.filesize import decimal

        from shared_gpt.checkpoints.fitting import check
        from shared_gpt.checkpoints.inspection import LAYOUT_NAMES, as_stored, by_module, run_state, size_name
        from shared_gpt.checkpoints.source import open_contents, weights_path

        console = Console(highlight=False)
        contents = open_contents(weights_path(self.source))
        console.print(str(contents.path), markup=False, soft_wrap=True)  # a path broken in two can't be copied
        console.print(f"{LAYOUT_NAMES[contents.layout]}, {decimal(contents.file.size)}")
        try:
            checkpoint = check(contents)
        except ValueError:
            console.print(table(as_stored(contents)))
            raise
        modules, config = by_module(checkpoint), checkpoint.config
        sizes = ", ".join(f"{key}={value}" for key, value in config.to_dict().items())
        console.print(f"{size_name(config)}: {sizes}\n", markup=False)
        console.print(table(modules))
        total = sum(module.parameters for module in modules)
        console.print(f"\nloaded: {len(checkpoint.tensors)} tensors, {total:,} parameters")
        for name, reason in list(checkpoint.ignored.items())[:6]:
            console.print(f"ignored: {name} ({reason})", markup=False)
        if len(checkpoint.ignored) > 6:
            console.print(f"ignored: {len(checkpoint.ignored) - 6} more")
        for note in checkpoint.notes:
            console.print(f"note: {note}", markup=False)
        for key, value in run_state(checkpoint).items():
            console.print(f"{key}: {value}", markup=False)
        checkpoint.close()


def table(modules: "list[ModuleSummary]") -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table("tensor or module", "shape", "parameters", "stored as", box=None, padding=(0, 3, 0, 0))
    table.columns[2].justify = "right"
    for module in modules[:40]:
        shape = " × ".join(map(str, module.shape))
        table.add_row(Text(module.name), shape, f"{module.parameters:,}", ", ".join(sorted(module.dtypes)))
    if len(modules) > 40:
        table.add_row(f"… {len(modules) - 40} more")
    return table
