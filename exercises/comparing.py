"""Compares what a student's process handed over with the reference, here, where none of her code runs."""

import re
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from exercises.cutting import Target
from exercises.elements import excerpts, first_differing, number
from exercises.exercise import Exercise
from exercises.installing import rounds
from exercises.process import Case, Handed
from exercises.pytorch import ASKED, Answers, SecondOpinion
from exercises.references import reference_trial
from exercises.results import as_text
from exercises.slips import trials_with_slips
from exercises.trial import LAW, Trial
from exercises.verdict import Found, Verdict
from exercises.whole_models import against_pytorch, compare_models, same
from parity_tests.report.checks import CHECKS
from parity_tests.report.diagnose import likely_reason
from parity_tests.report.evidence import Evidence
from parity_tests.report.measure import TOLERANCE, is_explained
from parity_tests.report.subject import Subject
from parity_tests.report.trace import Key, Trace

BROKEN = "this does not hold: "
MOST_FOUND = 3
MOST_PRINTED = 10  # lines


def list_cases(exercise: Exercise, targets: Sequence[Target]) -> list[Case]:
    """What is run, in this order: the exercise's own trial, each function alone first; then whole models."""
    names = list(rounds(targets))
    cases: list[Case] = [("", precision, name) for precision in TOLERANCE for name in [*names[1:], ""]]
    for precision in TOLERANCE:
        checks = [name for name in exercise.checks if precision == "float64" or not CHECKS[name].once]
        cases += [(name, precision, "") for name in checks]
    return cases


def compare(
    exercise: Exercise,
    subject: Subject,
    cases: Sequence[Case],
    handed: Handed,
    file: str,
    second: SecondOpinion | None = None,
) -> Verdict:
    """The verdict on what was handed over; `second` is asked about the gradients of whole models too."""
    found: list[Found] = []
    for precision in TOLERANCE:
        if found:
            break
        reference = reference_trial(exercise.name, subject.seed, precision)
        for case in [case for case in cases if case[0] == "" and case[1] == precision]:
            if case in handed.evidence and not found:
                found = _compare_trial(exercise, subject.seed, reference, handed.evidence[case], precision)
            elif case in handed.evidence and case[2]:
                found += _compare_trial(exercise, subject.seed, reference, handed.evidence[case], precision)
    in_model = compare_models(subject, cases, handed)
    if found and in_model and found[0].yours:
        told = found[0].likely and not found[0].likely.startswith(BROKEN)
        found[0] = replace(
            found[0],
            in_model=in_model[0].where.split(" is the first to differ")[0],
            likely=found[0].likely if told else in_model[0].likely or found[0].likely,
        )
    answers = second.answers() if second and any(case[0] in ASKED for case in cases) else {}
    found = found or in_model or against_pytorch(cases, handed, answers)
    if handed.ended and not found:
        found = [Found(handed.ended.text)]
    lines = len(handed.printed.splitlines())
    if not found and lines > MOST_PRINTED:
        found = [Found(f"the numbers are right, but {file} prints {lines:,} lines; take the print out of it")]
    whole = len(handed.evidence) == len(cases)
    ran = _ran(reference_trial(exercise.name, subject.seed, "float64"), cases, answers) if whole else ""
    if whole and second and second.late:
        ran += "; PyTorch is still loading, the next check asks it too"
    state = "wrong" if found else "passed"
    return Verdict(exercise.name, state, tuple(map(_plainly, found[:MOST_FOUND])), ran=ran, printed=handed.printed)


def _plainly(one: Found) -> Found:
    """Without the names of our own exceptions, whose messages say all."""
    return replace(
        one,
        where=re.sub(
            r"\b(StudentError|SolutionUsedError|GaveNoneError): |AttributeError: (?=your file)", "", one.where
        ),
    )


def _ran(reference: Trial, cases: Sequence[Case], answers: Answers) -> str:
    """What was run, in words."""
    results, checks = len(reference.trace) - len(reference.laws), len({case[0] for case in cases} - {""})
    arrays = any(key not in reference.texts for key in reference.trace)
    ran = f"{results} results, {'shapes and values, in float64 and float32' if arrays else 'each as a whole'}"
    if reference.laws:
        ran += f"; {'; '.join(reference.laws)}"
    gradients = {
        (check, key)
        for (check, precision), trace in answers.items()
        for key in trace
        if (check, precision, "") in cases
    }
    opinions = [f"{len(reference.differences)} against central differences"] * bool(reference.differences)
    opinions += [f"{len(gradients)} against PyTorch"] * bool(gradients)
    if opinions:
        ran += f"; gradients: {', '.join(opinions)}"
    return ran + (f"; {checks} of the report's checks" if checks else "")


def _compare_trial(exercise: Exercise, seed: int, reference: Trial, evidence: Evidence, precision: str) -> list[Found]:
    """What differs: for each function and quantity the first place, unless one known slip explains several."""
    ours = evidence.traces[0] if evidence.traces else Trace()
    keys = [key for key in reference.trace if key not in ours or not same(ours[key], reference.trace[key], precision)]
    keys += [key for key in _wrong_by_differences(reference, ours) if key not in keys]
    broken = [key for key in keys if key[1].startswith(LAW) and key in ours]
    keys = [key for key in keys if not key[1].startswith(LAW)] or broken
    slips = trials_with_slips(exercise, seed, precision) if keys else {}
    found: list[Found] = []
    seen: set[tuple[str, str]] = set()
    explained: set[Key] = set()
    for key in keys:
        stem = key[0], _plain(key[1])
        plain = next(other for other in reference.trace if other[0] == key[0] and _plain(other[1]) == stem[1])
        stem = stem if plain in keys else key  # a special case stands for itself where the plain one is right
        if key not in ours or stem in seen or key in explained:
            continue
        seen.add(stem)
        slip = next((s for s, trace in slips.items() if _is(trace, key, ours[key], reference.trace[key])), None)
        if slip is not None:
            explained |= {k for k in keys if k in ours and _is(slips[slip], k, ours[k], reference.trace[k])}
        found.append(_found(key, ours[key], reference, precision, slip))
    if found and broken and (not found[0].likely or found[0].likely.startswith("a matter of some rows")):
        found[0] = replace(found[0], likely=f"{BROKEN}{broken[0][1].removeprefix(LAW)}")
    if evidence.error:
        own = evidence.error.text.startswith(
            "your "
        )  # else our own code met a result that is already found to be wrong
        found = [*found[:1], *[Found(evidence.error.text)] * (own or not found)]
    elif not found and keys:
        found = [Found(f"{keys[0][0]}: {keys[0][1]} was never computed")]
    return found


def _plain(quantity: str) -> str:
    """A quantity without the case in which it was computed."""
    return re.split(" (?:for|with|at|where|after) ", quantity)[0]


def _wrong_by_differences(reference: Trial, ours: Trace) -> list[Key]:
    """The gradients that are far from the central differences."""
    return [key for key, slope in reference.differences.items() if key in ours and not slope.agrees(ours[key])]


def _is(trace: Trace, key: Key, ours: np.ndarray, theirs: np.ndarray) -> bool:
    """Whether a slip gives just what the student's code gave, and the reference does not."""
    mine = trace.get(key)
    if mine is None or mine.shape != ours.shape or mine.dtype != ours.dtype:
        return False
    return is_explained(ours, theirs, mine)


def _found(key: Key, ours: np.ndarray, reference: Trial, precision: str, slip: object) -> Found:
    theirs = reference.trace[key]
    if key in reference.texts:
        where = f"{key[0]}: {key[1]}"
        yours, expected = as_text(ours), as_text(theirs)
        likely = "an argument is changed in place; work on a copy of it" if "arguments stay" in key[1] else ""
        return Found(where, getattr(slip, "sentence", "") or likely, *excerpts(yours, expected))
    where, likely = f"{key[0]}: {key[1]}, in {precision}", getattr(slip, "sentence", "")
    if not likely:
        try:
            with np.errstate(all="ignore"):
                likely = likely_reason(key, {key: ours}, reference.trace, reference.facts())
        except (LookupError, ValueError, TypeError, ArithmeticError):
            likely = ""
    if ours.shape != theirs.shape:
        return Found(where, likely, f"an array of shape {ours.shape}", f"shape {theirs.shape}")
    if ours.dtype != theirs.dtype:
        return Found(where, likely, str(ours.dtype), str(theirs.dtype))
    index = first_differing(ours, theirs, precision)
    place = f" at {list(index)}" if index else ""
    return Found(where, likely, f"{number(ours[index])}{place}", f"{number(theirs[index])}{place}")
