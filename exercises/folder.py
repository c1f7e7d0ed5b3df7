"""A student's folder: a file for each exercise that was begun, and what is done. Losing progress.json does no harm."""

import json
from pathlib import Path
from typing import Any

from exercises.answers import asked, slip_of
from exercises.cutting import find_target
from exercises.exercise import Exercise
from exercises.path import EXERCISES, named, number_of
from exercises.stub import make_stub
from shared_gpt.files import written_beside


class StudentFolder:
    """The folder at a path, which need not exist yet."""

    def __init__(self, root: Path):
        self.root = root

    def path(self, exercise: Exercise) -> Path:
        """The file of an exercise: the one that is there, under any number, or the one that `start` writes."""
        there = [path for path in self.root.glob("*.py") if named(path) == exercise.name]
        return min(there, default=self.root / f"{number_of(exercise):02d}_{exercise.name.replace('-', '_')}.py")

    def start(self, exercise: Exercise, with_quotes: bool = True) -> Path:
        """Write the stub. FileExistsError where the file is there: nobody's work is written over."""
        path = self.path(exercise)
        if path.exists():
            raise FileExistsError(f"{path} is there already, and keeps what you wrote; move it away to begin anew.")
        self.root.mkdir(parents=True, exist_ok=True)
        slip = slip_of(exercise) if exercise.kind == "find" else None
        text = make_stub(exercise, number_of(exercise), asked(exercise), slip, with_quotes)
        with written_beside(path) as beside:
            beside.write(text.encode("utf-8"))
        return path

    def last_edited(self) -> Exercise:
        """The exercise whose file was saved last. FileNotFoundError where there is none."""
        paths = [(path.stat().st_mtime, path) for path in self.root.glob("*.py") if exercise_in(path)]
        if not paths:
            raise FileNotFoundError(
                f"{self.root} holds no exercise; begin one with: gpt-exercise start {EXERCISES[0].name}"
            )
        return exercise_in(max(paths)[1])

    def progress(self) -> dict[str, dict[str, Any]]:
        """By exercise: whether it is passed, how many hints were asked for, whether the solution was."""
        try:
            found = json.loads((self.root / "progress.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return {str(k): v for k, v in found.items() if isinstance(v, dict)} if isinstance(found, dict) else {}

    def note(self, exercise: Exercise, **what: Any) -> None:
        """Write down what was done."""
        progress = self.progress()
        progress[exercise.name] = progress.get(exercise.name, {}) | what
        self.root.mkdir(parents=True, exist_ok=True)
        with written_beside(self.root / "progress.json") as beside:
            beside.write(json.dumps(progress, indent=1).encode("utf-8"))

    def passed(self) -> list[Exercise]:
        """The exercises that are noted as passed."""
        progress = self.progress()
        return [exercise for exercise in EXERCISES if progress.get(exercise.name, {}).get("passed") is True]


def exercise_in(path: Path) -> Exercise | None:
    """The exercise of a file, by its name."""
    return next((exercise for exercise in EXERCISES if exercise.name == named(path)), None)


def gives_away(exercise: Exercise) -> bool:
    """Whether its file holds code that another exercise asks for: a working function with one mistake in it."""
    targets = {find_target(name) for name in exercise.targets}
    others = {find_target(name) for other in EXERCISES if other.kind == "implement" for name in other.targets}
    return exercise.kind == "find" and bool(targets & others)
