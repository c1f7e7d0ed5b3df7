"""start: write an exercise's file, or all of them for a class."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from exercises import MY_GPT


@dataclass(frozen=True)
class Start:
    """Write the file of an exercise into your folder, and print the task."""

    name: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="[NAME]")] = ""
    """the exercise, such as softmax; else the next one that is not begun"""
    all: bool = False
    """every exercise that is not there yet"""
    without_answers: bool = False
    """with --all, to hand out: leave out what answers another exercise (quoted forward passes, files with a mistake)"""
    folder: Path = Path(MY_GPT)
    """your folder"""

    def run(self) -> int:
        from exercises.folder import StudentFolder, gives_away
        from exercises.path import EXERCISES, find_exercise, number_of
        from exercises.stub import KINDS, task_lines

        student = StudentFolder(self.folder)
        if self.all:
            if self.name:
                raise ValueError(f"--all starts every exercise; leave {self.name!r} or --all out.")
            chosen = [e for e in EXERCISES if not (self.without_answers and gives_away(e))]
            new = [e for e in chosen if not student.path(e).exists()]
            for exercise in new:
                student.start(exercise, with_quotes=not self.without_answers)
            print(f"{len(new)} files written to {self.folder}, {len(chosen) - len(new)} were there.")
            if left := [e.name for e in EXERCISES if e not in chosen]:
                print(f"Left out, since they hold the answer to another exercise: {', '.join(left)}.")
                print("A student begins each of them with gpt-exercise start NAME when the other one is done.")
            return 0
        if self.name:
            exercise = find_exercise(self.name)
        else:
            exercise = next((e for e in EXERCISES if not student.path(e).exists()), None)
            if exercise is None:
                raise ValueError("Every exercise is begun; see gpt-exercise list.")
        path = student.start(exercise, with_quotes=not self.without_answers)
        print(f"{number_of(exercise)}. {exercise.name}, about {exercise.minutes} minutes\n")
        print("\n".join(task_lines(exercise)))
        print(f"\n{KINDS[exercise.kind]}" if exercise.kind in ("derive", "find") else "")
        print(f"Your file: {path}\nThen: gpt-exercise check {exercise.name}")
        return 0
