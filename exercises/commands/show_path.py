"""list: the path, with what is done."""

from dataclasses import dataclass
from pathlib import Path

from exercises import MY_GPT


@dataclass(frozen=True)
class ShowPath:
    """Show the path: every exercise with its minutes and difficulty, and what is done."""

    folder: Path = Path(MY_GPT)
    """Your folder"""

    def run(self) -> int:
        from exercises.exercise import PARTS
        from exercises.folder import StudentFolder
        from exercises.path import EXERCISES, number_of

        student = StudentFolder(self.folder)
        progress = student.progress()
        for part, title in PARTS.items():
            chosen = [exercise for exercise in EXERCISES if exercise.part == part]
            minutes = sum(exercise.minutes for exercise in chosen)
            print(f"\n{title} ({len(chosen)} exercises, {minutes // 60} h {minutes % 60:02d})")
            for exercise in chosen:
                done = progress.get(exercise.name, {})
                mark = "✓" if done.get("passed") else "…" if student.path(exercise).exists() else " "
                stars = "*" * exercise.difficulty
                print(
                    f" {mark} {number_of(exercise):2d} {exercise.name:<26} {exercise.kind:<9} {exercise.minutes:3d} min {stars}"
                )
        done = len(student.passed())
        following = next((e for e in EXERCISES if e not in student.passed()), None)
        print(f"\n{done} of {len(EXERCISES)} done. ✓ passed, … begun.")
        if following:
            print(f"Next: gpt-exercise start {following.name}")
        return 0
