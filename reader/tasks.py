"""The exercises as a list, and which of them belong to a definition."""

from exercises.exercise import PARTS, Exercise
from exercises.path import EXERCISES
from reader.alignment import room
from reader.rooms import READING_ORDER


def places(exercise: Exercise) -> list[tuple[str, str]]:
    """(room, definition) of each definition of the twins that an exercise has written, as far as the rooms show it."""
    found = []
    for target in exercise.targets:
        package, _, rest = target.partition(".")
        name, _, definition = rest.partition(".")
        shown = {one.name for one in room(name)} if package == "numpy_gpt" and name in READING_ORDER else set()
        found += [(name, definition)] if definition in shown else []
    return found


def parts() -> list[tuple[str, str, list[Exercise]]]:
    """(part, its heading, its exercises) in the order of the path."""
    return [(part, heading, [one for one in EXERCISES if one.part == part]) for part, heading in PARTS.items()]


def links() -> dict[str, list[tuple[str, str]]]:
    """By an exercise's name what it lets one write, as (definition, address)."""
    return {one.name: [(name, f"{file}.html#{name}") for file, name in places(one)] for one in EXERCISES}


def exercises_of(file: str, definition: str) -> list[str]:
    """The exercises that have a definition written, or found wrong in it."""
    return [one.name for one in EXERCISES if (file, definition) in places(one)]
