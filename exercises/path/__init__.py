"""The path: every exercise in order, data alone. To add one, append it to its part."""

from functools import cache

from exercises.exercise import Exercise
from exercises.path import backward, forward, learning, text, weights
from shared_gpt.suggestions import did_you_mean

EXERCISES: tuple[Exercise, ...] = (
    *text.EXERCISES,
    *forward.EXERCISES,
    *backward.EXERCISES,
    *learning.EXERCISES,
    *weights.EXERCISES,
)


@cache
def find_exercise(name: str) -> Exercise:
    """The exercise of that name. ValueError for any other, with what may have been meant."""
    for exercise in EXERCISES:
        if exercise.name == name:
            return exercise
    raise ValueError(f"There is no exercise {name!r}{did_you_mean(name, [e.name for e in EXERCISES])} gpt-exercise list shows all.")


def number_of(exercise: Exercise) -> int:
    """Its place on the path, from 1."""
    return EXERCISES.index(exercise) + 1
