"""Starts the process in which a student's code runs, waits for it within a time limit, and reads what it handed over.

A student's code may end its process, never end at all, or change the judge in memory. So it runs apart and hands over arrays;
PyTorch's results, the comparison and the verdict belong to the process that started it.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from parity_tests.report.checks import CHECKS
from parity_tests.report.evidence import Evidence, Raised, load
from parity_tests.report.replace import read_spec
from parity_tests.report.subject import Subject
from parity_tests.report.where import StudentError

ROOT = Path(__file__).resolve().parents[2]
GRACE = 5.0  # seconds beyond the limit in which the process should have ended itself


@dataclass
class Handed:
    """What the process handed over: evidence by precision and check, the calls of each target, and all that it printed."""

    evidence: dict[str, dict[str, Evidence]]
    calls: Mapping[str, int] = field(default_factory=dict)
    printed: str = ""


def run_student(specs: Sequence[str], subject: Subject, checks: Sequence[tuple[str, str]], seconds: float) -> Handed:
    """Run the NumPy side of these (precision, check) with the replacements; each check may take so many seconds.

    Raises ValueError or FileNotFoundError for a spec that does not fit, StudentError for a file that cannot be loaded.
    """
    plans = [read_spec(spec) for spec in specs]
    with tempfile.TemporaryDirectory(prefix="gpt-parity-") as name:
        folder = Path(name)
        _write_request(folder, specs, subject, checks, seconds)
        with (folder / "printed.txt").open("wb") as printed:
            command = [sys.executable, "-m", "parity_tests.report.student", name]
            path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
            environment = os.environ | {"PYTHONPATH": path, "PYTHONIOENCODING": "utf-8"}
            with subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=printed, stderr=subprocess.STDOUT, env=environment
            ) as process:
                late = _wait(process, folder, seconds + GRACE)
        return _read(folder, [path for *_, path in plans], checks, process.returncode, seconds, late)


def _write_request(
    folder: Path, specs: Sequence[str], subject: Subject, checks: Sequence[tuple[str, str]], seconds: float
) -> None:
    request = {
        "replace": list(specs),
        "config": subject.config.to_dict(),
        "sizes": [subject.seed, subject.batch_size, subject.length],
        "checks": list(checks),
        "seconds": seconds,
    }
    (folder / "request.json").write_text(json.dumps(request), encoding="utf-8")
    if subject.state is not None:
        np.savez(folder / "state.npz", **subject.state)


def _wait(process: subprocess.Popen, folder: Path, seconds: float) -> bool:
    """Wait for the end; kill a process that has begun no check for so long. Whether that was so."""
    began, last = time.monotonic(), ""
    try:
        while True:
            try:
                process.wait(0.02)
                return False
            except subprocess.TimeoutExpired:
                files = sorted(path.name for path in folder.glob("*.npz"))
                if str(files) != last:
                    began, last = time.monotonic(), str(files)
                if time.monotonic() - began > seconds:
                    return True
    finally:
        process.kill()


def _read(
    folder: Path, files: Sequence[Path], checks: Sequence[tuple[str, str]], status: int, seconds: float, late: bool
) -> Handed:
    printed = (folder / "printed.txt").read_text(encoding="utf-8", errors="replace")
    handed = Handed({precision: {} for precision, _ in checks}, printed=printed)
    for precision, name in checks:
        path = folder / f"{precision}-{list(CHECKS).index(name)}.npz"
        if not path.exists():
            break
        try:
            evidence = load(path)
        except Exception as error:  # whatever a student's process may have left there
            evidence = Evidence(
                error=Raised(type(error).__name__, f"what your code handed over cannot be read: {error}")
            )
        handed.evidence[precision][name] = evidence
        if evidence.error:
            break
    end = _end(folder)
    if "request" in end:
        raise ValueError(end["request"])
    if "student" in end:
        raise StudentError(end["student"])
    handed.calls = {str(target): int(n) for target, n in end.get("calls", {}).items()}
    missing = next(((p, name) for p, name in checks if name not in handed.evidence[p]), None)
    failed = any(evidence.error for found in handed.evidence.values() for evidence in found.values())
    if missing and not failed:
        stack = (folder / "stack.txt").read_text(errors="replace") if (folder / "stack.txt").exists() else ""
        if stack.strip() or late:
            reason = (
                f"{_place(stack, files)}: it was still running after {seconds:g} s; is there a loop that does not end?"
            )
            error = Raised("TimeoutError", reason)
        else:
            how = f"exit status {status}" if status >= 0 else f"signal {-status}"
            tail = "".join(f"\n    {line}" for line in printed.splitlines()[-1:])
            error = Raised("SystemExit", f"your code ended the program ({how}); leave os._exit and the like out{tail}")
        if not (folder / "check.txt").exists():
            raise StudentError(f"While {files[0].name} was being loaded: {error.text}")
        handed.evidence[missing[0]][missing[1]] = Evidence(error=error)
    return handed


def _end(folder: Path) -> dict:
    try:
        end = json.loads((folder / "end.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return end if isinstance(end, dict) else {}


def _place(stack: str, files: Sequence[Path]) -> str:
    """`your mine.py, line 3, in gelu`: the innermost line of a student's file in what faulthandler wrote."""
    own = {str(path.resolve()): path.name for path in files}
    for file, line, function in re.findall(r'File "(.*)", line (\d+) in (.*)', stack):
        if (found := own.get(str(Path(file).resolve()))) is not None:
            return f"your {found}, line {line}" + (f", in {function}" if function != "<module>" else "")
    return "your code"
