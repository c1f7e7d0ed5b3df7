"""The judge: a student's file in, a verdict out."""

import time
from dataclasses import replace
from pathlib import Path

from exercises.answers import judge_answers
from exercises.comparing import compare, list_cases
from exercises.cutting import find_target
from exercises.exercise import Exercise
from exercises.process import SECONDS, run_source
from exercises.reading import look
from exercises.verdict import Verdict
from numpy_gpt import GPTConfig
from parity_tests.report.subject import Subject

SMALL = Subject(GPTConfig(61, 13, 30, 5, 2))


def judge(exercise: Exercise, file: Path, subject: Subject = SMALL, seconds: float = SECONDS) -> Verdict:
    """The verdict on a student's file."""
    began = time.perf_counter()
    try:
        source = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        return Verdict(exercise.name, "refused", said=f"your {file.name} is not text in UTF-8 ({error.reason}); save it as such.")
    except OSError as error:
        return Verdict(exercise.name, "refused", said=f"your {file.name} cannot be read: {error.strerror or error}.")
    verdict = judge_source(exercise, file, source, subject, seconds)
    return replace(verdict, seconds=time.perf_counter() - began)


def judge_source(exercise: Exercise, file: Path, source: str, subject: Subject = SMALL, seconds: float = SECONDS) -> Verdict:
    """The verdict on a source, which errors call by the file's name."""
    targets = [find_target(name) for name in exercise.targets]
    withheld = [find_target(name) for name in exercise.withheld]
    if refusal := look(source, targets if exercise.kind != "predict" else [], file.name, withheld):
        return Verdict(exercise.name, refusal.state, said=refusal.sentence)
    if exercise.kind in ("derive", "predict"):
        return judge_answers(exercise, source, file.name)
    named = judge_answers(exercise, source, file.name) if exercise.kind == "find" else None
    cases = list_cases(exercise, targets)
    handed = run_source(exercise.name, file, source, subject, cases, seconds)
    verdict = compare(exercise, subject, cases, handed, file.name)
    if named is not None and not named.passed:
        return replace(named, found=(*named.found, *verdict.found))
    return verdict
