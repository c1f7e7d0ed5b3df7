"""The mutants: what is changed, what is left alone, and that the judge tells a killed mutant from one that lives."""

import ast
import os
import subprocess
import sys
from collections import Counter

import pytest

from parity_tests.mutants.__main__ import draw, every_mutant, read_log, summary
from parity_tests.mutants.closest import closest, files, rest
from parity_tests.mutants.equivalent import EQUIVALENTS
from parity_tests.mutants.mutate import mutants
from parity_tests.report.replace import rooms
from parity_tests.test_house import ROOT

SOURCE = '''
"""A file."""
LIMIT = 3


def tidy(x, axis: int = -1, keep=True):
    """Words."""
    if x is None or len(x) < LIMIT:
        raise ValueError(f"{x} has fewer than {LIMIT + 1}.")
    x = x.copy()
    x -= x.max(axis=-1) - 0.5
    return x if keep else not x
'''
EXPECTED = {
    "3 → 4", "x = x.copy() → pass", "x -= x.max(axis=-1) - 0.5 → pass", "1 → 2", "True → False", "or → and",
    "is → is not", "< → <=", "-= → +=", "max → min", "-1 → 0", "- → +", "0.5 → 1.0", "keep → not (keep)", "not → ",
    "x is None or len(x) < LIMIT → not (x is None or len(x) < LIMIT)",
}  # fmt: skip


def test_what_is_changed():
    found = mutants("tidy.py", SOURCE)
    assert {mutant.change for mutant in found} == EXPECTED
    assert all(mutant.place in ("", "tidy") for mutant in found)
    for mutant in found:
        assert ast.dump(ast.parse(mutant.apply(SOURCE))) != ast.dump(ast.parse(SOURCE))


def test_every_twin_room_and_every_file_of_text_is_changed_and_has_its_tests():
    text = [path.relative_to(ROOT).as_posix() for path in (ROOT / "shared_gpt/text").rglob("*.py")]
    expected = [f"numpy_gpt/{room}.py" for room in rooms()] + [path for path in text if "__init__" not in path]
    assert sorted(files()) == sorted(expected)
    for file in files():
        assert [
            name for name in closest(file) + rest(file) if not (ROOT / "parity_tests" / f"{name}.py").exists()
        ] == []


@pytest.fixture(scope="module")
def every():
    return every_mutant()


def test_there_are_many_and_a_seed_draws_the_same(every):
    assert len(every) > 1500
    assert draw(every, 20, 1) == draw(every, 20, 1) != draw(every, 20, 2)
    with pytest.raises(ValueError, match="--sample is 0"):
        draw(every, 0, 0)


@pytest.mark.parametrize("entry", EQUIVALENTS, ids=lambda entry: f"{entry.file}: {entry.code} {entry.change}")
def test_an_equivalent_mutant_is_one(every, entry):
    assert any(entry.covers(mutant) for mutant in every)
    assert entry.reason


def test_the_summary_counts():
    counts = Counter({"killed by the closest tests": 195, "equivalent": 3, "survived": 2})
    assert "200 mutants" in summary(counts, 60)
    assert "98.98% of those that change anything are killed" in summary(counts, 60)


def test_a_log_that_is_not_there_holds_nothing(tmp_path):
    assert read_log(tmp_path / "none.jsonl") == {}


JUDGE = """
from parity_tests.mutants import judge
from parity_tests.mutants.mutate import mutants
judge.LIBRARIES = ("hypothesis.strategies", "pytest", "_hypothesis_pytestplugin")  # all that these tests need
judge.load_libraries()
file = "shared_gpt/text/streamer.py"
found = mutants(file, (judge.ROOT / file).read_text(encoding="utf-8"))
mutant = next(m for m in found if m.change == "self.before = [token] → pass")
print([judge.judge(one, ["test_streamer"], 100) for one in (None, mutant)])
print([judge.judge(None, ["test_streamer"], 0.01)])
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork a process")
def test_the_judge_tells_what_is_killed_from_what_lives():
    done = subprocess.run([sys.executable, "-c", JUDGE], capture_output=True, text=True, cwd=ROOT, timeout=200)
    verdicts = done.stdout.splitlines()
    assert verdicts[0].startswith("['', 'parity_tests/test_streamer.py::"), done.stderr
    assert verdicts[1] == "['it did not end in time']"
