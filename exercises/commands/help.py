"""hint and solution: help, as much of it as is asked for."""

import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from exercises import MY_GPT


@dataclass(frozen=True)
class Hint:
    """Show the next of an exercise's three hints; each tells more."""

    name: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="[NAME]")] = ""
    """the exercise, by name, number or file; else the one whose file was saved last"""
    folder: Path = Path(MY_GPT)
    """your folder"""

    def run(self) -> int:
        from exercises.folder import StudentFolder
        from exercises.path import find_exercise

        student = StudentFolder(self.folder)
        exercise = find_exercise(self.name) if self.name else student.last_edited()
        number = student.progress().get(exercise.name, {}).get("hints", 0)
        number = min(max(number, 0) if isinstance(number, int) else 0, len(exercise.hints))
        shown = min(number + 1, len(exercise.hints))
        for i, hint in enumerate(exercise.hints[:shown], 1):
            print(textwrap.fill(f"{i}. {hint}", 79, subsequent_indent="   "))
        if number == len(exercise.hints):
            print(f"These are all. The solution: gpt-exercise solution {exercise.name} --give-up")
        student.note(exercise, hints=shown)
        return 0


@dataclass(frozen=True)
class Solution:
    """Show the reference's own code, after --give-up."""

    name: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="[NAME]")] = ""
    """the exercise, by name, number or file; else the one whose file was saved last"""
    give_up: bool = False
    """yes, show it"""
    folder: Path = Path(MY_GPT)
    """your folder"""

    def run(self) -> int:
        from exercises.answers import asked
        from exercises.cutting import find_target, solution
        from exercises.folder import StudentFolder
        from exercises.path import find_exercise

        student = StudentFolder(self.folder)
        exercise = find_exercise(self.name) if self.name else student.last_edited()
        if not self.give_up:
            raise ValueError(
                f"The solution of {exercise.name} is shown with --give-up; before that: gpt-exercise hint {exercise.name}"
            )
        student.note(exercise, gave_up=True)
        if exercise.kind != "implement":
            for question in asked(exercise):
                print(f"{question.name} = {question.answer()!r}    # {question.reason}")
        else:
            for target in map(find_target, (*exercise.withheld, *exercise.targets)):
                print(f"# {target.module.replace('.', '/')}.py: {target.title}\n{solution(target)}")
        return 0
