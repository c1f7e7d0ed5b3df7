"""The path: every exercise in order, data alone. To add one, append it to its part."""

import re
from functools import cache
from pathlib import Path

from exercises.exercise import Exercise
from exercises.path import (
    attention,
    backward,
    backward_model,
    finetuning,
    forward,
    learning,
    text,
    weights,
    writing,
)
from shared_gpt.suggestions import did_you_mean

FILES = (text, forward, attention, writing, backward, backward_model, learning, finetuning, weights)
EXERCISES: tuple[Exercise, ...] = tuple(exercise for file in FILES for exercise in file.EXERCISES)


@cache
def find_exercise(name: str) -> Exercise:
    """The exercise of that name, of that number, or of the file called so. ValueError for any other, with what may have been
    meant."""
    for number, exercise in enumerate(EXERCISES, 1):
        if name in (exercise.name, str(number)) or (name.endswith(".py") and named(Path(name)) == exercise.name):
            return exercise
    raise ValueError(
        f"There is no exercise {name!r}{did_you_mean(name, [e.name for e in EXERCISES])} gpt-exercise list shows all."
    )


def named(path: Path) -> str:
    """The exercise that a file's name names: 12_attention_backward.py is attention-backward."""
    return re.sub(r"^\d+[_-]", "", path.stem).replace("_", "-")


def number_of(exercise: Exercise) -> int:
    """Its place on the path, from 1."""
    return EXERCISES.index(exercise) + 1
