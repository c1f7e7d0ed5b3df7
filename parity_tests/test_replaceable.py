"""Every name that can be replaced: an exact copy of it agrees to the last bit, and is called."""

import inspect
import textwrap
from pathlib import Path

import numpy as np
import pytest

import numpy_gpt
from numpy_gpt import GPTConfig
from parity_tests.report.checks import CHECKS
from parity_tests.report.evidence import gather
from parity_tests.report.replace import own_names, replaced, rooms
from parity_tests.report.subject import Subject

# What no check calls, and why.
UNCALLED = {
    "attention.AttentionRecord": "its one instance is made when numpy_gpt is imported",
    "module.SavedValues": "as above, in modules that a copy of Module's __init__ makes",
}


def targets(room: str) -> list[str]:
    owner = vars(numpy_gpt)[room] if room in vars(numpy_gpt) else __import__(f"numpy_gpt.{room}", fromlist=["_"])
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


def copy_of(target: str, folder: Path) -> Path:
    """A file with the source of the target, among the room's other names."""
    room, *names = target.split(".")
    owner = __import__(f"numpy_gpt.{room}", fromlist=["_"])
    for name in names[:-1]:
        owner = getattr(owner, name)
    source = textwrap.dedent(inspect.getsource(getattr(owner, names[-1])))
    if len(names) == 2:
        source = source.replace("super()", f"super({names[0]}, self)")
    head = f"import numpy_gpt.{room} as room\n\nglobals().update({{k: v for k, v in vars(room).items() if k[:2] != '__'}})\n\n\n"
    path = folder / "copy.py"
    path.write_text(head + source, encoding="utf-8")
    return path


SUBJECT = Subject(GPTConfig(17, 5, 6, 2, 1), 0, 2, 5)


def evidence() -> list:
    found = {name: gather(check, SUBJECT, "float64") for name, check in CHECKS.items()}
    assert not [name for name, one in found.items() if one.error]
    return [
        (name, i, *key, np.array(a))
        for name, one in found.items()
        for i, t in enumerate(one.traces)
        for key, a in t.items()
    ]


@pytest.fixture(scope="module")
def reference():
    return evidence()


@pytest.mark.parametrize("room", rooms())
def test_an_exact_copy_agrees(room, reference, tmp_path):
    uncalled, apart = [], []
    for target in targets(room):
        with replaced([f"{target}={copy_of(target, tmp_path)}"]) as replacements:
            found = evidence()
        if not replacements.calls[target]:
            uncalled.append(target)
        assert [row[:-1] for row in found] == [row[:-1] for row in reference], target
        apart += [(target, *row[:-1]) for row, own in zip(found, reference) if row[-1].tobytes() != own[-1].tobytes()]
    assert apart == []
    assert [target for target in uncalled if target not in UNCALLED] == []
