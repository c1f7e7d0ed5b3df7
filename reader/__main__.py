"""The pages of the reader.

python -m reader build FOLDER     # the pages, as static files
python -m reader bake             # judge planted mistakes anew whose text has changed (minutes)
python -m reader train            # train the tiny model whose numbers the pages show (seconds)
"""

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


def bake(everything: bool = False) -> int:
    """Judge planted mistakes, and keep what the suite and the report say of them for the pages.

    Args:
        everything: all of them, not only those whose text has changed
    """
    from reader.guards import VERDICTS, bake

    print(f"{bake(everything)} mistakes judged; see {VERDICTS.name}")
    return 0


def train() -> int:
    """Train the tiny model whose numbers the pages show, from the seed."""
    from reader.tiny import WEIGHTS, train

    print(f"loss {train():.3f}; written to {WEIGHTS.name}")
    return 0


def main() -> int:
    commands = {"build": build, "bake": bake, "train": train}
    return tyro.extras.subcommand_cli_from_dict(commands, prog="python -m reader")


if __name__ == "__main__":
    sys.exit(run_program("reader", main))
