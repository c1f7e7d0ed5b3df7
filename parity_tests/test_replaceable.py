"""Every name that can be replaced: an exact copy of it agrees to the last bit, and is called; a mutant of it gets a verdict that
says where, and never a crash."""

import ast
import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from parity_tests.copies import SUBJECT, copy_of, targets
from parity_tests.report.checks import CHECKS
from parity_tests.report.comparison import Comparison
from parity_tests.report.evidence import gather, load, save
from parity_tests.report.replace import replaced, rooms
from parity_tests.report.where import StudentError
from parity_tests.report.wording import describe

# A module and its direction, a function, a check, or a line of the student's file.
PLACE = re.compile(
    r"(With .*: )?(\S+|the model)(, (forward|backward|training|step))? \(.+ in \S+\.py\): "
    r"|(\S+|the model), (forward|backward|training) \(your own\): |\S+ \(\w+\.py\): |With .+: |your \S+, line"
)

# What no check calls, and why. The report refuses these.
UNCALLED = {
    "attention.AttentionRecord": "its one instance is made when numpy_gpt is imported",
    "module.NoGradBlocks": "as above",
    "train.Progress": "a tuple of four names, without a method of its own",
    "train.Progress._replace": "as above",
    "train.Progress._asdict": "as above",
}


@pytest.mark.parametrize("room", rooms())
def test_an_exact_copy_agrees(room):
    """In a process of its own, in which no test's import hook checks that a model is of numpy_gpt's own class."""
    done = subprocess.run(
        [sys.executable, "-m", "parity_tests.copies", room], capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    results = json.loads(done.stdout.splitlines()[-1])
    assert {target: found["apart"] for target, found in results.items() if found["apart"]} == {}
    uncalled = [target for target, found in results.items() if not found["calls"] and target not in UNCALLED]
    assert uncalled == []


HAND_WRITTEN = ("functional", "layers", "attention", "block", "model", "loss", "lora", "optim", "sampling", "kv_cache")
FUNCTIONS = [t for room in HAND_WRITTEN for t in targets(room) if not t.split(".")[-1][0].isupper()]
KINDS = ("drop a statement", "swap operands", "change an axis", "return None", "return another shape")


def mutated(source: str, kind: str, number: int) -> str:
    """The source with the change, in the place that the number picks among those that are there."""
    tree = ast.parse(source)
    body = tree.body[0].body
    docstring = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
    if kind == "drop a statement" and len(body) - docstring > 1:
        del body[docstring + number % (len(body) - docstring)]
    elif kind == "swap operands" and (found := [n for n in ast.walk(tree) if isinstance(n, ast.BinOp)]):
        node = found[number % len(found)]
        node.left, node.right = node.right, node.left
    elif kind == "change an axis" and (found := _axes(tree)):
        found[number % len(found)].value = ast.Constant(0)
    elif kind == "return another shape" and (found := _returns(tree)):
        node = found[number % len(found)]
        node.value = ast.Subscript(node.value, ast.Constant(None), ast.Load())
    elif found := _returns(tree):
        found[number % len(found)].value = ast.Constant(None)
    return ast.unparse(ast.fix_missing_locations(tree))


def _returns(tree):
    return [n for n in ast.walk(tree) if isinstance(n, ast.Return) and n.value is not None]


def _axes(tree):
    return [n for n in ast.walk(tree) if isinstance(n, ast.keyword) and n.arg == "axis"]


def verdict(target: str, kind: str, number: int) -> list[str]:
    """What the report says of the mutant, in float64."""
    with tempfile.TemporaryDirectory() as folder:
        path = copy_of(target, Path(folder), lambda source: mutated(source, kind, number))
        handed = {}
        try:
            with replaced([f"{target}={path}"]) as replacements:
                for name, check in CHECKS.items():
                    save(Path(folder, "evidence.npz"), gather(check, SUBJECT, "float64", replacements.files))
                    handed[name] = load(Path(folder, "evidence.npz"))
                    if handed[name].error:
                        break
        except StudentError as error:
            return [str(error)]
    comparison = Comparison(SUBJECT, "float64", handed).run(CHECKS)
    assert comparison.findings or all(entry.agrees for entry in comparison.entries)
    return [describe(finding) for finding in comparison.findings]


@given(target=st.sampled_from(FUNCTIONS), kind=st.sampled_from(KINDS), number=st.integers(0, 9))
@example(target="functional._normalize", kind="change an axis", number=0)
@example(target="functional.layer_norm", kind="return None", number=0)
@example(target="model.GPTModel.initialize_as_pytorch", kind="swap operands", number=0)
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_mutant_gets_a_verdict_with_a_place(target, kind, number):
    """Some mutants agree, as a sum with its operands swapped does; what gives None never does."""
    for line in verdict(target, kind, number):
        assert PLACE.match(line), line
