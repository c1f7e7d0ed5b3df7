"""Grades a class: a folder for each student, every exercise in it judged on numbers that nobody has seen."""

import csv
import os
import secrets
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from exercises.exercise import Exercise
from exercises.folder import exercise_in
from exercises.judging import fresh_subject, judge
from exercises.path import EXERCISES
from exercises.process import SECONDS
from exercises.pytorch import SecondOpinion
from exercises.verdict import Verdict
from parity_tests.report.subject import Subject
from shared_gpt.files import written_beside

PATIENCE = 60.0  # seconds that a grading waits for PyTorch
COLUMNS = ("student", "exercise", "passed", "state", "first finding", "seconds", "file")


@dataclass(frozen=True)
class Grade:
    """One student's exercise."""

    student: str
    exercise: Exercise
    file: Path
    verdict: Verdict

    def row(self) -> list[str]:
        """As a line of the table."""
        v = self.verdict
        finding = "" if v.passed else v.first.replace("\n", " ")
        return [
            self.student,
            self.exercise.name,
            "yes" if v.passed else "no",
            v.state,
            finding,
            f"{v.seconds:.2f}",
            str(self.file),
        ]


def submissions(folder: Path) -> Iterator[tuple[str, Exercise, Path]]:
    """(student, exercise, file) for every file below the folder that bears an exercise's name; of several the one saved last.

    A student is a folder directly in it. Raises ValueError where there is none.
    """
    students = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    if not students:
        raise ValueError(f"{folder} holds no folders; give the folder that holds one folder for each student.")
    for student in students:
        found: dict[str, Path] = {}
        for path in sorted(student.rglob("*.py")):
            exercise = exercise_in(path)
            if exercise and path.is_file() and _newer(path, found.get(exercise.name)):
                found[exercise.name] = path
        for exercise in EXERCISES:
            if exercise.name in found:
                yield student.name, exercise, found[exercise.name]


def _newer(path: Path, other: Path | None) -> bool:
    return other is None or path.stat().st_mtime >= other.stat().st_mtime


def grade(
    folder: Path, seconds: float = SECONDS, workers: int | None = None, seed: int | None = None
) -> Iterator[Grade]:
    """Judge every submission, several at a time, all on the same sizes and numbers, which are drawn now."""
    subject = fresh_subject(secrets.randbelow(2**31) if seed is None else seed)
    todo = list(submissions(folder))
    with (
        tempfile.TemporaryDirectory(prefix="gpt-exercise-", ignore_cleanup_errors=True) as place,
        ThreadPoolExecutor(workers or os.cpu_count() or 1) as pool,
    ):
        second = SecondOpinion(subject, Path(place), PATIENCE)
        try:
            second.answers()  # loaded before the first file, whose seconds it would else be
            yield from pool.map(lambda one: Grade(*one, _verdict(one[1], one[2], subject, seconds, second)), todo)
        finally:
            second.stop()


def _verdict(exercise: Exercise, file: Path, subject: Subject, seconds: float, second: SecondOpinion) -> Verdict:
    try:
        return judge(exercise, file, subject, seconds, second)
    except Exception as error:  # one broken submission must not cost the others their grades
        return Verdict(exercise.name, "refused", said=f"it could not be judged: {type(error).__name__}: {error}")


def write_csv(path: Path, grades: list[Grade]) -> None:
    """One row a student and exercise. What a spreadsheet would take for a formula is text."""
    with written_beside(path) as beside:
        lines = Lines()
        writer = csv.writer(lines)
        writer.writerow(COLUMNS)
        writer.writerows([[_text(cell) for cell in one.row()] for one in grades])
        beside.write("".join(lines.written).encode("utf-8-sig"))


class Lines:
    """What csv writes to."""

    def __init__(self):
        self.written: list[str] = []

    def write(self, text: str) -> None:
        self.written.append(text)


def _text(cell: str) -> str:
    return f"'{cell}" if cell[:1] in ("=", "+", "-", "@", "\t") else cell
