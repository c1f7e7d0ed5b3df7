"""Mistakes that students make in a target, recognised by their result: the trial is run with the mistake planted, and what
comes out is compared with what the student's code gave.

The planted mistakes of the suite serve here as they are; `path/slips.py` adds those that only a first attempt has.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from exercises.cutting import Target, find_target, room_source, solution, span
from exercises.exercise import Exercise
from exercises.installing import installed
from exercises.path.slips import SLIPS
from exercises.trial import Trial
from parity_tests.mistakes.judge import plant
from parity_tests.mistakes.mistake import Mistake
from parity_tests.mistakes.planted import MISTAKES
from parity_tests.report.trace import Trace


@dataclass(frozen=True)
class Slip:
    """A mistake in one target, and the source of its room with the mistake in it."""

    mistake: Mistake
    target: Target
    source: str

    @property
    def sentence(self) -> str:
        """What the student reads."""
        return f"{self.mistake.name}: {self.mistake.why}" if self.mistake.why else self.mistake.name

    def text(self) -> str:
        """The definition with the mistake in it."""
        return solution(self.target, self.source)

    def function(self) -> Any:
        """The mistaken function, in its room's namespace."""
        import importlib

        namespace = dict(vars(importlib.import_module(self.target.module)))
        exec(compile(self.text(), f"<{self.mistake.name}>", "exec"), namespace)
        return namespace[self.target.name]


def slips_in(target: Target) -> list[Slip]:
    """The known mistakes that lie inside a target's definition."""
    source = room_source(target.module)
    first, last = span(target)
    slips = []
    for mistake in [*MISTAKES, *SLIPS]:
        module = (
            f"numpy_gpt.{mistake.file.removesuffix('.py')}"
            if "/" not in mistake.file
            else mistake.file.replace("/", ".")[:-3]
        )
        if module != target.module or source.count(mistake.find) != 1:
            continue
        line = source[: source.index(mistake.find)].count("\n") + 1
        line += len(mistake.find) - len(mistake.find.lstrip("\n"))
        if first <= line <= last:
            slips.append(Slip(mistake, target, plant(mistake, source)))
    return slips


def known_slips(exercise: Exercise) -> list[Slip]:
    """The known mistakes in all of an exercise's targets."""
    return [slip for name in exercise.targets for slip in slips_in(find_target(name))]


def trials_with_slips(exercise: Exercise, seed: int, precision: str) -> Mapping[Slip, Trace]:
    """What the exercise's trial gives with each known mistake in place."""
    return _trials(exercise.name, seed, precision)


@lru_cache(64)
def _trials(name: str, seed: int, precision: str) -> dict[Slip, Trace]:
    from exercises.path import find_exercise

    exercise, traces = find_exercise(name), {}
    for slip in known_slips(exercise):
        trial = Trial(seed, precision)
        # a mistake may stop the trial; what came before still tells
        with installed({slip.target: slip.function()}), np.errstate(all="ignore"), suppress(Exception):
            exercise.probe(trial)
        traces[slip] = trial.trace
    return traces
