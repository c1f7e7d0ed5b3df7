"""plot: the losses of runs as a picture."""

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from tyro.conf import Positional

from shared_gpt.options import OptionalPath


@dataclass(frozen=True)
class Plot:
    """Draw the losses of a run, or of several in one picture."""

    runs: Positional[tuple[Path, ...]]
    """Folders of runs."""
    out: OptionalPath = None
    """The picture; default: loss.png in the folder of a single run, losses.png here for several."""

    def run(self, twin: ModuleType) -> None:
        from shared_gpt.commands.output_files import check_picture
        from shared_gpt.plots import plot_losses
        from shared_gpt.training.run_folder import RunFolder

        folders = [RunFolder(path) for path in self.runs]
        if not folders:
            raise ValueError("No run was named; give at least one folder, as in: plot runs/first.")
        out = self.out or (folders[0].picture if len(folders) == 1 else Path("losses.png"))
        check_picture(self.out)
        names = short_names([folder.path for folder in folders])
        print(plot_losses(dict(zip(names, [folder.rows() for folder in folders])), out))


def short_names(paths: list[Path]) -> list[str]:
    """Each path by its last part, or by as many as it takes to tell them apart."""
    whole = [path.resolve().parts for path in paths]
    for n in range(1, max(map(len, whole)) + 1):
        names = ["/".join(parts[-n:]) for parts in whole]
        if len(set(names)) == len(set(whole)):
            break
    return names
