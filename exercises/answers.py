"""Judges what a student wrote down rather than programmed: shapes and numbers, a line, what the report will say."""

import ast
import math
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from exercises.cutting import NOT_WRITTEN
from exercises.exercise import Exercise, Question
from exercises.slips import Slip, known_slips
from exercises.stub import find_stub
from exercises.verdict import Found, Verdict
from exercises.whole_models import first_in_model

FUNCTIONS: Mapping[str, Callable] = {"sqrt": math.sqrt, "exp": math.exp, "log": math.log, "cos": math.cos}
CLOSE = 1e-3  # a number may be rounded to three digits


def judge_answers(exercise: Exercise, source: str) -> Verdict:
    """The verdict on the answers in a file."""
    given = read_answers(source)
    questions = asked(exercise)
    open_ = [q.name for q in questions if q.name not in given or given[q.name] is ...]
    if len(open_) == len(questions):
        return Verdict(exercise.name, "not written", said=f"{NOT_WRITTEN}.")
    found = [
        Found(f"{q.name}: {shown(given[q.name])} is not right", q.reason)
        for q in questions
        if q.name not in open_ and not equal(given[q.name], q.answer())
    ]
    found += [Found(f"{name} has no answer yet")] * bool(open_) if (name := open_[0] if open_ else "") else []
    ran = f"{len(questions)} answers compared with the reference's"
    said = says(exercise) if exercise.kind == "predict" and not found else ""
    return Verdict(exercise.name, "wrong" if found else "passed", tuple(found[:3]), said=said, ran=ran)


def asked(exercise: Exercise) -> tuple[Question, ...]:
    """The questions of an exercise, those that its mistake poses among them."""
    if exercise.kind == "find":
        why = "that line is right; look for the first line that you cannot derive from the forward pass"
        return (
            Question(
                "wrong_line",
                "The number of the wrong line in this file as you got it:",
                lambda: mistaken_line(exercise),
                why,
            ),
        )
    if exercise.kind == "predict":
        return (
            Question("module", 'The module that the report names, such as "h.0.mlp" or "wte":', lambda: foreseen(exercise)[0],
                     "follow the order of time: the first value that is computed from the mistaken one"),
            Question("direction", '"forward" or "backward":', lambda: foreseen(exercise)[1],
                     "is it an output or a gradient that differs first?"),
        )  # fmt: skip
    return exercise.questions


def read_answers(source: str) -> dict[str, Any]:
    """Each name that the file assigns a plain value to; arithmetic is worked out, nothing else is run."""
    found: dict[str, Any] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            try:
                found[node.targets[0].id] = value(node.value)
            except (ValueError, ArithmeticError, TypeError, RecursionError):
                found[node.targets[0].id] = Unreadable(ast.unparse(node.value))
    return found


class Unreadable(str):
    """An answer that is no plain value, as it is written."""


def value(node: ast.expr) -> Any:
    """A number, text, tuple or list, with + - * / ** and a few functions. ValueError for anything else."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, (ast.Tuple, ast.List)):
        return tuple(value(part) for part in node.elts)
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_number(node.operand)
    if isinstance(node, ast.BinOp):
        a, b = _number(node.left), _number(node.right)
        operations: dict[type, Callable] = {ast.Add: lambda: a + b, ast.Sub: lambda: a - b, ast.Mult: lambda: a * b}
        operations |= {ast.Div: lambda: a / b, ast.FloorDiv: lambda: a // b, ast.Pow: lambda: math.pow(a, b)}
        if type(node.op) in operations:
            return operations[type(node.op)]()
    if isinstance(node, ast.Call) and len(node.args) == 1:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in FUNCTIONS:
            return FUNCTIONS[name](_number(node.args[0]))
    raise ValueError(ast.unparse(node))


def _number(node: ast.expr) -> float:
    number = value(node)
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise ValueError(ast.unparse(node))
    return number


def equal(given: Any, right: Any) -> bool:
    """Whether an answer is right: numbers to three digits, sequences part by part, text but for case and spaces."""
    if isinstance(right, (tuple, list)):
        parts = given if isinstance(given, tuple) else (given,)
        return len(parts) == len(right) and all(map(equal, parts, right))
    if isinstance(right, str):
        return isinstance(given, str) and given.strip().lower() == right.lower()
    if isinstance(given, bool) or not isinstance(given, (int, float)):
        return False
    return math.isclose(given, right, rel_tol=CLOSE, abs_tol=1e-9)


def shown(answer: Any) -> str:
    """An answer as it is written, cut."""
    text = str(answer) if isinstance(answer, Unreadable) else repr(answer)
    return text if len(text) <= 60 else f"{text[:59]}…"


# Mistakes to find and to foresee


def slip_of(exercise: Exercise) -> Slip:
    """The planted mistake that the exercise is about."""
    return next(slip for slip in known_slips(exercise) if slip.mistake.name == exercise.mistake)


def mistaken_line(exercise: Exercise) -> int:
    """The number of the wrong line in the file as it is handed out."""
    return find_stub(exercise, slip_of(exercise))[1]


@lru_cache(16)
def _finding(name: str) -> Any:
    """What a whole model with the mistake in it shows first."""
    from exercises.installing import installed
    from exercises.path import find_exercise
    from exercises.references import reference_evidence
    from numpy_gpt import GPTConfig
    from parity_tests.report.checks import CHECKS
    from parity_tests.report.evidence import gather
    from parity_tests.report.subject import Subject

    exercise, subject = find_exercise(name), Subject(GPTConfig(61, 13, 30, 5, 2))
    slip, check = slip_of(exercise), exercise.checks[0]
    theirs = reference_evidence(check, "float64", subject.config, (subject.seed, subject.batch_size, subject.length))
    with installed({slip.target: slip.function()}):
        evidence = gather(CHECKS[check], subject, "float64")
    return first_in_model(subject, check, "float64", evidence, theirs)


def foreseen(exercise: Exercise) -> tuple[str, str]:
    """The module and the direction that the report names."""
    parting = _finding(exercise.name).parting
    return parting.module, parting.direction


def says(exercise: Exercise) -> str:
    """What the report says."""
    from parity_tests.report.wording import describe

    return f"The report says: {describe(_finding(exercise.name))}"
