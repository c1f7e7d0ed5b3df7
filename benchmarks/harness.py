"""Fair timing: every contender in a process of its own, in turn, round after round, medians of all rounds.

One process would share its thread pools and its allocator between contenders; one after the other would compare a
cool machine with a hot one.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Contender:
    """name: the row's title; argv: what `python -m MODULE` gets, after which it prints one JSON line of {figure: [values]}."""

    name: str
    argv: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)


def run_rounds(contenders: list[Contender], rounds: int, say: Callable[[str], None] = print) -> dict[str, dict]:
    """{contender: {figure: median over all values of all rounds}}; interleaved A B C, A B C, …"""
    collected: dict[str, dict[str, list[float]]] = {c.name: {} for c in contenders}
    for number in range(rounds):
        for contender in contenders:
            figures = run_once(contender)
            for figure, values in figures.items():
                collected[contender.name].setdefault(figure, []).extend(values)
            shown = ", ".join(f"{figure} {statistics.median(values):.4g}" for figure, values in figures.items())
            say(f"  round {number + 1}, {contender.name}: {shown}")
    return {name: {f: statistics.median(v) for f, v in figures.items()} for name, figures in collected.items()}


def run_once(contender: Contender) -> dict[str, list[float]]:
    env = {**os.environ, **contender.env}
    command = [sys.executable, "-m", *contender.argv]
    done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def report(figures: dict[str, list[float]]) -> None:
    """What a contender's process ends with."""
    print(json.dumps(figures))


def peak_memory_mb() -> float:
    """The largest resident size that this process has had, in MiB (on Windows: its peak working set)."""
    try:
        import resource
    except ImportError:
        import psutil

        return psutil.Process().memory_info().peak_wset / 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 2**10


def machine() -> str:
    """One paragraph: processor, BLAS with its core type, threads."""
    from threadpoolctl import threadpool_info

    np.ones((2, 2)) @ np.ones((2, 2))  # the library is loaded at its first use
    lines = [
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"NumPy {np.__version__}"
    ]
    for pool in threadpool_info():
        core = f", core {pool['architecture']}" if "architecture" in pool else ""
        lines.append(f"{pool['internal_api']} {pool['version']}{core}, {pool['num_threads']} threads")
    setting = os.environ.get("OPENBLAS_CORETYPE")
    lines.append(f"OPENBLAS_CORETYPE is {setting!r}" if setting else "OPENBLAS_CORETYPE is not set")
    return "\n".join(lines)
