"""Several files that take their places in a folder together: a reader finds the old ones or the new ones, never some of each.

The new folder is built beside the old one, with the files that stay, and the two exchange their names in one step. Where the
system has no such step, or the folder holds more than files, the files are moved one by one, the weights before the config
without which they are no model: the old config goes first, the new one comes last.
"""

import ctypes
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from shared_gpt.files import naming

LOCK = ".lock"


@contextmanager
def files_together(folder: Path) -> Iterator[Callable]:
    """Gives a function that opens new files. They take their names in the folder together, at the end; after an error none
    does. Raises BlockingIOError while another process saves there."""
    folder = Path(os.path.realpath(folder))
    created = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    made: list[str] = []

    def create(name: str):
        made.append(name)
        return flushed(beside / name)

    with alone_in(folder):
        beside = empty_folder_beside(folder)
        try:
            with naming(folder):
                yield create
                if not (only_files(folder) and exchange_with(beside, folder, made)):
                    move_in_turn(beside, folder, made)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
            (folder / LOCK).unlink(missing_ok=True)
            if created and not any(folder.iterdir()):
                folder.rmdir()


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """Keep other processes from saving in a folder."""
    from filelock import FileLock, Timeout

    try:
        lock = FileLock(folder / LOCK).acquire(timeout=0)
    except Timeout:
        raise BlockingIOError(f"Another process is saving in {folder}; wait for it, or take another folder.") from None
    with lock:
        yield


def empty_folder_beside(folder: Path) -> Path:
    """A new folder on the same disk, emptied of what a killed process left."""
    for beside in (folder.with_name(f".{folder.name}.incomplete"), folder / ".incomplete"):
        with suppress(PermissionError):  # one may write in a folder and not beside it
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir()
            return beside
    raise PermissionError(f"{folder} cannot be written to; save in another folder.")


def only_files(folder: Path) -> bool:
    """Whether a folder may be exchanged: it holds plain files alone, and no process of ours stands in it."""
    here = Path.cwd().resolve()
    entries = list(os.scandir(folder))
    return folder not in (here, *here.parents) and all(entry.is_file(follow_symlinks=False) for entry in entries)


def exchange_with(beside: Path, folder: Path, made: list[str]) -> bool:
    """Give the folder beside the files that stay, and the two each other's name. False, and nothing is changed, where the
    system cannot."""
    try:
        for path in folder.iterdir():
            if path.name not in made:
                os.link(path, beside / path.name)
        shutil.copystat(folder, beside)
        exchange(beside, folder)
    except (OSError, AttributeError):  # no links on this file system, or no such call in this system
        for path in beside.iterdir():
            if path.name not in made:
                path.unlink()
        return False
    return True


def exchange(one: Path, other: Path) -> None:
    """Exchange the names of two folders in one step: renameat2 of Linux, renamex_np of macOS. Raises OSError where the file
    system cannot, AttributeError where the system cannot."""
    library = ctypes.CDLL(None, use_errno=True)
    paths = os.fsencode(one), os.fsencode(other)
    if sys.platform == "darwin":
        failed = library.renamex_np(*paths, ctypes.c_uint(2))  # RENAME_SWAP
    else:
        here = ctypes.c_int(-100)  # AT_FDCWD
        failed = library.renameat2(here, paths[0], here, paths[1], ctypes.c_uint(2))  # RENAME_EXCHANGE
    if failed:
        raise OSError(ctypes.get_errno(), "cannot exchange two folders", str(other))


def move_in_turn(beside: Path, folder: Path, made: list[str]) -> None:
    """Move the files one by one. The last one's predecessor is put aside first, and back if the first file cannot move."""
    aside, last = beside / ".replaced", folder / made[-1]
    if last.exists():
        os.replace(last, aside)
    try:
        os.replace(beside / made[0], folder / made[0])
    except OSError:
        if aside.exists():
            os.replace(aside, last)
        raise
    for name in made[1:]:
        os.replace(beside / name, folder / name)


@contextmanager
def flushed(path: Path) -> Iterator[BinaryIO]:
    """A new binary file, on the disk when the block ends."""
    with path.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
