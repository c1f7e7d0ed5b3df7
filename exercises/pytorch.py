"""PyTorch's gradients, a second opinion beside the reference's, where it is installed. It runs in a process of the judge's own,
in which there is none of a student's code.

It takes seconds to load. So it starts beside the first check, and what it gives for the usual numbers is kept in a file, which
later checks only read.
"""

import hashlib
import importlib.metadata
import importlib.util
import json
import subprocess
import sys
import time
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from numpy_gpt import GPTConfig
from parity_tests.report.evidence import Evidence, load, save
from parity_tests.report.measure import TOLERANCE
from parity_tests.report.subject import Subject
from parity_tests.report.trace import Trace
from shared_gpt.downloads import cache_folder

ASKED = ("one pass", "dropout on", "LoRA")  # checks of whole models that end in gradients
PATIENCE = 4.0  # seconds that a check waits for PyTorch; the next one finds its file

Answers = Mapping[tuple[str, str], Trace]  # by check and precision


class SecondOpinion:
    """What PyTorch gives for a subject; in a folder of one's own, else where downloads are kept."""

    def __init__(self, subject: Subject, folder: Path | None = None, patience: float = PATIENCE):
        """Start PyTorch, unless its answers are there or it is not installed."""
        self.path = (folder or cache_folder() / "exercises") / f"pytorch-{fingerprint(subject)}.npz"
        self.running: subprocess.Popen | None = None
        self.late, self.until = False, time.monotonic() + patience
        if installed() and not self.path.exists():
            request = json.dumps([subject.config.to_dict(), subject.seed, subject.batch_size, subject.length])
            command = [sys.executable, "-m", "exercises.pytorch", str(self.path), request]
            nowhere = subprocess.DEVNULL
            self.running = subprocess.Popen(command, stdin=nowhere, stdout=nowhere, stderr=nowhere)

    def answers(self) -> Answers:
        """By check and precision; nothing where PyTorch is not installed or, `late`, not ready in time."""
        while self.running and self.running.poll() is None and time.monotonic() < self.until:
            time.sleep(0.02)
        self.late = self.running is not None and self.running.poll() is None
        return {} if self.late or not self.path.exists() else _read(self.path)

    def stop(self) -> None:
        """Wait no longer, and end PyTorch's process where it still runs."""
        self.until = 0.0
        if self.running:
            self.running.kill()
            self.running.wait()


def installed() -> bool:
    """Whether there is a PyTorch to ask."""
    try:
        return importlib.util.find_spec("torch") is not None and importlib.util.find_spec("torch_gpt") is not None
    except ImportError:
        return False


def fingerprint(subject: Subject) -> str:
    """Changes with whatever the answers depend on: the subject, PyTorch, and our own files."""
    top = Path(__file__).parent.parent
    files = [path for part in ("torch_gpt", "shared_gpt", "parity_tests/report") for path in (top / part).rglob("*.py")]
    digest = hashlib.sha256(repr((subject, sys.version, _version())).encode())
    for path in sorted([*files, Path(__file__)]):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def _version() -> str:
    try:
        return importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return ""


@cache
def _read(path: Path) -> Answers:
    try:
        traces = load(path).traces
    except (OSError, ValueError, KeyError):
        return {}
    return dict(zip([(check, precision) for check in ASKED for precision in TOLERANCE], traces))


# In PyTorch's process


def main(path: Path, request: str) -> None:
    """Write the answers: whole, or not at all."""
    config, *sizes = json.loads(request)
    subject = Subject(GPTConfig(**config), *sizes)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{path.stem}-{time.time_ns()}.npz")
    traces = [trace(check, subject, precision) for check in ASKED for precision in TOLERANCE]
    save(beside, Evidence(traces=traces))
    beside.replace(path)


def trace(check: str, subject: Subject, precision: str) -> Trace:
    """Every parameter's gradient in one pass."""
    import torch_gpt
    from parity_tests.report.checks.passes import with_branches
    from parity_tests.report.trace import trace_torch

    model: Any
    if check == "LoRA":
        model = with_branches(subject, torch_gpt, precision).train()
    else:
        model = subject.model(torch_gpt, precision, subject.dropping if check == "dropout on" else None)
        model.train(check == "dropout on")
    found, kept = trace_torch(model, torch_gpt.CrossEntropy(), *next(subject.batches())), Trace()
    kept.update({key: np.asarray(array) for key, array in found.items() if key[0] == "gradient"})
    return kept


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
