"""Files that a command is asked to write."""

from pathlib import Path


def check_folder(*paths: Path | None) -> None:
    """Refuse, before any work, a file in a folder that does not exist."""
    for path in filter(None, paths):
        if not Path(path).parent.is_dir():
            raise FileNotFoundError(
                f"{path} has no place: the folder {Path(path).parent} does not exist; make it first."
            )
