"""`python -m notebooks build|check [NAME ...]`: make the notebooks from their sources, or see that they still hold.

    build   run the source and write the .ipynb beside it, pictures and all
    check   the rules of the course, source and .ipynb alike, and the same results when run anew (what the tests run)

NAME is a number or a name (02, 02_attention); without one, all of them.
"""

import argparse
import os
import sys
import time

from notebooks.files import chosen, load, missing, stored, write
from notebooks.rules import broken_rules
from notebooks.running import CellFailed, run
from notebooks.same import differences
from shared_gpt.streams import run_program


def build(name: str) -> list[str]:
    """Make one notebook; what it breaks of the rules."""
    notebook = run(load(name))
    write(name, notebook)
    return broken_rules(name, notebook)


def check(name: str) -> list[str]:
    """What is wrong with one notebook, a line for each fault."""
    old, source = stored(name), load(name)
    faults = broken_rules(name, old)
    if [(cell.cell_type, cell.source) for cell in old.cells] != [
        (cell.cell_type, cell.source) for cell in source.cells
    ]:
        return [*faults, f"{name}.ipynb was made from another {name}.py; run `python -m notebooks build {name}`."]
    return faults + differences(old, run(source))


def processor_seconds() -> float:
    """What this process and its finished kernels have computed so far; a busy machine does not lengthen it."""
    spent = os.times()
    return sum(spent[:4])


def main(args: list[str] | None = None) -> int:
    return run_program("notebooks", lambda: command(sys.argv[1:] if args is None else args))


def command(args: list[str]) -> int:
    parser = argparse.ArgumentParser(
        "python -m notebooks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("build", "check"))
    parser.add_argument("names", nargs="*", metavar="NAME")
    request = parser.parse_args(args)
    wrong = 0
    for name in chosen(request.names):
        if reason := missing(name):
            print(f"{name:24} skipped: {reason}", flush=True)
            continue
        start, before = time.perf_counter(), processor_seconds()
        try:
            faults = (build if request.what == "build" else check)(name)
        except CellFailed as error:
            faults = [str(error)]
        spent = f"{time.perf_counter() - start:5.0f} s, {processor_seconds() - before:.0f} s of the processor"
        print(f"{name:24} {spent}  {'wrong' if faults else 'ok'}", flush=True)
        for fault in faults:
            print(f"    {fault}")
        wrong += bool(faults)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
