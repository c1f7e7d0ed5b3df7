"""Where the error of a planted mistake goes: a pass of the reader's tiny model with the mistake in it, beside the right one."""

import numpy as np

from parity_tests.mistakes.judge import planted
from parity_tests.mistakes.mistake import Mistake
from reader import tiny


def stops() -> dict[str, np.ndarray]:
    """Every value and gradient of the pass, by module, in the order of time; with the packages that are imported now."""
    import numpy_gpt as twin
    from parity_tests.report.trace import trace_numpy

    trace = trace_numpy(tiny.build(twin), twin.CrossEntropy(), *tiny.batch())
    places = {"output": "{}", "dx": "{}, back", "gradient": "d {}"}
    return {places[place].format(name or "model"): array for (place, name), array in trace.items() if place in places}


def spread(mistake: Mistake) -> str:
    """Where a mistake's error goes: for each of `stops` 0 for right, else 1 to 9, as 1e-8 to 1 in relative error."""
    right = stops()
    with planted(mistake):
        wrong = stops()
    return "".join(_level(right[name], wrong.get(name)) for name in right)


def _level(right: np.ndarray, wrong: np.ndarray | None) -> str:
    if wrong is None or wrong.shape != right.shape or not np.isfinite(wrong).all():
        return "9"
    error = float(np.abs(right - wrong).max()) / (float(np.abs(right).max()) or 1.0)
    return "0" if error < 1e-9 else str(int(np.clip(np.ceil(9 + np.log10(error)), 1, 9)))
