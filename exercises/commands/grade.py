"""grade: a whole class, as a table and a page."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from shared_gpt.options import OptionalInt


@dataclass(frozen=True)
class Grade:
    """Grade every student's folder below FOLDER, on sizes and numbers drawn now."""

    students: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FOLDER")]
    """the folder that holds one folder for each student"""
    csv: Path = Path("grades.csv")
    """the table: one row a student and exercise"""
    page: Path | None = None
    """the teacher's page; else the table's name with .html"""
    seconds: float = 20.0
    """how long each file may run"""
    workers: OptionalInt = None
    """files judged at a time; default: one for each core"""

    def run(self) -> int:
        from rich.console import Console

        from exercises.grading import grade, submissions, write_csv
        from exercises.summary import write_page

        if not self.students.is_dir():
            raise FileNotFoundError(f"{self.students} is no folder; give the one that holds a folder for each student.")
        for path in (self.csv, self.page):
            if path is not None and not path.parent.is_dir():
                raise FileNotFoundError(
                    f"{path.parent} does not exist; make it before the grading, which takes a while."
                )
        if self.workers is not None and self.workers < 1:
            raise ValueError(f"--workers is {self.workers}; give at least 1.")
        began, total = time.perf_counter(), len(list(submissions(self.students)))
        grades = []
        with Console(stderr=True).status(f"0 of {total} ...") as status:
            for one in grade(self.students, self.seconds, self.workers):
                grades.append(one)
                status.update(f"{len(grades)} of {total}: {one.student}, {one.exercise.name}")
        page = self.page or self.csv.with_suffix(".html")
        write_csv(self.csv, grades)
        write_page(page, grades, f"Grades of {self.students.resolve().name}")
        passed, students = sum(one.verdict.passed for one in grades), len({one.student for one in grades})
        print(f"{students} students, {total} files, {passed} passed; {time.perf_counter() - began:.0f} s.")
        print(f"The table: {self.csv}\nThe page:  {page}")
        return 0
