"""Plants a mistake in a copy of the packages, and lets the suite and the report judge the copy.

A judge is a process of its own. It keeps torch and the other libraries loaded from one mistake to the next, and imports our
packages afresh from every copy.
"""

import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from parity_tests.mistakes.mistake import Mistake
from parity_tests.mistakes.suite import first_failure

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("numpy_gpt", "torch_gpt", "tensorflow_gpt", "shared_gpt", "parity_tests")

# The fast part of the suite; and for each file the tests closest to it, which run first.
SUITE = ("test_layers", "test_attention", "test_loss", "test_optim", "test_model_parity", "test_bookkeeping")
SUITE += ("test_properties", "test_kv_cache")
CLOSEST = {
    "functional.py": ("test_layers", "test_attention"),
    "layers.py": ("test_layers",),
    "attention.py": ("test_attention",),
    "block.py": ("test_model_parity",),
    "model.py": ("test_model_parity", "test_kv_cache"),
    "loss.py": ("test_loss",),
    "optim.py": ("test_optim",),
    "module.py": ("test_bookkeeping",),
    "kv_cache.py": ("test_kv_cache",),
    "lora.py": ("test_lora",),
}


@dataclass(frozen=True)
class Verdict:
    """How the suite and the report took a mistake."""

    failed_test: str  # the first; "" if all passed
    report: str  # the finding that it prints first; "" if the twins agree


def judges(number: int = 1) -> ProcessPoolExecutor:
    """Processes for `judge`, each with one thread: in models this small, several would only wait for one another."""
    return ProcessPoolExecutor(number, mp_context=get_context("spawn"), initializer=_one_thread)


def _one_thread() -> None:
    for variable in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM"):
        os.environ[f"{variable}_NUM_THREADS"] = "1"  # read when numpy and torch are first imported, which is later


def judge(mistake: Mistake | None) -> Verdict:
    """The verdict on a copy with the mistake in it, or on a faithful copy for None."""
    with planted(mistake):
        return Verdict(_first_failure(mistake), _first_finding())


@contextlib.contextmanager
def planted(mistake: Mistake | None) -> Iterator[None]:
    """Inside it our packages are imported from a copy with the mistake in it."""
    with tempfile.TemporaryDirectory() as folder, _fresh_packages(Path(folder)):
        for package in PACKAGES:
            shutil.copytree(ROOT / package, Path(folder, package))
        if mistake is not None:
            path = Path(folder, "numpy_gpt", mistake.file)
            path.write_text(plant(mistake, path.read_text(encoding="utf-8")), encoding="utf-8")
        yield


def plant(mistake: Mistake, source: str) -> str:
    """The source with the mistake in it."""
    if (times := source.count(mistake.find)) != 1:
        raise ValueError(
            f"The text of {mistake.name!r} must occur once in numpy_gpt/{mistake.file}, and does {times} times: {mistake.find!r}."
        )
    return source.replace(mistake.find, mistake.put)


@contextlib.contextmanager
def _fresh_packages(folder: Path) -> Iterator[None]:
    """Inside it our packages are imported from the folder; afterwards they, and the import hooks of the tests, are forgotten."""
    state = sys.path[:], sys.meta_path[:], dict(sys.modules), Path.cwd()
    for name in list(sys.modules):
        if name.split(".")[0] in PACKAGES:
            del sys.modules[name]
    sys.path.insert(0, str(folder))
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(state[3])
        sys.path[:], sys.meta_path[:] = state[:2]
        for name in list(sys.modules):
            if name.split(".")[0] in PACKAGES:
                del sys.modules[name]
        sys.modules.update({name: module for name, module in state[2].items() if name.split(".")[0] in PACKAGES})


def _first_failure(mistake: Mistake | None) -> str:
    """The first test to fail, of the closest ones and then of the rest."""
    first: tuple[str, ...] = ("test_lora",)  # the one that SUITE lacks
    if mistake is not None:
        first = (mistake.first_test,) if mistake.first_test else CLOSEST[mistake.file]
    for names in (first, [name for name in SUITE if name not in first]):
        if failed := first_failure(names):
            return failed
    return ""


def _first_finding() -> str:
    from parity_tests.report.report import Report, first_finding
    from parity_tests.report.wording import describe

    finding = first_finding(Report().subject())
    return describe(finding) if finding else ""
