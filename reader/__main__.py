"""python -m reader build FOLDER: the pages, as static files that open from the disk."""

import sys
import time
import webbrowser
from pathlib import Path
from typing import Annotated

import tyro

from shared_gpt.streams import run_program


def build(folder: Annotated[Path, tyro.conf.Positional] = Path("build/site"), open: bool = False) -> int:
    """Build the pages: one folder of static files that opens from the disk.

    Args:
        folder: where to; empty, absent, or an older site, which is replaced
        open: whether to open the first page in the browser
    """
    from reader.site import build

    start = time.perf_counter()
    number = build(folder)
    print(f"{number} files in {folder}, made in {time.perf_counter() - start:.1f} s; open {folder / 'index.html'}")
    if open:
        webbrowser.open((folder / "index.html").resolve().as_uri())
    return 0


if __name__ == "__main__":
    commands = {"build": build}
    sys.exit(run_program("reader", lambda: tyro.extras.subcommand_cli_from_dict(commands, prog="python -m reader")))
