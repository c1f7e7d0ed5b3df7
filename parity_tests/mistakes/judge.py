"""Plants a mistake in a copy of the packages, and lets the suite and the report judge the copy.

A judge is a process of its own that keeps torch and the like loaded from one mistake to the next; of our packages it loads
every copy afresh.
"""

import contextlib
import io
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

ROOT = Path(__file__).resolve().parent.parent.parent
PACKAGES = ("numpy_gpt", "torch_gpt", "shared_gpt", "parity_tests")

# The fast part of the suite, and what of it (or beside it) is closest to each file: this is run first.
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
    """caught: the first test that failed, "" if all passed; told: the report's first line, "" if the twins agree for it."""

    caught: str
    told: str


def judges(number: int = 1) -> ProcessPoolExecutor:
    """Processes for `judge`, of one thread each: in models this small, more would only wait for one another."""
    return ProcessPoolExecutor(number, mp_context=get_context("spawn"), initializer=_one_thread)


def _one_thread() -> None:
    for variable in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM"):
        os.environ[f"{variable}_NUM_THREADS"] = "1"  # read when numpy and torch are first imported, which is later


def judge(mistake: Mistake | None) -> Verdict:
    """What the suite and the report say to a copy with the mistake; None: to a faithful copy."""
    with tempfile.TemporaryDirectory() as folder, _fresh_packages(Path(folder)):
        for package in PACKAGES:
            shutil.copytree(ROOT / package, Path(folder, package))
        if mistake is not None:
            path = Path(folder, "numpy_gpt", mistake.file)
            path.write_text(plant(mistake, path.read_text(encoding="utf-8")), encoding="utf-8")
        return Verdict(_first_failure(mistake), _first_line())


def plant(mistake: Mistake, source: str) -> str:
    """The source with the mistake in it."""
    if (times := source.count(mistake.find)) != 1:
        raise ValueError(
            f"The text of {mistake.name!r} occurs {times} times in numpy_gpt/{mistake.file}, and must once: {mistake.find!r}."
        )
    return source.replace(mistake.find, mistake.put)


@contextlib.contextmanager
def _fresh_packages(folder: Path) -> Iterator[None]:
    """Inside it our packages are imported from the folder, and all that this and the tests register is forgotten after."""
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
    import jaxtyping
    import pytest
    from hypothesis import HealthCheck, Phase, settings

    settings.register_profile(
        "judge",
        deadline=None,
        max_examples=10,
        phases=[Phase.explicit, Phase.generate],  # a failing example need not be the smallest
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    jaxtyping.install_import_hook = lambda *_: (
        None
    )  # the checks of shapes know classes by name, so only those of one copy
    options = ["-x", "-q", "--hypothesis-profile=judge", "-c", os.devnull, "--rootdir=.", "-p", "no:cacheprovider"]
    options += ["-p", "no:unraisableexception"]  # it collects garbage three times over, in all that torch has loaded
    first = (mistake.near,) if mistake and mistake.near else CLOSEST[mistake.file] if mistake else ("test_lora",)
    for names in (first, [name for name in SUITE if name not in first]):
        watcher = _Watcher()
        with contextlib.redirect_stdout(io.StringIO()) as out, contextlib.redirect_stderr(io.StringIO()):
            status = pytest.main([*options, *(f"parity_tests/{name}.py" for name in names)], plugins=[watcher])
        if status != (pytest.ExitCode.TESTS_FAILED if watcher.failed else pytest.ExitCode.OK):
            raise RuntimeError(f"The suite could not be run; pytest ended with {status!r}:\n{out.getvalue()}")
        if watcher.failed:
            return watcher.failed
    return ""


class _Watcher:
    """A plugin of pytest that remembers the first failure."""

    failed = ""

    def pytest_runtest_logreport(self, report):
        if report.failed:
            self.failed = self.failed or report.nodeid

    pytest_collectreport = pytest_runtest_logreport


def _first_line() -> str:
    from parity_tests.report.report import Report, describe, first_finding

    finding = first_finding(Report().subject())
    return describe(finding) if finding else ""
