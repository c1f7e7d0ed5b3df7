"""`python -m exercises.with_pieces FOLDER COMMAND ...`: numpy-gpt's commands, with a student's functions in the reference's
places.

A process of its own, in which nothing is judged: it is her program.
"""

import sys
from pathlib import Path

import exercises.slips  # noqa: F401 - imported first, so that every use of a target is known
from exercises.cutting import find_target
from exercises.folder import StudentFolder
from exercises.installing import install, students_pieces
from exercises.student import load
from parity_tests.report.where import where_raised
from shared_gpt.streams import complain


def main(args: list[str], files: list[Path]) -> int:
    """Install every exercise that is noted as passed, in the order of the path, and run the command; `files` then holds hers."""
    from collections import Counter

    import numpy_gpt
    from shared_gpt.cli import main as run

    student = StudentFolder(Path(args[0]))
    for exercise in student.passed():
        path = student.path(exercise)
        if (
            exercise.kind != "implement"
            or not path.exists()
            or not exercise.targets[0].startswith(("numpy_gpt", "shared_gpt"))
        ):
            continue
        files.append(path)
        module = load(path, path.read_text(encoding="utf-8-sig"), {})
        pieces = students_pieces(module, [find_target(name) for name in exercise.targets], Counter())
        for target, piece in pieces.items():
            install(target, piece)
    return run(numpy_gpt, args[1:])


def tell(args: list[str]) -> int:
    """Run `main`; what her code raises is one line."""
    files: list[Path] = []
    try:
        return main(args, files)
    except Exception as error:
        complain("gpt-exercise", where_raised(error, files))
        return 1


if __name__ == "__main__":
    sys.exit(tell(sys.argv[1:]))
