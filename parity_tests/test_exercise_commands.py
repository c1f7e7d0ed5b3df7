"""gpt-exercise as a student meets it: files, hints, checks, and a model with her pieces in it."""

import json
import os
import subprocess
import sys
import threading
import time

import pytest

from exercises.__main__ import main
from exercises.commands.check import Check
from exercises.cutting import as_file, find_target, solution, solution_file
from exercises.folder import StudentFolder
from exercises.path import EXERCISES, find_exercise
from exercises.slips import known_slips


@pytest.fixture
def desk(tmp_path, monkeypatch, capsys):
    """A folder to work in; calling it runs a command and gives its exit status and what it printed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NUMPY_GPT_CACHE", str(tmp_path.parent / "cache"))

    def run(*args):
        capsys.readouterr()
        status = main(list(args))
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    return run


def right(name):
    return solution_file([find_target(target) for target in find_exercise(name).targets], [])


def test_from_start_to_passed(desk, tmp_path):
    status, printed = desk("start", "embedding")
    path = tmp_path / "my_gpt" / "16_embedding.py"
    assert status == 0
    assert "A table's rows, by their numbers." in printed
    assert max(map(len, printed.splitlines())) <= 80
    status, printed = desk("start", "embedding")
    assert status == 2
    assert "keeps what you wrote" in printed
    assert desk("check") == (1, "· embedding: not written yet. (0.0 s)\n")
    text = path.read_text(encoding="utf-8")
    gap = '    raise NotImplementedError("not written yet")\n'
    assert text.count(gap) == 1
    path.write_text(text.replace(gap, "    return self.weight.data[ids]\n"), encoding="utf-8")
    status, printed = desk("check")
    assert status == 1
    assert "Embedding.backward has no forward pass to answer" in " ".join(printed.split())
    path.write_text(
        text.replace(gap, "    self.save_for_backward(ids)\n    return self.weight.data[ids]\n"), encoding="utf-8"
    )
    status, printed = desk("check", "embedding")
    assert status == 0
    assert printed.startswith("✓ embedding: passed.")
    assert "then all of it on new sizes and numbers" in " ".join(printed.split())
    assert " ✓ 16 embedding" in desk("list")[1]
    (tmp_path / "my_gpt" / "progress.json").write_text("{", encoding="utf-8")
    assert " … 16 embedding" in desk("list")[1]
    assert desk("check", "gelu")[0] == 1
    for name in ("16", "my_gpt/16_embedding.py"):
        assert desk("check", name)[1].startswith("✓ embedding: passed.")


def test_the_list_shows_every_exercise(desk):
    status, printed = desk("list")
    assert status == 0
    assert all(f" {exercise.name} " in printed for exercise in EXERCISES)
    assert max(map(len, printed.splitlines())) <= 80
    assert desk() == (status, printed)


def test_hints_tell_more_each_time_and_solutions_want_giving_up(desk):
    exercise = find_exercise("softmax")
    desk("start", "softmax")
    for number in (1, 2, 3):
        printed = " ".join(desk("hint")[1].split())
        shown = [" ".join(hint.split()) in printed for hint in exercise.hints]
        assert shown == [i < number for i in range(3)]
    assert "These are all" in desk("hint")[1]
    assert desk("solution")[0] == 2
    status, printed = desk("solution", "--give-up")
    assert status == 0
    assert solution(find_target(exercise.targets[0])) in printed
    assert "wrong_line = " in desk("solution", "find-mask", "--give-up")[1]


def test_watching(tmp_path, capsys):
    """What is saved is checked; what was there before is not."""
    student = StudentFolder(tmp_path)
    for name in ("embedding", "gelu"):
        student.start(find_exercise(name))
    watching = threading.Thread(target=lambda: Check(watch=True, folder=tmp_path).run(), daemon=True)
    watching.start()
    time.sleep(1.5)
    path = student.path(find_exercise("embedding"))
    path.write_text(right("embedding"), encoding="utf-8")
    os.utime(path, (time.time() + 5,) * 2)
    printed = ""
    for _ in range(300):
        time.sleep(0.1)
        printed += capsys.readouterr().out
        if "✓" in printed:
            break
    assert "✓ embedding: passed." in printed
    assert "gelu" not in printed


def test_without_any_framework(tmp_path):
    """The judge needs neither PyTorch nor TensorFlow."""
    student = StudentFolder(tmp_path)
    path = student.path(find_exercise("softmax-backward"))
    path.write_text(right("softmax-backward"), encoding="utf-8")
    code = "import sys\n\n\nclass Absent:\n    def find_spec(self, name, *_):\n"
    code += "        if name.split('.')[0] in ('torch', 'tensorflow', 'torch_gpt', 'beartype', 'jaxtyping'):\n"
    code += "            raise ImportError(name)\n\n\nsys.meta_path.insert(0, Absent())\n"
    code += "from exercises.__main__ import main\nif __name__ == '__main__':\n"
    code += f"    sys.exit(main(['check', 'softmax-backward', '--folder', {str(tmp_path)!r}]))\n"
    script = tmp_path / "check it.py"
    script.write_text(code, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": os.getcwd(), "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, script], capture_output=True, encoding="utf-8", env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "passed" in done.stdout


def test_her_pieces_are_what_trains(desk, tmp_path, monkeypatch):
    """A wrong piece, noted as passed by hand, gives other losses than the reference's; with a right one the texts agree."""
    monkeypatch.setenv("PYTHONPATH", os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    student = StudentFolder(tmp_path / "my_gpt")
    exercise = find_exercise("linear-backward")
    target = find_target(exercise.targets[0])
    averaged = next(slip for slip in known_slips(exercise) if slip.mistake.name == "db averaged")
    student.note(exercise, passed=True)
    student.path(exercise).write_text(as_file([target], [averaged.text()]), encoding="utf-8")
    status, printed = desk("train", "--steps", "2")
    assert status == 0
    assert "no step differs by more than" in printed
    assert (tmp_path / "my_gpt" / "loss.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((tmp_path / "my_gpt" / "progress.json").read_text(encoding="utf-8"))["linear-backward"]["passed"]
    status, printed = desk(
        "generate", "--weights", str(tmp_path / "my_gpt" / "runs" / "yours"), "--max-new-tokens", "5"
    )
    assert status == 0
    assert "word for word what the reference writes" in printed


def test_a_piece_that_fails_is_told_in_one_line(tmp_path, monkeypatch, capfd):
    """Noted as passed, and broken afterwards: the line in her file, and no traceback."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    student = StudentFolder(tmp_path / "my_gpt")
    exercise = find_exercise("softmax")
    student.note(exercise, passed=True)
    student.path(exercise).write_text("def softmax(x):\n    return x / 0 / None\n", encoding="utf-8")
    assert main(["generate", "--weights", "marren-chat", "--max-new-tokens", "2"]) == 2
    error = capfd.readouterr().err
    assert "your 11_softmax.py, line 2, in softmax: TypeError" in error
    assert "gpt-exercise check NAME says which piece is wrong" in error
    assert "Traceback" not in error
