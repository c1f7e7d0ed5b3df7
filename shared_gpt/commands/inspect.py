"""inspect: what a file of weights holds."""

from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

from tyro.conf import Positional

from shared_gpt.options import OptionalInt

if TYPE_CHECKING:
    from rich.table import Table

    from shared_gpt.checkpoints.inspection import ModuleSummary


@dataclass(frozen=True)
class Inspect:
    """Show what a file of weights holds: its layout, sizes and modules, and what would be loaded and ignored."""

    source: Positional[str] = "marren"
    """A folder, a file, marren or marren-chat, or gpt2, gpt2-medium, gpt2-large, gpt2-xl."""
    n_heads: OptionalInt = None
    """Attention heads in each block, for a source that does not say."""

    def run(self, twin: ModuleType) -> None:
        from rich.console import Console
        from rich.filesize import decimal

        from shared_gpt.checkpoints.fitting import check
        from shared_gpt.checkpoints.inspection import LAYOUT_NAMES, as_stored, by_module, run_state, size_name
        from shared_gpt.checkpoints.source import open_contents, settle_heads, weights_path
        from shared_gpt.streams import printable

        console = Console(highlight=False)

        def say(line: str, soft_wrap: bool = False) -> None:
            console.print(printable(line, allowed=""), markup=False, soft_wrap=soft_wrap)

        contents = open_contents(weights_path(self.source))
        say(str(contents.path), soft_wrap=True)  # a path broken in two can't be copied
        say(f"{LAYOUT_NAMES[contents.layout]}, {decimal(contents.file.size)}")
        try:
            settle_heads(contents, self.n_heads)
            checkpoint = check(contents)
        except ValueError:
            console.print(table(as_stored(contents)))
            raise
        modules, config = by_module(checkpoint), checkpoint.config
        sizes = ", ".join(f"{key}={value}" for key, value in config.to_dict().items())
        say(f"{size_name(config)}: {sizes}")
        say("")
        console.print(table(modules))
        total = sum(module.parameters for module in modules)
        say("")
        say(f"loaded: {len(checkpoint.tensors)} tensors, {total:,} parameters")
        for name, reason in list(checkpoint.ignored.items())[:6]:
            say(f"ignored: {name} ({reason})")
        if len(checkpoint.ignored) > 6:
            say(f"ignored: {len(checkpoint.ignored) - 6} more")
        for note in checkpoint.notes:
            say(f"note: {note}")
        for key, value in run_state(checkpoint).items():
            say(f"{key}: {value}")
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
