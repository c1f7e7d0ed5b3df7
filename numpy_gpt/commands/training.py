"""pretrain, demo, plot, anatomy: from a text to a model, and what to look at on the way."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import tyro


@dataclass(frozen=True)
class Demo:
    """Train a small model on the stories that ship with the project, in about a minute."""

    out: Path = Path("runs/demo")
    """Folder for the run; an earlier demo there is replaced."""

    def run(self, twin: ModuleType) -> None:
        from numpy_gpt.training.demo import run_demo

        run_demo(twin, self.out)


@dataclass(frozen=True)
class Plot:
    """Draw the losses of a run, or of several in one picture."""

    runs: tyro.conf.Positional[tuple[Path, ...]]
    """Folders of runs."""
    out: Path | None = None
    """The picture; default: loss.png in the folder of a single run, losses.png here for several."""

    def run(self, twin: ModuleType) -> None:
        from numpy_gpt.plots import plot_losses
        from numpy_gpt.training.run_folder import RunFolder

        folders = [RunFolder(path) for path in self.runs]
        if not folders:
            raise ValueError("No run was named; give at least one folder, as in: plot runs/first.")
        out = self.out or (folders[0].picture if len(folders) == 1 else Path("losses.png"))
        print(plot_losses({str(folder.path): folder.rows() for folder in folders}, out))
