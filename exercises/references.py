"""What the reference computes, once for each seed: numpy_gpt itself, whose every gradient the suite holds against PyTorch, with
central differences beside it. So no framework is needed."""

from functools import lru_cache

import numpy as np

import numpy_gpt
from exercises.path import find_exercise
from exercises.trial import Trial
from numpy_gpt import GPTConfig
from parity_tests.report.checks import CHECKS
from parity_tests.report.evidence import gather
from parity_tests.report.subject import Subject
from parity_tests.report.trace import Trace


@lru_cache(256)
def reference_trial(name: str, seed: int, precision: str) -> Trial:
    """The exercise's own trial with the reference's functions, central differences beside it."""
    trial = Trial(seed, precision, measured=True)
    with np.errstate(all="ignore"):
        find_exercise(name).probe(trial)
    return trial


@lru_cache(64)
def reference_evidence(check: str, precision: str, config: GPTConfig, sizes: tuple[int, int, int]) -> list[Trace]:
    """The reference's traces of a check of the report, with the model's parameters in them, as the diagnosis wants them."""
    subject = Subject(config, *sizes)
    with np.errstate(all="ignore"):
        evidence = gather(CHECKS[check], subject, precision)
    if evidence.error:
        raise RuntimeError(f"the reference cannot run {check!r}: {evidence.error.text}")
    for name, parameter in subject.model(numpy_gpt, precision).named_parameters():
        for trace in evidence.traces:
            if ("output", "") in trace:
                trace["parameter", name] = parameter.data
    return evidence.traces
