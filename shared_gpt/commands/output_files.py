"""Files that a command is asked to write."""

from collections.abc import Collection
from pathlib import Path


def check_folder(*paths: Path | None) -> None:
    """Refuse, before any work, a file in a folder that does not exist."""
    for path in filter(None, paths):
        if not Path(path).parent.is_dir():
            raise FileNotFoundError(
                f"{path} has no place: the folder {Path(path).parent} does not exist; make it first."
            )


def check_picture(*paths: Path | None, suffixes: Collection[str] = (".png",)) -> None:
    """Refuse a picture in a folder that does not exist, or in a format that it cannot have."""
    check_folder(*paths)
    for path in filter(None, paths):
        if Path(path).suffix.lower() not in suffixes:
            raise ValueError(
                f"{path} names no picture that can be drawn; give a name that ends in {' or '.join(suffixes)}."
            )


def check_free(path: Path, force: bool) -> None:
    """Refuse, before any work, to write over a file, or the files of a folder, unless that is asked for."""
    if not force and (path.is_file() or (path.is_dir() and any(path.iterdir()))):
        raise FileExistsError(f"{path} is there already; take another name, or --force to replace it.")
