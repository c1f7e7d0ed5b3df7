"""`python -m parity_tests.copies ROOM`: replace each of the room's names by an exact copy, and print as JSON what came of it."""

import importlib
import inspect
import json
import sys
import tempfile
import textwrap
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from numpy_gpt import GPTConfig
from parity_tests.report.checks import CHECKS
from parity_tests.report.evidence import gather
from parity_tests.report.replace import TEXT, file_of_text, own_names, replaced
from parity_tests.report.subject import Subject


def targets(room: str) -> list[str]:
    owner = importlib.import_module(f"numpy_gpt.{room}")
    found = []
    for name in own_names(owner):
        value = getattr(owner, name)
        if f"{room}.{name}" not in ("module.Module", "module.Parameter"):
            found.append(f"{room}.{name}")
        if isinstance(value, type):
            found += [
                f"{room}.{name}.{method}" for method in own_names(value) if inspect.isfunction(vars(value)[method])
            ]
    return found


def copy_of(target: str, folder: Path, change: Callable[[str], str] = str) -> Path:
    """A file with the source of the target, changed where a change is given, among the room's other names."""
    room, *names = target.split(".")
    file = owner = file_of_text(names[0]) if room == TEXT else importlib.import_module(f"numpy_gpt.{room}")
    for name in names[:-1]:
        owner = getattr(owner, name)
    source = textwrap.dedent(inspect.getsource(getattr(owner, names[-1])))
    if len(names) == 2:
        source = source.replace("super()", f"super({names[0]}, self)")
    head = f'import importlib\n\nroom = importlib.import_module("{file.__name__}")\n'
    head += "globals().update({k: v for k, v in vars(room).items() if k[:2] != '__'})\n\n\n"
    path = folder / "copy.py"
    path.write_text(head + change(source), encoding="utf-8")
    return path


SUBJECT = Subject(GPTConfig(17, 5, 6, 2, 1), 0, 2, 5)


def evidence() -> list:
    found = {name: gather(check, SUBJECT, "float64") for name, check in CHECKS.items()}
    errors = {name: one.error.text for name, one in found.items() if one.error}
    if errors:
        raise RuntimeError(errors)
    return [
        (name, i, *key, np.array(a))
        for name, one in found.items()
        for i, t in enumerate(one.traces)
        for key, a in t.items()
    ]


def tried(room: str) -> dict[str, dict]:
    """For each target how often it was called, and what differs by a bit or more."""
    reference, results = evidence(), {}
    for target in targets(room):
        results[target] = found = {"calls": 0, "apart": []}
        try:
            with (
                tempfile.TemporaryDirectory() as folder,
                replaced([f"{target}={copy_of(target, Path(folder))}"]) as replacements,
            ):
                own = evidence()
        except Exception as error:
            found["apart"] = [f"{type(error).__name__}: {error}"]
            continue
        found["calls"] = replacements.calls[target]
        if [row[:-1] for row in own] != [row[:-1] for row in reference]:
            found["apart"] = ["other values are there"]
        else:
            pairs = zip(own, reference)
            found["apart"] = [str(a[:-1]) for a, b in pairs if a[-1].tobytes() != b[-1].tobytes()]
    return results


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    print(json.dumps(tried(sys.argv[1])))
