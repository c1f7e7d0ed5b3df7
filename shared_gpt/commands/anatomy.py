"""anatomy: what each module of a model costs."""

from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Literal

from shared_gpt.commands.model_options import ModelOptions
from shared_gpt.options import OptionalFloat, OptionalInt


@dataclass(frozen=True)
class Anatomy:
    """Show what each module of a model costs: parameters, operations, memory; as a table and a picture."""

    preset: str = "classroom"
    """classroom, gpt2-small (124M), gpt2-medium, gpt2-large or gpt2-xl."""
    batch_size: int = 8
    """Sequences in a batch."""
    context: OptionalInt = None
    """Tokens in each; default: the model's context_length."""
    dtype: Literal["float32", "float64"] = "float32"
    """Type of weights and activations."""
    teraflops: OptionalFloat = None
    """Speed of a machine in 10^12 operations a second, to say how long a step takes on it."""
    out: Path = Path("anatomy.png")
    """The picture."""
    model: ModelOptions = field(default_factory=ModelOptions)

    def run(self, twin: ModuleType) -> None:
        from shared_gpt.anatomy import anatomy, print_anatomy, totals
        from shared_gpt.commands.output_files import check_picture
        from shared_gpt.config import GPTConfig
        from shared_gpt.plots import plot_anatomy

        check_picture(self.out)
        config = GPTConfig.preset(self.preset, **self.model.chosen())
        T, itemsize = self.context or config.context_length, {"float32": 4, "float64": 8}[self.dtype]
        parts = anatomy(config, self.batch_size, T, itemsize)
        tokens = self.batch_size * T
        print_anatomy(parts, totals(parts, tokens * config.vocab_size, itemsize), tokens, self.teraflops)
        title = f"{self.preset}, {self.batch_size} × {T} tokens, {self.dtype}"
        print(f"Picture: {plot_anatomy(parts, title, self.out)}")
