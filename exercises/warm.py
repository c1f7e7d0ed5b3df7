"""The process from which those that run students' files are forked: it has everything imported.

It starts beside the program that judges, while that still imports, so this module imports nothing else.
"""

import multiprocessing
import sys
from functools import cache
from typing import Any


@cache
def context() -> Any:
    """How processes are started here. Windows cannot fork, and on macOS a fork may not use the system's linear algebra, which
    NumPy is built on there."""
    if sys.platform == "darwin" or "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    forking = multiprocessing.get_context("forkserver")
    forking.set_forkserver_preload(["exercises.student"])
    return forking


def warm_up() -> None:
    """Start it now, where the system has it."""
    if context().get_start_method() == "forkserver":
        from multiprocessing.forkserver import ensure_running

        ensure_running()
