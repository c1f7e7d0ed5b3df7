"""The file that a student starts from."""

import ast
import textwrap
from collections.abc import Sequence

from exercises.cutting import Target, find_target, imports, names_used, solution, span, stub
from exercises.exercise import Exercise, Question
from exercises.slips import Slip

WIDTH = 79
KINDS = {
    "implement": "Fill the gap between the two marks; everything else is the reference.",
    "derive": "Write your answers in the place of the dots; fractions and roots may be left as they are: (1/4, sqrt(2)).",
    "find": "Write the number in the place of the dots.",
    "predict": "Write your answers in the place of the dots.",
}


def heading(exercise: Exercise, number: int) -> str:
    """The docstring at the top: what to do and how to have it judged."""
    lines = [f'"""{number}. {exercise.name} ({exercise.minutes} minutes)', "", *task_lines(exercise), ""]
    lines += textwrap.wrap(KINDS[exercise.kind], WIDTH)
    lines += ["", f"    gpt-exercise check {exercise.name}", f"    gpt-exercise hint {exercise.name}", '"""', ""]
    return "\n".join(lines)


def task_lines(exercise: Exercise) -> list[str]:
    """The task, paragraph by paragraph, in lines that fit a terminal."""
    paragraphs = [textwrap.wrap(" ".join(part.split()), WIDTH) for part in exercise.task.split("\n\n")]
    return [line for part in paragraphs for line in (*part, "")][:-1]


def make_stub(
    exercise: Exercise,
    number: int,
    questions: tuple[Question, ...] = (),
    slip: Slip | None = None,
    with_quotes: bool = True,
) -> str:
    """The whole file."""
    head = heading(exercise, number)
    if exercise.kind in ("derive", "predict"):
        asked = [f"# {question.asked}\n{question.name} = ..." for question in questions]
        return "\n".join([head, "\n\n".join(asked), ""])
    if slip is not None:
        return find_stub(exercise, slip, head)[0]
    targets = [find_target(name) for name in exercise.targets]
    bodies = [stub(target, exercise.keep_docstring) for target in targets]
    withheld = [find_target(name).name for name in exercise.withheld]
    withheld += [name for name in checks_used(targets) if name not in exercise.task]
    return "\n".join(
        [head, imports(targets, withheld), "", *(quoted(exercise) if with_quotes else []), "", "\n\n".join(bodies)]
    )


def checks_used(targets: Sequence[Target]) -> list[str]:
    """The reference's checks of its arguments, which an exercise does not ask for."""
    return sorted({name for target in targets for name in names_used(solution(target)) if name.startswith("check_")})


def quoted(exercise: Exercise) -> list[str]:
    """The functions that the exercise shows, as comments: the forward pass that a backward pass answers."""
    lines = []
    for target in map(find_target, exercise.shown):
        first, last = span(target)
        lines += [
            "",
            f"# {target.title}, as it stands in {target.module.replace('.', '/')}.py, lines {first} to {last}:",
            "#",
        ]
        lines += [f"#   {line}".rstrip() for line in code_of(solution(target)).splitlines()] + [""]
    return lines


def code_of(text: str) -> str:
    """A definition without its docstring."""
    node = ast.parse(text).body[0]
    if not ast.get_docstring(node):
        return text
    lines = text.splitlines()
    return "\n".join([*lines[: node.body[0].lineno - 1], *lines[node.body[0].end_lineno :]]) + "\n"


def find_stub(exercise: Exercise, slip: Slip, head: str = "") -> tuple[str, int]:
    """A working file with a mistake in it, and the number of the wrong line."""
    targets = [find_target(name) for name in exercise.targets]
    head = head or heading(exercise, 1)
    right, wrong = code_of(solution(slip.target)), code_of(slip.text())
    body = "\n".join([head, imports(targets), "", "wrong_line = ...", "", "", wrong])
    start = body.count("\n", 0, body.index(wrong))
    differing = next(i for i, (a, b) in enumerate(zip(right.splitlines(), wrong.splitlines())) if a != b)
    return body, start + differing + 1
