"""The judge: a student's file in, a verdict out."""

import random
import secrets
import threading
import time
from dataclasses import replace
from functools import cache
from pathlib import Path

from exercises.answers import judge_answers
from exercises.comparing import MOST_FOUND, compare, list_cases
from exercises.continuing import CHECK, PRECISION, can_continue, later_findings, reference_pass
from exercises.cutting import find_target
from exercises.exercise import Exercise
from exercises.process import SECONDS, run_source
from exercises.pytorch import SecondOpinion
from exercises.reading import look
from exercises.verdict import Verdict
from numpy_gpt import GPTConfig
from parity_tests.report.subject import Subject

# Known slips are tried out in the reference's place, in this process; meanwhile no other thread may ask the reference.
comparing_alone = threading.Lock()

SMALL = Subject(GPTConfig(61, 13, 30, 5, 2))


@cache
def usual_opinion() -> SecondOpinion:
    """PyTorch's on the usual numbers: asked for once in a program, and before anything else, since it takes the longest."""
    return SecondOpinion(SMALL)


def judge(
    exercise: Exercise,
    file: Path,
    subject: Subject = SMALL,
    seconds: float = SECONDS,
    second: SecondOpinion | None = None,
) -> Verdict:
    """The verdict on a student's file."""
    began = time.perf_counter()
    try:
        source = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        return Verdict(
            exercise.name, "refused", said=f"your {file.name} is not text in UTF-8 ({error.reason}); save it as such."
        )
    except OSError as error:
        return Verdict(exercise.name, "refused", said=f"your {file.name} cannot be read: {error.strerror or error}.")
    verdict = judge_source(exercise, file, source, subject, seconds, second)
    return replace(verdict, seconds=time.perf_counter() - began)


def judge_source(
    exercise: Exercise,
    file: Path,
    source: str,
    subject: Subject = SMALL,
    seconds: float = SECONDS,
    second: SecondOpinion | None = None,
) -> Verdict:
    """The verdict on a source, which errors call by the file's name."""
    targets = [find_target(name) for name in exercise.targets]
    withheld = [find_target(name) for name in exercise.withheld]
    if refusal := look(source, targets if exercise.kind != "predict" else [], file.name, withheld):
        return Verdict(exercise.name, refusal.state, said=refusal.sentence)
    if exercise.kind in ("derive", "predict", "find"):
        with comparing_alone:
            answers = judge_answers(exercise, source)
        if exercise.kind != "find" or not answers.passed:  # what the numbers would say gives the line away
            return answers
    cases = list_cases(exercise, targets)
    handed = run_source(exercise.name, file, source, subject, cases, seconds)
    with comparing_alone:
        verdict = compare(exercise, subject, cases, handed, file.name, second)
    if verdict.state != "wrong" or handed.ended or not can_continue(exercise):
        return verdict
    with comparing_alone:
        given = reference_pass(subject)
    again = run_source(exercise.name, file, source, subject, [(CHECK, PRECISION, "")], seconds, given)
    traces = [trace for evidence in again.evidence.values() for trace in evidence.traces]
    with comparing_alone:
        later = later_findings(exercise, subject, traces[0]) if traces else []
    return replace(verdict, found=(verdict.found[0], *later[: MOST_FOUND - 1]))


def check_file(exercise: Exercise, file: Path, seconds: float = SECONDS) -> Verdict:
    """The verdict on the usual sizes and seed, so that a mistake looks the same each time; what passes there must also pass on
    sizes and numbers that nobody has seen."""
    verdict = judge(exercise, file, SMALL, seconds, usual_opinion())
    if not verdict.passed or exercise.kind in ("derive", "predict"):
        return verdict
    second = judge(exercise, file, fresh_subject(), seconds)
    total = verdict.seconds + second.seconds
    if not second.passed:
        said = "It passed on the usual numbers, and not on new ones, drawn just now:"
        return replace(second, said=said, seconds=total)
    return replace(verdict, ran=f"{verdict.ran}; then all of it on new sizes and numbers", seconds=total)


def fresh_subject(seed: int | None = None) -> Subject:
    """Sizes and numbers that nobody has seen: all sizes differ, and the head size from them."""
    seed = secrets.randbelow(2**31) if seed is None else seed
    rng = random.Random(seed)
    heads, width = rng.choice([(5, 6), (3, 7), (5, 7), (6, 5)])
    config = GPTConfig(rng.randint(50, 70), rng.randint(11, 16), heads * width, heads, 2)
    return Subject(config, seed, 2, rng.choice([9, 10, 11]))
