"""What the NumPy twin computes in a check: arrays, which another process can hand over, with the exception that ended it.

Evidence travels in files of arrays and text alone, so that nothing that a student's process writes can run in the report's.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from parity_tests.report.subject import Subject
from parity_tests.report.trace import Trace
from parity_tests.report.where import where_raised


@dataclass(frozen=True)
class Check:
    """One thing that both twins do: what the NumPy twin computes, trace by trace, and the comparison of that with PyTorch's."""

    ours: Callable[[Subject, str], Iterator[Trace]]
    compare: Callable[[Any, list[Trace]], None]  # takes a Comparison
    once: bool = False  # in one precision alone: whole tokens are compared, or files


@dataclass(frozen=True)
class Raised:
    """An exception in words: its class, and what it says and where."""

    kind: str
    text: str


@dataclass
class Evidence:
    """The traces of a check; `error` ended it, in the module and direction `running` where it was in one."""

    traces: list[Trace] = field(default_factory=list)
    error: Raised | None = None
    running: tuple[str, str] | None = None


def gather(check: Check, subject: Subject, precision: str, files: Sequence[Path] = ()) -> Evidence:
    """Compute the evidence here. Of an error in a trace, the trace itself tells; a student's `files` are called `your ...`."""
    evidence = Evidence()
    try:
        for trace in check.ours(subject, precision):
            evidence.traces.append(trace)
            if trace.error:
                trace.error = evidence.error = raised(trace.error, files)
                evidence.running = tuple(trace.running[-1]) if trace.running else None
                break
    except (Exception, SystemExit) as error:
        evidence.error = raised(error, files)
    return evidence


def raised(error: BaseException, files: Sequence[Path]) -> Raised:
    return Raised(type(error).__name__, where_raised(error, files))


def save(path: Path, evidence: Evidence) -> None:
    """Write the file: whole, or not there."""
    arrays: list[np.ndarray] = []
    traces = []
    for trace in evidence.traces:
        keys = []
        for key, value in trace.items():
            array = np.asarray(value)
            keys.append([*key, len(arrays)])
            arrays.append(array if array.dtype.kind in "biuf" else np.array(np.nan))
        traces.append({"keys": keys, "running": trace.running, "error": trace.error and vars(trace.error)})
    page = {"traces": traces, "error": evidence.error and vars(evidence.error), "running": evidence.running}
    beside = path.with_suffix(".part")
    with beside.open("wb") as file:
        np.savez(file, page=np.array(json.dumps(page)), **{f"a{i}": array for i, array in enumerate(arrays)})
    beside.replace(path)


def load(path: Path) -> Evidence:
    """Read what `save` wrote. Raises ValueError, KeyError or OSError for a file that is no evidence."""
    with np.load(path, allow_pickle=False) as file:
        page = json.loads(str(file["page"]))
        evidence = Evidence(error=_error(page["error"]), running=_running(page["running"]))
        for record in page["traces"]:
            trace = Trace()
            for place, name, i in record["keys"]:
                trace[place, name] = file[f"a{i}"]
            trace.error, trace.running = _error(record["error"]), [_running(pair) for pair in record["running"]]
            evidence.traces.append(trace)
    return evidence


def _error(record: dict | None) -> Raised | None:
    return Raised(str(record["kind"]), str(record["text"])) if record else None


def _running(pair: list | None) -> tuple[str, str] | None:
    return (str(pair[0]), str(pair[1])) if pair else None
