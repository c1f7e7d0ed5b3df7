"""The path of exercises: every stub says that it is not written, the reference's own code passes, and every planted mistake in it
fails, with the place and the mistake named."""

import ast
from pathlib import Path

import pytest

from exercises.answers import asked, equal, mistaken_line, slip_of
from exercises.cutting import NOT_WRITTEN, as_file, find_target, solution, solution_file
from exercises.folder import StudentFolder, gives_away
from exercises.judging import check_file, judge_source
from exercises.milestones import MILESTONES
from exercises.path import EXERCISES, find_exercise, number_of
from exercises.path.slips import SLIPS
from exercises.slips import known_slips
from exercises.stub import make_stub
from parity_tests.mistakes.planted import MISTAKES

TO_WRITE = [exercise for exercise in EXERCISES if exercise.kind == "implement"]
SLIPPED = [(exercise, slip) for exercise in TO_WRITE for slip in known_slips(exercise)]
FILE = Path("mine.py")


def targets_of(exercise):
    return [find_target(name) for name in exercise.targets]


def helpers_of(exercise):
    return [find_target(name) for name in exercise.withheld]


def stub_of(exercise):
    slip = slip_of(exercise) if exercise.kind == "find" else None
    return make_stub(exercise, number_of(exercise), asked(exercise), slip)


def answered(exercise, text):
    """A stub with the right answers in it."""
    for question in asked(exercise):
        text = text.replace(f"\n{question.name} = ...", f"\n{question.name} = {question.answer()!r}")
    return text


def test_the_path_is_long_and_whole():
    assert len(EXERCISES) >= 40
    assert len({exercise.name for exercise in EXERCISES}) == len(EXERCISES)
    assert {exercise.kind for exercise in EXERCISES} == {"implement", "derive", "find", "predict"}
    for exercise in EXERCISES:
        assert 5 <= exercise.minutes <= 45
        assert 1 <= exercise.difficulty <= 3
        assert len(set(exercise.hints)) == 3
        assert all(20 < len(hint) < 240 for hint in exercise.hints), exercise.name
    assert {name for milestone in MILESTONES for name in milestone.needs} <= {exercise.name for exercise in TO_WRITE}


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.name)
def test_a_stub_is_not_written_yet(exercise):
    text = stub_of(exercise)
    ast.parse(text)
    assert max(map(len, text.splitlines())) <= 110
    verdict = judge_source(exercise, FILE, text)
    assert (verdict.state, verdict.said) == ("not written", f"{NOT_WRITTEN}.")


@pytest.mark.parametrize("exercise", TO_WRITE, ids=lambda exercise: exercise.name)
def test_the_reference_passes(exercise):
    verdict = judge_source(exercise, FILE, solution_file(targets_of(exercise), helpers_of(exercise)))
    assert verdict.passed, verdict
    assert not verdict.printed


@pytest.mark.parametrize(("exercise", "slip"), SLIPPED, ids=[f"{e.name}: {s.mistake.name}" for e, s in SLIPPED])
def test_a_planted_mistake_fails_and_is_named(exercise, slip):
    texts = [slip.text() if target == slip.target else solution(target) for target in targets_of(exercise)]
    verdict = judge_source(exercise, FILE, as_file(targets_of(exercise), texts, helpers_of(exercise)))
    assert verdict.state == "wrong"
    first = verdict.found[0]
    assert (
        first.where.startswith((f"{slip.target.title}: ", f"{slip.target.names[0]}: ")) or "your mine.py" in first.where
    )
    same_result = [other.mistake for other in known_slips(exercise) if other.target == slip.target]
    assert any(mistake.name in first.likely for mistake in same_result) or "your mine.py" in first.where, first
    assert slip.mistake.name in first.likely or "your mine.py" in first.where, first


def test_every_slip_lies_in_an_exercise():
    named = {slip.mistake.name for _, slip in SLIPPED}
    assert {slip.name for slip in SLIPS} <= named
    assert len(named & {mistake.name for mistake in MISTAKES}) >= 55


@pytest.mark.parametrize("exercise", [e for e in EXERCISES if e.kind in ("derive", "predict")], ids=lambda e: e.name)
def test_answers(exercise):
    right = answered(exercise, stub_of(exercise))
    assert judge_source(exercise, FILE, right).passed
    for question in asked(exercise):
        for wrong in ("-17.5", '"nothing"', "(1, 2)"):
            text = right.replace(f"\n{question.name} = {question.answer()!r}", f"\n{question.name} = {wrong}")
            verdict = judge_source(exercise, FILE, text)
            assert verdict.state == "wrong"
            assert verdict.found[0].where.startswith(f"{question.name}: ")
            assert verdict.found[0].likely == question.reason
        text = right.replace(f"\n{question.name} = {question.answer()!r}", f"\n{question.name} = ...")
        assert judge_source(exercise, FILE, text).state == "wrong"


@pytest.mark.parametrize(
    ("given", "right", "same"),
    [
        ("(1/4, sqrt(1)/4, 0.5)", (0.25, 0.25, 0.5), True),
        ("[2, 5]", (2, 5), True),
        ("2, 5", (2, 5), True),
        ("(2, 5, 1)", (2, 5), False),
        ("5", (5,), True),
        ("math.sqrt(2)", 1.41421, True),
        ("1.4", 1.41421, False),
        ("True", 1, False),
        ("__import__('os')", 1, False),
        ("9**9**9**9", 1, False),
        ("' H.0.attn '", "h.0.attn", True),
    ],
)
def test_answers_are_read_without_running_them(given, right, same):
    from exercises.answers import read_answers

    assert equal(read_answers(f"x = {given}")["x"], right) is same


@pytest.mark.parametrize("exercise", [e for e in EXERCISES if e.kind == "find"], ids=lambda e: e.name)
def test_a_mistake_to_find(exercise):
    """The line alone is not enough, nor is the mended function without the line."""
    text, slip = stub_of(exercise), slip_of(exercise)
    line = mistaken_line(exercise)
    assert slip.mistake.put.strip().splitlines()[0] in text.splitlines()[line - 1]
    head = text[: text.index("wrong_line")]
    mended = head + "wrong_line = {}\n\n\n" + solution_file(targets_of(exercise), helpers_of(exercise))
    assert judge_source(exercise, FILE, mended.format(line)).passed
    assert judge_source(exercise, FILE, mended.format(line + 1)).state == "wrong"
    assert judge_source(exercise, FILE, text.replace("wrong_line = ...", f"wrong_line = {line}")).state == "wrong"


def test_hard_coded_numbers_do_not_pass(tmp_path):
    """A function that knows the answers to the usual seed meets numbers that it has not seen."""
    exercise = find_exercise("attention-without-weights")
    from exercises.references import reference_trial

    known = [reference_trial(exercise.name, 0, precision).trace for precision in ("float64", "float32")]
    results = [
        [list(map(list, value.tolist())) for key, value in trace.items() if "arguments" not in key[1]]
        for trace in known
    ]
    text = f"import numpy as np\n\nknown = {results[0]!r}, {results[1]!r}\ncalls = [0]\n\n\n"
    text += "def attention_without_weights(x):\n    rows = known[x.dtype == np.float32]\n"
    text += "    return next(np.array(r, x.dtype) for r in rows if len(r) == len(x) and len(r[0]) == x.shape[1])\n"
    path = tmp_path / "19_attention_without_weights.py"
    path.write_text(text, encoding="utf-8")
    assert judge_source(exercise, path, text).passed
    verdict = check_file(exercise, path)
    assert verdict.state == "wrong"
    assert "not on new ones" in verdict.said


def bodies(source):
    """Every function's body in a source, without docstrings and comments, as one text each."""
    found = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef):
            statements = [s for s in node.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
            found[node.name] = "\n".join(map(ast.unparse, statements))
    return found


def test_a_folder_without_answers(tmp_path):
    """No function that an exercise asks for stands in a file that is handed out, as code or in a comment."""
    student = StudentFolder(tmp_path)
    for exercise in EXERCISES:
        if not gives_away(exercise):
            student.start(exercise, with_quotes=False)
    texts = [path.read_text(encoding="utf-8") for path in tmp_path.glob("*.py")]
    assert len(texts) > 50
    for exercise in TO_WRITE:
        for target in targets_of(exercise):
            wanted = next(iter(bodies(solution(target)).values()))
            last = wanted.splitlines()[-1].strip()
            for text in texts:
                assert wanted not in bodies(text).values()
                assert len(last) < 25 or last not in text, (exercise.name, last)
    assert {e.name for e in EXERCISES if gives_away(e)} == {
        "find-mask",
        "find-layer-norm",
        "find-attention",
        "find-adamw",
    }


def test_the_teachers_page():
    """It names exercises that exist, every one of them in the longer course, and gives the planted mistakes' own reasons."""
    text = Path(__file__).resolve().parents[1].joinpath("docs", "teaching.md").read_text(encoding="utf-8")
    longer = text[text.index("A course of 14") : text.index("Mistakes to expect")]
    for course in (text[text.index("A course of 8") : text.index("A course of 14")], longer):
        cells = [line.split("|")[3] for line in course.splitlines() if line.startswith("| ") and line[2].isdigit()]
        names = [name.strip() for cell in cells for name in cell.split(",")]
        assert len(cells) in (8, 14)
        assert len(names) == len(set(names))
        assert {find_exercise(name).name for name in names} == set(names)
    assert set(names) == {exercise.name for exercise in EXERCISES}
    table = text[text.index("| Mistake |") : text.index("`python -m parity_tests.mistakes")].strip().splitlines()[2:]
    reasons = {mistake.name: mistake.why for mistake in MISTAKES}
    assert len(table) > 10
    for row in table:
        _, name, why, _ = row.split("|")
        assert reasons[name.strip()] == why.strip()
    for line in text.splitlines():
        if "gpt-exercise start attention-backward" in line:
            assert f"{number_of(find_exercise('attention-backward'))}_attention" in text


def changed(name, *pairs):
    """The verdict on the reference with some of its code replaced."""
    exercise = find_exercise(name)
    text = solution_file(targets_of(exercise), helpers_of(exercise))
    for right, wrong in pairs:
        assert text.count(right) == 1
        text = text.replace(right, wrong)
    return judge_source(exercise, FILE, text)


@pytest.mark.parametrize(
    ("name", "first", "second", "told"),
    [
        ("attention", ("1 / math.sqrt(D)", "1 / D"), ("merge_heads(context)", "context.reshape(x.shape)"), "to c_proj"),
        ("attention-backward", ("ddropped)", "-ddropped)"), ("split_heads(dmerged, self.n_heads)", "dmerged.reshape(v.shape)"),
         "to c_attn"),
        ("block", ("(self.ln_1(x)", "(x"), ("self.ln_2(x))", "2 * self.ln_2(x))"), "to mlp"),
    ],
)  # fmt: skip
def test_a_second_mistake_is_named_too_and_no_consequence(name, first, second, told):
    """After the first finding the judge goes on with the reference's values."""
    assert len(changed(name, first).found) == 1
    found = changed(name, first, second).found
    assert len(found) == 2
    assert found[1].where.startswith("given right values, ")
    assert told in found[1].where


def test_of_several_gradients_each_wrong_one_is_named():
    found = changed("layer-norm-backward", ("return dx, ", "return -dx, 3 * ")).found
    assert ["dx" in found[0].where, "dweight" in found[1].where, len(found)] == [True, True, 2]


def test_laws_and_slopes_see_what_is_wrong():
    """Central differences tell a gradient from one that is a thousandth off; a law that fails is said."""
    from exercises.references import reference_trial

    for name in ("model-backward", "block-backward", "attention-backward", "layer-norm-backward"):
        trial = reference_trial(name, 0, "float64")
        assert len(trial.differences) >= 5
        for key, slope in trial.differences.items():
            assert slope.agrees(trial.trace[key])
            assert not slope.agrees(trial.trace[key] * 1.001)
            assert not slope.agrees(trial.trace[key][..., None])
    ahead = changed("attention-causal", ("positions > positions[:, None]", "positions > positions[:, None] + 9"))
    assert ahead.found[0].likely == "this does not hold: causality (no position sees a later one)"


def test_pytorch_is_asked_where_it_is_installed(tmp_path):
    """Its gradients are compared with hers, by a process that holds none of her code; where they differ she is told."""
    pytest.importorskip("torch")
    from exercises.judging import SMALL
    from exercises.pytorch import ASKED, SecondOpinion

    exercise = find_exercise("linear-backward")
    text = solution_file(targets_of(exercise), helpers_of(exercise))
    second = SecondOpinion(SMALL, tmp_path, patience=100)
    answers = second.answers()
    assert {check for check, _ in answers} == set(ASKED)
    verdict = judge_source(exercise, FILE, text, second=second)
    assert verdict.passed
    assert "28 against PyTorch" in verdict.ran
    again = SecondOpinion(SMALL, tmp_path)
    assert again.running is None
    answers["one pass", "float64"]["gradient", "h.1.mlp.c_fc.weight"][2, 1] += 1e-6
    assert (
        "h.1.mlp.c_fc.weight's gradient in float64" in judge_source(exercise, FILE, text, second=again).found[0].where
    )
    late = SecondOpinion(SMALL, tmp_path / "elsewhere", patience=0)
    verdict = judge_source(exercise, FILE, text, second=late)
    late.stop()
    assert verdict.passed
    assert "PyTorch is still loading" in verdict.ran
