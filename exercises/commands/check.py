"""check: what a file is worth, now or at every save."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from exercises import MY_GPT

if TYPE_CHECKING:
    from exercises.exercise import Exercise
    from exercises.folder import StudentFolder

PAUSE = 0.3  # seconds between two looks at the files


@dataclass(frozen=True)
class Check:
    """Check an exercise: the one named, or the one saved last. The exit status is 0 if it passed, 1 if not."""

    name: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="[NAME]")] = ""
    """the exercise, by name, number or file; else the one whose file was saved last"""
    watch: bool = False
    """stay, and check whatever is saved, until Ctrl-C"""
    folder: Path = Path(MY_GPT)
    """your folder"""
    seconds: float = 20.0
    """how long your code may run"""

    def run(self) -> int:
        from exercises.warm import warm_up

        warm_up()
        from exercises.folder import StudentFolder
        from exercises.path import find_exercise

        student = StudentFolder(self.folder)
        if not self.seconds > 0:
            raise ValueError(f"--seconds is {self.seconds:g}; give a number above 0.")
        if self.watch:
            return self.stay(student)
        exercise = find_exercise(self.name) if self.name else student.last_edited()
        return 0 if self.check(student, exercise) else 1

    def check(self, student: "StudentFolder", exercise: "Exercise") -> bool:
        """Judge, print, note; whether it passed."""
        from exercises.judging import check_file, usual_opinion
        from exercises.verdict import Verdict
        from exercises.wording import say

        path = student.path(exercise)
        if path.exists():
            usual_opinion()  # begins to load beside all else
            verdict = check_file(exercise, path, self.seconds)
        else:
            said = f"begin it with: gpt-exercise start {exercise.name}"
            verdict = Verdict(exercise.name, "not begun", said=said)
        before = student.progress().get(exercise.name, {})
        hint = f"gpt-exercise hint {exercise.name}" if verdict.state == "wrong" else ""
        print("\n".join(say(verdict, hint)), flush=True)
        if path.exists():
            checks = before.get("checks", 0)
            student.note(exercise, passed=verdict.passed, checks=checks + 1 if isinstance(checks, int) else 1)
        if verdict.passed and not before.get("passed"):
            _say_milestones(student, exercise)
        return verdict.passed

    def stay(self, student: "StudentFolder") -> int:
        """Check what is saved, again and again."""
        from exercises.folder import exercise_in
        from exercises.path import find_exercise

        only = find_exercise(self.name) if self.name else None
        print(f"Watching {student.root}; save a file to have it checked, Ctrl-C to end.", flush=True)
        seen: dict[Path, float] = {}
        first = True
        while True:
            for path in sorted(student.root.glob("*.py")):
                exercise, saved = exercise_in(path), path.stat().st_mtime
                if exercise and seen.get(path) != saved:
                    seen[path] = saved
                    if exercise is only or (not first and only is None):
                        print()
                        self.check(student, exercise)
            first = False
            time.sleep(PAUSE)


def _say_milestones(student: "StudentFolder", exercise: "Exercise") -> None:
    """What can be done now that a part is whole."""
    from exercises.milestones import MILESTONES, reached

    for milestone in MILESTONES:
        if exercise.name in milestone.needs and reached(milestone, student):
            print(f"\n{milestone.said}\n    {milestone.command}")
