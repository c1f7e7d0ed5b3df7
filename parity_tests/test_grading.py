"""Grading a class: 30 made-up folders with 200 attempts to cheat in them, none of which passes, and honest work, which does."""

import csv
import html
import os
import random
import re
import time
from contextlib import contextmanager

import pytest

from exercises.__main__ import main
from exercises.cutting import as_file, find_target, solution_file
from exercises.folder import StudentFolder
from exercises.grading import grade, write_csv
from exercises.installing import installed
from exercises.path import EXERCISES, find_exercise
from exercises.slips import known_slips
from exercises.summary import page

STUDENTS, ATTEMPTS = 30, 200
CHEAP = [  # exercises whose whole trial takes a few hundredths of a second
    "softmax", "gelu", "layer-norm", "linear", "split-words", "join-pair", "softmax-backward", "linear-backward", "clipping",
    "attention-one-head", "top-k", "windows",
]  # fmt: skip

# Ways to cheat, as what stands in the file above or in the function; {name} is the function, {module} and {dotted} its place.
ABOVE = {
    "imports the solution": "from {module} import {first} as {name}",
    "imports the solution's module": "import {module} as room\n{name} = room.{title}",
    "reads the solution's file": "exec(open('{path}').read())",
    "eval": "{name} = eval('__import__(\"{module}\", fromlist=[1]).{title}')",
    "importlib": "import importlib\n{name} = importlib.import_module('{module}').{title}",
    "__import__": "{name} = __import__('{module}', fromlist=[1]).{title}",
    "sys.modules": "import sys\n{name} = sys.modules['{module}'].{title}",
    "import of torch": "import torch\n{name} = torch.nn.functional.softmax",
    "the PyTorch twin": "from torch_gpt.functional import softmax as {name}",
    "scipy": "from scipy.special import softmax as {name}",
    "the judge's reference": "from exercises.references import reference_trial\n{name} = reference_trial",
    "patches the comparison": "import parity_tests.report.measure as m\nm.relative_error = lambda a, b: 0.0",
    "patches NumPy": "import numpy as np\nnp.abs = lambda x: 0 * x\n\n\ndef {name}(*args, **kwargs):\n    return args[0]",
    "patches the tolerance": "from parity_tests.report import measure\nmeasure.TOLERANCE['float64'] = 1e9",
    "patches a class of ours": "from numpy_gpt.module import Module\nModule.__call__ = lambda self, x: x",
    "builtins": "{name} = __builtins__['__import__']('{module}')",
    "subclasses": "{name} = [c for c in ().__class__.__base__.__subclasses__() if c.__name__ == 'Popen'][0]",
    "globals of a function": "from numpy_gpt.shapes import Array\nimport functools\n{name} = functools.reduce.__globals__",
    "getattr": "import numpy_gpt\n{name} = getattr(numpy_gpt, '{first}')",
    "exits with 0": "raise SystemExit(0)",
    "os._exit": "import os\nos._exit(0)",
    "writes the evidence": "import numpy as np\nnp.savez('0.npz', page='{{}}')",
    "np.load": "import numpy as np\n{name} = np.load('solution.npy', allow_pickle=True)",
    "ctypes": "import ctypes\nctypes.string_at(0)",
    "a thread": "import threading\nthreading.Thread(target=print).start()",
    "a class pattern": "match 1:\n    case int(__class__=k):\n        {name} = k.__base__.__subclasses__()",
    "the frame of a generator": "g = (x for x in [1])\n{name} = g.gi_frame.f_back.f_globals",
    "no function": "x = 1",
    "an empty file": "",
    "not UTF-8": "\xff",
}
INSIDE = {
    "returns its input": "return args[0]",
    "returns what it is given back": "return args",
    "equal to everything": "class E:\n        def __eq__(self, other): return True\n        __array__ = None\n    return E()",
    "NaN": "return args[0] * float('nan') if args and hasattr(args[0], 'dtype') else None",
    "zeros": "import numpy as np\n    return np.zeros_like(args[0])",
    "the first call's answer": "return kept.setdefault(0, args[0])",
    "raises": "raise ValueError('passed')",
    "prints that it passed": "print('passed')\n    return args[-1]",
    "exits": "raise SystemExit(0)",
    "itself": "return {name}(*args, **kwargs)",
    "the room at run time": "import {module} as room\n    return room.{title}(*args, **kwargs)",
    "an empty array": "import numpy as np\n    return np.empty(0)",
    "None": "return None",
}


def attempts():
    """200 files, each with one way to cheat at one exercise, in an order that the seed decides."""
    ways = [(way, text, "") for way, text in ABOVE.items()] + [(way, "", text) for way, text in INSIDE.items()]
    rng = random.Random(7)
    for number in range(ATTEMPTS):
        way, above, inside = ways[number % len(ways)]
        exercise = find_exercise(rng.choice(CHEAP))
        target = find_target(exercise.targets[0])
        names = {"name": target.name, "first": target.names[0], "module": target.module, "title": target.title}
        names["path"] = target.module.replace(".", "/") + ".py"
        text = above.format(**names)
        if inside:
            text = f"kept = {{}}\n\n\ndef {target.name}(*args, **kwargs):\n    {inside.format(**names)}\n"
        yield way, exercise, text


@pytest.fixture(scope="module")
def school(tmp_path_factory):
    """The folders, and which files in them are honest."""
    root, honest, cheats = tmp_path_factory.mktemp("class"), set(), {}
    folders = [StudentFolder(root / f"student {number:02d}" / "my_gpt") for number in range(STUDENTS)]
    for number, (way, exercise, text) in enumerate(attempts()):
        free = (folders[(number + i) % STUDENTS] for i in range(STUDENTS))
        path = next(folder.path(exercise) for folder in free if not folder.path(exercise).exists())
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="latin-1" if way == "not UTF-8" else "utf-8")
        cheats[number] = way, path
    exercise = find_exercise("embedding")
    for folder in folders[::2]:
        path = folder.path(exercise)
        path.write_text(solution_file([find_target(name) for name in exercise.targets], []), encoding="utf-8")
        honest.add(path)
    return root, honest, cheats


@pytest.fixture(scope="module")
def grades(school):
    return list(grade(school[0], seconds=10, workers=2, seed=5))


def test_no_attempt_to_cheat_passes(school, grades):
    _, honest, cheats = school
    assert len(cheats) == ATTEMPTS
    assert len({one.student for one in grades}) == STUDENTS
    by_file = {one.file: one.verdict for one in grades}
    assert set(by_file) == {*(path for _, path in cheats.values()), *honest}
    passed = [(way, path.name) for way, path in cheats.values() if by_file[path].passed]
    assert passed == []
    assert all(by_file[path].passed for path in honest)
    assert len(honest) == STUDENTS // 2


def test_each_attempt_is_told_as_what_it_is(school, grades):
    by_file = {one.file: one.verdict for one in grades}
    said = {way: by_file[path].first for way, path in school[2].values()}
    assert "which is the solution" in said["imports the solution"]
    assert "it imports torch" in said["import of torch"]
    assert "the judge itself" in said["the judge's reference"]
    assert "not yours to change" in said["patches NumPy"]
    assert "`exec`" in said["reads the solution's file"]
    assert "SystemExit" in said["exits with 0"]
    assert "defines no" in said["no function"]
    assert "UTF-8" in said["not UTF-8"]
    assert all(said.values())


def test_the_table_and_the_page(school, grades, tmp_path):
    write_csv(tmp_path / "grades.csv", grades)
    with (tmp_path / "grades.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(grades)
    assert sum(row["passed"] == "yes" for row in rows) == STUDENTS // 2
    assert not any(cell.startswith(("=", "+", "@")) for row in rows for cell in row.values())
    text = page(grades, "Grades of <b>7a</b>")
    assert "<b>" not in text
    assert "Grades of &lt;b&gt;7a" in text
    for one in grades:
        assert html.escape(one.student) in text
    assert text.count("class='passed'") == STUDENTS // 2
    assert len(re.findall("<tr>", text)) > len(grades) - STUDENTS


def test_a_broken_submission_stops_nothing(tmp_path, capsys, monkeypatch):
    """A folder with an exercise's name, unreadable bytes, a slip, a right answer under another number in a deeper folder."""
    exercise = find_exercise("softmax")
    target = find_target(exercise.targets[0])
    slip = next(slip for slip in known_slips(exercise) if "axis" in slip.mistake.name)
    for name in ("ada", "ben", "eve"):
        (tmp_path / "class" / name).mkdir(parents=True)
    (tmp_path / "class" / "ada" / "11_softmax.py").mkdir()
    (tmp_path / "class" / "ada" / "13_gelu.py").write_bytes(b"\x00\xff\x00")
    (tmp_path / "class" / "ben" / "softmax.py").write_text(as_file([target], [slip.text()]), encoding="utf-8")
    deep = tmp_path / "class" / "eve" / "homework" / "my_gpt"
    deep.mkdir(parents=True)
    (deep / "99_softmax.py").write_text(solution_file([target], []), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["grade", "class", "--csv", "out.csv"]) == 0
    printed = capsys.readouterr().out
    assert "3 students, 3 files, 1 passed" in printed
    text = (tmp_path / "out.csv").read_text(encoding="utf-8-sig")
    assert "eve,softmax,yes,passed" in text
    assert "softmax over the wrong axis" in text
    assert "softmax over the wrong axis" in (tmp_path / "out.html").read_text(encoding="utf-8")


def test_requests_that_cannot_be_met(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for args, said in (
        (["grade", "nowhere"], "is no folder"),
        (["grade", "."], "holds no folders"),
        (["grade", ".", "--csv", "missing/out.csv"], "does not exist"),
        (["grade", ".", "--workers", "0"], "at least 1"),
        (["check"], "holds no exercise"),
        (["check", "softmx"], "did you mean softmax?"),
        (["chekc"], "did you mean check?"),
        (["solution", "softmax"], "--give-up"),
        (["start", "softmax", "--all"], "leave 'softmax' or --all out"),
        (["train"], "No exercise in my_gpt is passed yet"),
    ):
        assert main(args) == 2, args
        error = capsys.readouterr().err
        assert said in error
        assert error.count("\n") == 1
    assert os.listdir(tmp_path) == []
    assert len(EXERCISES) > 0


def test_a_wrong_file_changes_no_other_grade(tmp_path, monkeypatch):
    """A known mistake is tried out where the reference stands. Files that are judged meanwhile are held against the reference."""
    exercise = find_exercise("softmax")
    target = find_target(exercise.targets[0])
    slip = next(slip for slip in known_slips(exercise) if "axis" in slip.mistake.name)
    for number in range(4):
        folder = StudentFolder(tmp_path / f"{number}")
        folder.root.mkdir()
        text = solution_file([target], []) if number % 2 else as_file([target], [slip.text()])
        folder.path(exercise).write_text(text, encoding="utf-8")

    @contextmanager
    def slowly(functions):
        with installed(functions):
            time.sleep(0.2)
            yield

    monkeypatch.setattr("exercises.slips.installed", slowly)
    assert [one.verdict.passed for one in grade(tmp_path, workers=4)] == [False, True, False, True]
