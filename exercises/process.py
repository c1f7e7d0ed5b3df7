"""Starts the process in which a student's file runs, keeps it within limits of time, memory and printing, and reads what it
wrote.

Processes are forked from one that has everything imported, so that each starts in a hundredth of a second; where that
is not safe (see `warm`) each imports anew.
"""

import json
import re
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from exercises.student import run_file
from exercises.warm import context
from parity_tests.report.evidence import Evidence, Raised, load, save
from parity_tests.report.subject import Subject
from parity_tests.report.trace import Trace

SECONDS = 20.0  # for a file, all its cases together
GRACE = 2.0  # beyond which a process that has not ended itself is killed
MEMORY = 1 << 30  # bytes
MOST_PRINTED = 4 << 20  # bytes

# A start looks after all processes of this one, and fails where another thread is just closing one of them.
looking_after_processes = threading.Lock()

Case = tuple[str, str, str]  # a check of the report or "" for the exercise's own probe, precision, the round


@dataclass
class Handed:
    """What the process handed over: evidence by case, in their order, up to the one that ended it; and what it printed."""

    evidence: dict[Case, Evidence] = field(default_factory=dict)
    printed: str = ""
    ended: Raised | None = None  # why it ended before its time


def run_source(
    exercise: str,
    file: Path,
    source: str,
    subject: Subject,
    cases: Sequence[Case],
    seconds: float = SECONDS,
    given: Trace | None = None,
) -> Handed:
    """Run a student's source in a process of its own; `given` are the values that modules hand on in place of theirs."""
    with tempfile.TemporaryDirectory(prefix="gpt-exercise-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        request = {
            "exercise": exercise,
            "file": str(file),
            "source": source,
            "config": subject.config.to_dict(),
            "sizes": [subject.seed, subject.batch_size, subject.length],
            "cases": list(cases),
            "seconds": seconds,
        }
        (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
        if given is not None:
            save(folder / "given.npz", Evidence(traces=[given]))
        process = context().Process(target=run_file, args=(name,), daemon=True)
        with looking_after_processes:
            process.start()
        why = _wait(process, folder, seconds + GRACE)
        handed = _read(folder, cases)
        if len(handed.evidence) < len(cases) and not _failed(handed):
            handed.ended = why or _ending(folder, file, process.exitcode, seconds)
        with looking_after_processes:
            process.close()
    return handed


def _wait(process: Any, folder: Path, seconds: float) -> Raised | None:
    """Wait for the process; end it where it exceeds a limit, and say which."""
    import psutil

    began = time.monotonic()
    try:
        watched = psutil.Process(process.pid)
        while process.exitcode is None:
            process.join(0.01)
            if time.monotonic() - began > seconds:
                return Raised(
                    "TimeoutError", f"it was still running after {seconds:g} s; is there a loop that does not end?"
                )
            if watched.memory_info().rss > MEMORY:
                return Raised(
                    "MemoryError", f"it took more than {MEMORY >> 30} GB of memory; is there an array that grows?"
                )
            if (size := _size(folder / "printed.txt")) > MOST_PRINTED:
                return Raised("PrintError", f"it printed more than {size >> 20} MB; take the print out of the loop.")
    except psutil.Error:  # it ended between two looks
        process.join(seconds)
    finally:
        if process.exitcode is None:
            process.kill()
            process.join()
    return None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _read(folder: Path, cases: Sequence[Case]) -> Handed:
    printed = folder / "printed.txt"
    handed = Handed(printed=printed.read_bytes()[:MOST_PRINTED].decode("utf-8", "replace") if printed.exists() else "")
    for number, case in enumerate(cases):
        path = folder / f"{number}.npz"
        if not path.exists():
            break
        try:
            handed.evidence[case] = load(path)
        except Exception as error:  # whatever a student's process may have left there
            text = f"what your code handed over cannot be read: {error}"
            handed.evidence[case] = Evidence(error=Raised(type(error).__name__, text))
    return handed


def _failed(handed: Handed) -> bool:
    """Whether the file could not even be loaded, which the first evidence then tells."""
    return len(handed.evidence) == 1 and not next(iter(handed.evidence.values())).traces


def _ending(folder: Path, file: Path, status: int | None, seconds: float) -> Raised:
    stack = (folder / "stack.txt").read_text(errors="replace") if (folder / "stack.txt").exists() else ""
    if stack.strip():
        line = next(
            (n for path, n in re.findall(r'File "(.*)", line (\d+)', stack) if Path(path).name == file.name), ""
        )
        place = f"your {file.name}, line {line}: " if line else ""
        return Raised(
            "TimeoutError", f"{place}it was still running after {seconds:g} s; is there a loop that does not end?"
        )
    how = f"signal {-status}" if status is not None and status < 0 else f"exit status {status}"
    return Raised("SystemExit", f"your code ended the program ({how}); a function returns, it does not exit")
