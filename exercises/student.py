"""The process in which a student's file runs: it computes, and writes what came of it to a folder. It decides nothing."""

import faulthandler
import json
import os
import sys
import types
import warnings
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from exercises.cutting import Target, find_target
from exercises.given import one_pass_given
from exercises.installing import installed, no_solution, reference, rounds, students_pieces
from exercises.path import (
    find_exercise,
)  # with all probes: imported before a file is loaded, so that every use is known
from exercises.trial import Trial
from numpy_gpt import GPTConfig
from parity_tests.report.checks import CHECKS
from parity_tests.report.evidence import Check, Evidence, gather, raised, save
from parity_tests.report.evidence import load as read_evidence
from parity_tests.report.subject import Subject
from parity_tests.report.trace import Trace

sys.setrecursionlimit(1000)


def probe_check(exercise: Any) -> Check:
    """An exercise's own probe as the report gathers its checks."""

    def ours(subject: Subject, precision: str) -> Iterator[Trace]:
        trial = Trial(subject.seed, precision)
        try:
            exercise.probe(trial)
        except (Exception, SystemExit) as error:
            trial.trace.error = error
        yield trial.trace

    return Check(ours, lambda *_: None)


def run_file(folder: str) -> None:
    """Run the request that lies in the folder."""
    place = Path(folder)
    _redirect(place / "printed.txt")
    warnings.simplefilter("ignore")
    request = json.loads((place / "request.json").read_text(encoding="utf-8"))
    with (place / "stack.txt").open("w", encoding="utf-8") as stack:
        faulthandler.dump_traceback_later(request["seconds"], exit=True, file=stack)
        _run(place, request)
        faulthandler.cancel_dump_traceback_later()


def _redirect(path: Path) -> None:
    """What the file prints goes to a file, and nothing can be read."""
    with path.open("wb") as printed:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(printed.fileno(), 1)
        os.dup2(printed.fileno(), 2)
    sys.stdout = open(1, "w", encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", errors="replace", closefd=False)  # noqa: SIM115
    sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115


def _run(place: Path, request: dict[str, Any]) -> None:
    exercise = find_exercise(request["exercise"])
    targets = [find_target(name) for name in exercise.targets]
    withheld = [find_target(name) for name in exercise.withheld]
    file = Path(request["file"])
    originals = {target: reference(target) for target in (*targets, *withheld)}
    try:
        module = load(file, request["source"], {t: no_solution(t, t in targets) for t in originals})
        calls: Counter = Counter()
        own = students_pieces(module, targets, calls)
    except (Exception, SystemExit) as error:
        save(place / "0.npz", Evidence(error=raised(error, [file])))
        return
    subject = Subject(GPTConfig(**request["config"]), *request["sizes"])
    given = read_evidence(place / "given.npz").traces[0] if (place / "given.npz").exists() else None
    for number, (check, precision, chosen) in enumerate(request["cases"]):
        functions = {target: own[target] for target in rounds(targets)[chosen]} if chosen else own
        for target in targets:  # in her own file too, so that each function is judged by itself
            if len(target.names) == 1:
                setattr(module, target.name, functions.get(target, originals[target]))
        with installed(functions):
            run = probe_check(exercise) if not check else CHECKS[check] if given is None else one_pass_given(given)
            evidence = gather(run, subject, precision, [file])
        sys.stdout.flush()
        save(place / f"{number}.npz", evidence)


def load(file: Path, source: str, absent: dict[Target, Any]) -> types.ModuleType:
    """The student's file as a module, run while the solutions are absent."""
    module = types.ModuleType("my_gpt")
    module.__file__ = str(file.resolve())
    with installed(absent):
        exec(compile(source, module.__file__, "exec"), vars(module))
    return module
