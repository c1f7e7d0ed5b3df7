"""Judges mutants one after the other, each in a process forked from this one, which has loaded torch and the other libraries.

The child finds a tree of hard links to the project's files, with the mutant's file in its place, and runs tests there: so the
programs that a test starts see the mutant too.
"""

import compileall
import gc
import importlib
import multiprocessing
import os
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path

from parity_tests.mistakes.judge import PACKAGES, ROOT
from parity_tests.mistakes.suite import first_failure
from parity_tests.mutants.mutate import Mutant

ALSO = ("README.md", "pyproject.toml", "run.py", "constraints.txt", "docs", "benchmarks", "village")
# What the tests import at their heads; loaded once, before the first fork.
LIBRARIES = (
    "numpy",
    "torch",
    "hypothesis.strategies",
    "hypothesis.extra.numpy",
    "jaxtyping",
    "pytest",
    "rich.table",
    "tyro",
)
LIBRARIES += ("regex", "tiktoken", "matplotlib.figure", "matplotlib.backends.backend_agg", "threadpoolctl", "filelock")
LIBRARIES += (
    "transformers.models.gpt2.modeling_gpt2",
    "peft",
    "tokenizers",
    "safetensors.torch",
    "tensorflow",
    "_hypothesis_pytestplugin",
)
with suppress(ImportError):  # on Windows, where nothing is judged
    import resource
OPTIONS = ("--assert=plain", "-p", "_hypothesis_pytestplugin")  # what takes long to start is left out
TIME_OUT = "it did not end in time"
MEMORY = 4e9  # bytes that a mutant's tests may take; they take a tenth of it


def load_libraries() -> None:
    """ValueError where a process cannot be forked."""
    if not hasattr(os, "fork"):
        raise ValueError(
            "Mutants are judged in forked processes, which this system does not have; take Linux or macOS."
        )
    for variable in ("OMP", "OPENBLAS", "MKL", "VECLIB_MAXIMUM"):
        os.environ[f"{variable}_NUM_THREADS"] = "1"
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    with _without_errors():
        for name in LIBRARIES:
            importlib.import_module(name)
    for package in PACKAGES:
        compileall.compile_dir(ROOT / package, quiet=2)
    sys.dont_write_bytecode = True
    gc.freeze()


@contextmanager
def _without_errors() -> Iterator[None]:
    """Inside it nothing reaches the error stream, to which TensorFlow writes below Python."""
    before, nowhere = os.dup(2), os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)
        os.close(nowhere)


def judge(mutant: Mutant | None, tests: Sequence[str], seconds: float, likely: Sequence[str] = ()) -> str:
    """The first of these test files' tests that fails with the mutant, or TIME_OUT; "" if all pass. None is no mutant.

    Tests that are `likely` to fail run first."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        process = context.Process(target=_child, args=(theirs, mutant, tests, likely, Path(folder)))
        process.start()
        theirs.close()
        verdict = _verdict(ours, seconds)
        _end(process)
    return verdict


def _verdict(ours: Connection, seconds: float) -> str:
    if not ours.poll(seconds):
        return TIME_OUT
    try:
        kind, words = ours.recv()
    except EOFError:
        return "it ended the process of the tests"
    if kind == "error":
        raise RuntimeError(words)
    return words


def _end(process: multiprocessing.Process) -> None:
    """End the child, with all that it started: it leads a group of processes."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):
        process.kill()
    process.join()


def _child(
    answer: Connection, mutant: Mutant | None, tests: Sequence[str], likely: Sequence[str], folder: Path
) -> None:
    os.setsid()
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    os.environ["TMPDIR"] = str(folder)
    tempfile.tempdir = None
    try:
        _fresh_packages(plant(mutant, folder / "tree"))
        answer.send(("verdict", first_failure(tests, OPTIONS, likely)))
    except BaseException as error:
        answer.send(("verdict", repr(error)) if mutant else ("error", str(error)))
    time.sleep(3600)  # the parent ends it: what the mutant may have set to run at exit does not matter


def _end_with(parent: int) -> None:
    """End this process, and all that it started, when its parent is gone, or when a mutant fills the memory."""
    unit = 1 if sys.platform == "darwin" else 1024  # of what getrusage tells
    while os.getppid() == parent and resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit < MEMORY:
        time.sleep(0.3)
    os.killpg(0, signal.SIGKILL)


def plant(mutant: Mutant | None, folder: Path) -> Path:
    """A tree of links to the project's files, but for the mutant's."""
    for name in (*PACKAGES, *ALSO):
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, copy_function=_link)
        elif (ROOT / name).exists():
            _link(str(ROOT / name), str(folder / name))
    if mutant is not None:
        path = folder / mutant.file
        source = path.read_text(encoding="utf-8")
        path.unlink()
        path.write_text(mutant.apply(source), encoding="utf-8")
    return folder


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


def _fresh_packages(folder: Path) -> None:
    """From now on our packages are imported from the folder; programs that are started there find them too."""
    for name in list(sys.modules):
        if name.split(".")[0] in PACKAGES:
            del sys.modules[name]
    sys.path.insert(0, str(folder))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH", "")]))
    os.chdir(folder)
