"""After a first finding: what still differs in a pass in which every module hands on the reference's values (`given`)."""

import numpy as np

import numpy_gpt
from exercises.cutting import find_target
from exercises.exercise import Exercise
from exercises.references import reference_evidence
from exercises.verdict import Found
from exercises.whole_models import same
from parity_tests.report.diagnose import likely_reason, responsible
from parity_tests.report.subject import Subject
from parity_tests.report.trace import Trace

CHECK, PRECISION = "one pass", "float64"
WITH_PARTS = ("MultiHeadAttention", "FeedForward", "TransformerBlock", "GPTModel")


def can_continue(exercise: Exercise) -> bool:
    """Whether its one target is a pass through other modules, whose values can be replaced."""
    names = [find_target(name).names for name in exercise.targets]
    return (
        CHECK in exercise.checks
        and len(names) == 1
        and names[0][0] in WITH_PARTS
        and names[0][-1] in ("forward", "backward")
    )


def reference_pass(subject: Subject) -> Trace:
    """What every module gives in the reference."""
    return reference_evidence(CHECK, PRECISION, subject.config, (subject.seed, subject.batch_size, subject.length))[0]


def later_findings(exercise: Exercise, subject: Subject, ours: Trace) -> list[Found]:
    """What differs in the exercise's own code when it is given right values, but for the first."""
    owner, direction = find_target(exercise.targets[0]).names
    theirs = reference_pass(subject)
    classes = {path: type(module).__name__ for path, module in subject.model(numpy_gpt, PRECISION).named_modules()}
    found: dict[str, Found] = {}
    for key, value in ours.items():
        if key not in theirs or same(value, theirs[key], PRECISION):
            continue
        path, of, what = responsible(key, theirs)
        if of != direction or classes.get(path) != owner or what in found:
            continue
        try:
            with np.errstate(all="ignore"):
                likely = likely_reason(key, ours, theirs, subject.facts())
        except (LookupError, ValueError, TypeError, ArithmeticError):
            likely = ""
        found[what] = Found(f"given right values, {what} differs too", likely)
    return list(found.values())[1:]
