"""Try after try: damage one file of a good folder, read the folder, and judge what came of it."""

import os
import shutil
import signal
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from parity_tests.attack.damage import bytes_at_random
from parity_tests.attack.targets import TARGETS, Target

SECONDS, MEGABYTES, LETTERS = 2.0, 150, 2000
HANGS = 60  # seconds after which a try is ended
OUTCOMES = ("read", "clean", "wrong class", "unnamed file", "unreadable", "slow", "large", "crash")
GOOD = ("read", "clean")
CHUNK = 200


@dataclass(frozen=True)
class Try:
    """One try: its number, which seeds all that is drawn, the file, what came of it, and the error's words."""

    number: int
    outcome: str
    file: str = ""
    words: str = ""
    seconds: float = 0.0
    megabytes: float = 0.0


def attack(name: str, tries: range) -> Iterator[Try]:
    """Tries on one format. On systems that can fork, a crash or a hang ends one try and not the attack."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "good"
        folder.mkdir()
        TARGETS[name].make(folder)
        good = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        numbers = list(tries)
        while numbers:
            chunk, done = numbers[:CHUNK], []
            for done_try in (
                in_a_fork(name, folder, good, chunk) if hasattr(os, "fork") else at_once(name, folder, good, chunk)
            ):
                done.append(done_try.number)
                yield done_try
            numbers = [number for number in numbers if number not in set(done)]


def at_once(name: str, folder: Path, good: dict[str, bytes], numbers: list[int]) -> Iterator[Try]:
    for number in numbers:
        yield one_try(TARGETS[name], folder, good, number)


def in_a_fork(name: str, folder: Path, good: dict[str, bytes], numbers: list[int]) -> Iterator[Try]:
    """The same in a child process, whose death is the outcome of the try that it was at."""
    import pickle  # between this process and its own child; no file of anybody's is unpickled

    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        with os.fdopen(writing, "wb") as pipe:
            try:
                for number in numbers:
                    signal.alarm(HANGS)
                    pickle.dump(one_try(TARGETS[name], folder, good, number), pipe)
                    pipe.flush()
            except BaseException:  # a fault of the attack's own must not go on in the child as if it were the parent
                traceback.print_exc()
                os._exit(1)
        os._exit(0)
    os.close(writing)
    done = []
    with os.fdopen(reading, "rb") as pipe:
        while True:
            try:
                done.append(pickle.load(pipe))
            except (EOFError, pickle.UnpicklingError):
                break
            yield done[-1]
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if len(done) < len(numbers):
        yield Try(numbers[len(done)], "crash", words=f"the process ended with {status}")


def one_try(target: Target, folder: Path, good: dict[str, bytes], number: int) -> Try:
    """A try, made again where it was slow: now and then a machine that others use too counts a second for a millisecond."""
    done = once(target, folder, good, number)
    return once(target, folder, good, number) if done.outcome == "slow" else done


def once(target: Target, folder: Path, good: dict[str, bytes], number: int) -> Try:
    """Lay the good files, damage one of them, read."""
    rng = np.random.default_rng(number)
    lay(folder, good)
    file = list(target.damages)[rng.integers(len(target.damages))]
    ways = [bytes_at_random, *target.damages[file]]
    way = ways[rng.integers(len(ways))]
    (folder / file).write_bytes(way(good[file], rng))
    before, start = start_measuring(), time.process_time()  # not by the clock: a busy machine is no fault of the reader
    words, outcome = "", "read"
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            target.read(folder)
    except (ValueError, OSError, ImportError) as error:  # what the commands show as one line
        words = str(error)
        outcome = "clean" if str(folder) in words else "unnamed file"
        if outcome == "clean" and not (words.isprintable() and len(words) <= LETTERS):
            outcome = "unreadable"
        words = f"{type(error).__name__}: {words}"
    except Exception as error:
        words, outcome = f"{type(error).__name__}: {error}", "wrong class"
    seconds, megabytes = time.process_time() - start, megabytes_since(before)
    if outcome in GOOD and seconds > SECONDS:
        outcome = "slow"
    if outcome in GOOD and megabytes > MEGABYTES:
        outcome = "large"
    return Try(number, outcome, f"{file} ({way.__name__})", words[:300], seconds, megabytes)


def lay(folder: Path, good: dict[str, bytes]) -> None:
    """The good files and nothing else."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in good:
            path.unlink()
    for name, data in good.items():
        (folder / name).write_bytes(data)


def start_measuring() -> float:
    """The memory in use now, in megabytes, after which the peak is counted; 0 where the system does not say."""
    try:
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        return from_status("VmRSS")
    except OSError:
        return 0.0


def megabytes_since(before: float) -> float:
    return from_status("VmHWM") - before if before else 0.0


def from_status(key: str) -> float:
    text = Path("/proc/self/status").read_text(encoding="ascii")
    return int(text.split(f"{key}:")[1].split()[0]) / 1000


def count(tries: list[Try]) -> Counter[str]:
    return Counter(done.outcome for done in tries)
