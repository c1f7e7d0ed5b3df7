"""pretrain, demo, plot, anatomy: from a text to a model, and pictures of the way."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Annotated, Literal

from tyro.conf import Positional, arg

from shared_gpt.options import OpenBool, OpenFloat, OpenInt, OpenText
from shared_gpt.training.settings import TrainSettings


@dataclass(frozen=True)
class ModelOptions:
    """Sizes; those left out are the preset's."""

    vocab_size: OpenInt = None
    """How many byte pairs and bytes a tokenizer learnt from the text has; other tokenizers bring their own size."""
    context_length: OpenInt = None
    """The longest sequence, in tokens."""
    emb_dim: OpenInt = None
    """Width of the vector of each position."""
    n_heads: OpenInt = None
    """Attention heads in each layer; they divide emb_dim."""
    n_layers: OpenInt = None
    """Transformer blocks."""
    drop_rate: OpenFloat = None
    """Share of values dropped while training."""
    qkv_bias: OpenBool = None
    """Whether queries, keys and values have a bias."""
    tie_embeddings: OpenBool = None
    """Whether the head is the token embedding itself."""

    def given(self) -> dict[str, int | float | bool]:
        """Those that were asked for."""
        return {key: value for key, value in asdict(self).items() if value is not None}


@dataclass(frozen=True)
class Pretrain:
    """Train a model on a text, from random weights."""

    text: OpenText = None
    """A file, a folder of .txt files, a token file (prepare), or stories, marren, the-verdict, tiny-shakespeare; default:
    stories."""
    preset: OpenText = None
    """classroom, gpt2-small (124M), gpt2-medium, gpt2-large or gpt2-xl; default: classroom."""
    tokenizer: OpenText = None
    """bpe (byte pairs learnt from the text), characters (the text's own), gpt2, or a path; default: bpe for the classroom,
    gpt2 for GPT-2's sizes."""
    out: Path = Path("runs/pretrain")
    """Folder of the run."""
    resume: bool = False
    """Go on where the run in that folder stopped; its own options hold, but for those given anew."""
    tensorboard: bool = False
    """Write the metrics for TensorBoard as well (needs numpy-gpt[tensorboard])."""
    model: ModelOptions = field(default_factory=ModelOptions)
    training: TrainSettings = field(default_factory=TrainSettings)

    def run(self, twin: ModuleType) -> None:
        from shared_gpt.training.start import pretrain

        pretrain(twin, self)


@dataclass(frozen=True)
class Demo:
    """Train a small model on the stories that ship with the project, in about a minute."""

    out: Path = Path("runs/demo")
    """Folder of the run; an earlier demo there is replaced."""

    def run(self, twin: ModuleType) -> None:
        from shared_gpt.training.start import demo

        demo(twin, self.out)


@dataclass(frozen=True)
class Plot:
    """Draw the losses of a run, or of several in one picture."""

    runs: Positional[tuple[Path, ...]]
    """Folders of runs."""
    out: Annotated[Path | None, arg(metavar="PATH", help_behavior_hint="")] = None
    """The picture; default: loss.png in the folder of a single run, losses.png here for several."""

    def run(self, twin: ModuleType) -> None:
        from shared_gpt.plots import plot_losses
        from shared_gpt.training.run_folder import RunFolder

        folders = [RunFolder(path) for path in self.runs]
        if not folders:
            raise ValueError("No run was named; give at least one folder, as in: plot runs/first.")
        out = self.out or (folders[0].picture if len(folders) == 1 else Path("losses.png"))
        print(plot_losses({str(folder.path): folder.rows() for folder in folders}, out))


@dataclass(frozen=True)
class Anatomy:
    """Show what each module of a model costs: parameters, operations, memory; as a table and a picture."""

    preset: str = "classroom"
    """classroom, gpt2-small (124M), gpt2-medium, gpt2-large or gpt2-xl."""
    batch_size: int = 8
    """Sequences in a batch."""
    context: OpenInt = None
    """Tokens in each; default: the model's context_length."""
    dtype: Literal["float32", "float64"] = "float32"
    """Type of weights and activations."""
    teraflops: OpenFloat = None
    """Speed of a machine in 10^12 operations a second, to say how long a step takes on it."""
    out: Path = Path("anatomy.png")
    """The picture."""
    model: ModelOptions = field(default_factory=ModelOptions)

    def run(self, twin: ModuleType) -> None:
        from shared_gpt.anatomy import anatomy, print_anatomy, totals
        from shared_gpt.config import GPTConfig
        from shared_gpt.plots import plot_anatomy

        config = GPTConfig.preset(self.preset, **self.model.given())
        T, itemsize = self.context or config.context_length, {"float32": 4, "float64": 8}[self.dtype]
        parts = anatomy(config, self.batch_size, T, itemsize)
        tokens = self.batch_size * T
        print_anatomy(parts, totals(parts, tokens * config.vocab_size, itemsize), tokens, self.teraflops)
        title = f"{self.preset}, {self.batch_size} × {T} tokens, {self.dtype}"
        print(f"Picture: {plot_anatomy(parts, title, self.out)}")
