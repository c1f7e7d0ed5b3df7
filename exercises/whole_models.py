"""Where whole models with a student's functions in them part from the reference, told as the report tells it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from exercises.process import Case, Handed
from exercises.pytorch import Answers
from exercises.references import reference_evidence
from exercises.verdict import Found
from parity_tests.report.comparison import Finding
from parity_tests.report.diagnose import Parting, first_parting
from parity_tests.report.evidence import Evidence, Raised
from parity_tests.report.measure import TOLERANCE, relative_error
from parity_tests.report.subject import Subject
from parity_tests.report.trace import Key, Trace
from parity_tests.report.wording import describe


def compare_models(subject: Subject, cases: Sequence[Case], handed: Handed) -> list[Found]:
    """The first finding in whole models, told as the report tells it."""
    for case in [case for case in cases if case[0] and case in handed.evidence]:
        check, precision, _ = case
        evidence = handed.evidence[case]
        sizes = (subject.seed, subject.batch_size, subject.length)
        theirs = reference_evidence(check, precision, subject.config, sizes)
        finding = first_in_model(subject, check, precision, evidence, theirs)
        if finding is not None:
            likely = finding.parting.reason if finding.parting else ""
            shown = replace(finding, parting=replace(finding.parting, reason="")) if finding.parting else finding
            return [Found(describe(shown).replace("\n", " ").rstrip("."), likely)]
    return []


def against_pytorch(cases: Sequence[Case], handed: Handed, answers: Answers) -> list[Found]:
    """The first gradient of a whole model that PyTorch finds otherwise."""
    for case in [case for case in cases if case[:2] in answers and case in handed.evidence]:
        check, precision, _ = case
        ours = handed.evidence[case].traces[0]
        for key, theirs in answers[check, precision].items():
            if key not in ours or not same(ours[key], theirs, precision):
                return [Found(f"{check}: {key[1]}'s gradient in {precision} is not what PyTorch's autograd gives")]
    return []


def first_in_model(
    subject: Subject, check: str, precision: str, evidence: Evidence, theirs: Sequence[Trace]
) -> Finding | None:
    """Where a check's traces first part from the reference's."""
    for ours, reference in zip(evidence.traces, theirs):
        if any(place in ("output", "dy") for place, _ in reference):
            parting = first_parting(ours, reference, TOLERANCE[precision], subject.facts())
            parting = parting or _never_computed(ours, reference)
        else:
            parting = _parting(check, ours, reference, precision)
        if parting or ours.error:
            running = ours.running[-1] if ours.running else None
            return Finding(check, precision, parting, ours.error, running)
    if evidence.error or len(evidence.traces) < len(theirs):
        error = evidence.error or Raised("", "your code ended before all of it was computed")
        return Finding(check, precision, error=error, running=evidence.running)
    return None


def _never_computed(ours: Trace, theirs: Trace) -> Parting | None:
    """The first result that every model must give, and ours did not."""
    for key in theirs:
        needed = key in (("output", ""), ("output", "loss")) or key[0] == "gradient"
        if needed and key not in ours and not ours.error:
            return Parting(
                key[1], "forward" if key[0] == "output" else "backward", "what it never computed", math.inf, ""
            )
    return None


def _parting(check: str, ours: Trace, theirs: Mapping[Key, np.ndarray], precision: str) -> Parting | None:
    """The first result that differs, in a check whose keys name functions."""
    for key, b in theirs.items():
        if key not in ours and ours.error:
            continue
        if key not in ours or not same(ours[key], b, precision):
            error = relative_error(ours[key], b) if key in ours and ours[key].shape == b.shape else math.inf
            if check == "LoRA":
                return Parting("merge_lora", "", "the merged model's output", error, "")
            if key[0] in ("value", "gradient"):
                return Parting(check.split(",")[0], "", f"{key[1]}'s {key[0]}", error, "")
            return Parting(key[0], "", key[1], error, "")
    return None


def same(a: np.ndarray, b: np.ndarray, precision: str) -> bool:
    """Whether two results agree, in shape, dtype and up to rounding in value."""
    return a.shape == b.shape and a.dtype == b.dtype and relative_error(a, b) <= TOLERANCE[precision]
